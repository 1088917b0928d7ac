// Reads a query by a route's schema, and nothing else: a parameter that the route does not have, one
// that is there twice, or one that two decoders could read differently is refused.

import * as v from "valibot";
import { ok, type Result } from "../../core/result.ts";
import type { ProblemError } from "../problem.ts";
import type { Refusal } from "./route.ts";
import { expectedOf } from "./schemas.ts";

/** More than any route has. */
const MAX_PARAMETERS = 32;
/** A name the caller made up is told back, for a typing error to be seen; no more of it than that needs. */
const MAX_NAME = 64;

export function readQuery(
  raw: string,
  schema: v.StrictObjectSchema<v.ObjectEntries, undefined> | null,
): Result<Readonly<Record<string, unknown>>, Refusal> {
  if (raw === "") return schema === null ? ok({}) : checked({}, schema);
  const sent: Record<string, string> = {};
  const seen = new Set<string>();
  const pairs = raw.split("&");
  if (pairs.length > MAX_PARAMETERS) return invalid([{ expected: `at most ${MAX_PARAMETERS} parameters` }]);
  for (const pair of pairs) {
    const at = pair.indexOf("=");
    const name = decoded(at < 0 ? pair : pair.slice(0, at));
    const value = at < 0 ? null : decoded(pair.slice(at + 1));
    if (name === null) return invalid([{ expected: "parameter=value, percent-encoded UTF-8" }]);
    const parameter = name.slice(0, MAX_NAME);
    if (schema === null || !Object.hasOwn(schema.entries, name))
      return invalid([{ parameter, expected: "no such parameter" }]);
    if (seen.has(name)) return invalid([{ parameter, expected: "each parameter once" }]);
    if (value === null) return invalid([{ parameter, expected: "a value, percent-encoded UTF-8" }]);
    seen.add(name);
    sent[name] = value;
  }
  return schema === null ? ok({}) : checked(sent, schema);
}

function checked(
  sent: Readonly<Record<string, string>>,
  schema: v.StrictObjectSchema<v.ObjectEntries, undefined>,
): Result<Readonly<Record<string, unknown>>, Refusal> {
  const parsed = v.safeParse(schema, sent);
  if (parsed.success) return ok(parsed.output);
  return invalid(
    parsed.issues.slice(0, MAX_PARAMETERS).map((issue) => ({
      parameter: nameOf(issue.path?.[0]?.key).slice(0, MAX_NAME),
      expected: expectedOf(issue, "parameter"),
    })),
  );
}

function nameOf(key: unknown): string {
  return typeof key === "string" ? key : "";
}

function invalid(errors: readonly ProblemError[]): { readonly ok: false } & Refusal {
  return { ok: false, reason: "request_invalid", more: { errors } };
}

/** As forms write it (URL Standard, application/x-www-form-urlencoded). Null for what is not UTF-8, or not encoded. */
function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    return null;
  }
}
