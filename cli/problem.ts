// RFC 9457 problem documents as the gateway sends them, read as text that may be anything.

import * as v from "valibot";

const text = v.optional(v.fallback(v.string(), ""), "");
const count = v.optional(v.fallback(v.nullable(v.number()), null), null);

const ProblemBody = v.object({
  title: text,
  reason: text,
  detail: text,
  record: v.optional(v.unknown()),
  errors: v.optional(
    v.fallback(
      v.array(
        v.object({
          parameter: text,
          pointer: text,
          path: text,
          line: count,
          column: count,
          expected: text,
          message: text,
        }),
      ),
      [],
    ),
    [],
  ),
});

export type Problem = v.InferOutput<typeof ProblemBody> & { readonly status: number };

const EMPTY = { title: "", reason: "", detail: "", record: undefined, errors: [] };

/** Never fails: what is not there is empty. */
export function readProblem(status: number, body: string): Problem {
  try {
    const parsed = v.safeParse(ProblemBody, JSON.parse(body) as unknown);
    if (parsed.success) return { status, ...parsed.output };
  } catch {
    // No JSON: a proxy's page, or nothing.
  }
  return { status, ...EMPTY };
}
