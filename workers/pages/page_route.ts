// What a page of the console is: one value from which come its routing, its decision, the checks of what
// is sent, and its answer. page_routes.ts lists them all.
//
// Invariant: an answer runs only with a query and a form that the route's schemas took, a form only if a
// page of this login made it, and both only after the intent of the command is durable.

import * as v from "valibot";
import { parseRoute, type RoutePattern } from "../../core/policy/route.ts";
import type { Fields } from "../../core/record/record.ts";
import { ok, refuse, type Result } from "../../core/result.ts";
import { readQuery } from "../console/read_query.ts";
import type { Answer, Incoming, Prepared, PrepareRefusal, Refusal, Who } from "../console/route.ts";
import type { Cleared } from "../http/exchange.ts";
import { BODY_MS, readBody } from "../http/read_body.ts";
import { FORM_FIELD, isFormToken, type PageLogin } from "./form_token.ts";

/** A request that found its page and may use it. The API's functions take what this has of theirs. */
export interface PageIncoming extends Incoming {
  readonly login: PageLogin;
  /** As it was sent: what a form's `action` was. */
  readonly rawPath: string;
}

export type PageCall<Query, Form> = PageIncoming & { readonly query: Query; readonly form: Form };

export interface PageRoute {
  /** `[a-z-]+`: the rule `page-<id>` that records name. */
  readonly rule: string;
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly who: Exclude<Who, "public">;
  readonly pattern: RoutePattern;
  /** It leads to a decision: an older login is renewed before it is shown. */
  readonly fresh: boolean;
  /** Also while the policy in force cannot be read. */
  readonly always: boolean;
  /** Reads and checks what was sent. Nothing has happened when it is refused. */
  ready(incoming: PageIncoming): Promise<Result<{ readonly fields: Fields; readonly answer: Answer }, PrepareRefusal>>;
}

type Schema<Entries extends v.ObjectEntries> = v.StrictObjectSchema<Entries, undefined>;

interface PageSpec<Query extends v.ObjectEntries, Form extends v.ObjectEntries, Data> {
  readonly id: string;
  readonly method: PageRoute["method"];
  /** As the policy writes routes: `/approvals/{id}`. */
  readonly path: string;
  readonly who: PageRoute["who"];
  readonly fresh?: boolean;
  readonly always?: boolean;
  readonly query?: Schema<Query>;
  /** Of a POST: its fields, all of them text, beside the one that shows whose form it is. */
  readonly form?: Schema<Form>;
  /** Bytes of the form as it is sent. */
  readonly limit?: number;
  readonly prepare?: (
    call: PageCall<v.InferOutput<Schema<Query>>, v.InferOutput<Schema<Form>>>,
  ) => Promise<Result<Prepared<Data>, PrepareRefusal>>;
  readonly answer: (
    call: PageCall<v.InferOutput<Schema<Query>>, v.InferOutput<Schema<Form>>>,
    cleared: Cleared,
    signal: AbortSignal,
    data: Data,
  ) => Response | Promise<Response>;
}

/** Room for a comment of a thousand characters, each of them percent-encoded in three bytes or more. */
const FORM_LIMIT = 16_384;

/** The one maker of pages: it ties what is checked to what the answer is given. */
export function pageRoute<
  Query extends v.ObjectEntries = v.ObjectEntries,
  Form extends v.ObjectEntries = v.ObjectEntries,
  Data = undefined,
>(spec: PageSpec<Query, Form, Data>): PageRoute {
  const pattern = parseRoute(spec.path);
  if (pattern === null) throw new TypeError(spec.path);
  const { query = null, form = null, prepare, limit = FORM_LIMIT } = spec;
  return {
    rule: `page-${spec.id}`,
    method: spec.method,
    path: spec.path,
    who: spec.who,
    fresh: spec.fresh ?? false,
    always: spec.always ?? false,
    pattern,
    ready: async (incoming) => {
      const asked = readQuery(incoming.rawQuery, query);
      if (!asked.ok) return asked;
      const sent = spec.method === "POST" ? await readForm(incoming, form, limit) : ok({});
      if (!sent.ok) return sent;
      // Both are what the schemas gave; without one the type is that of nothing.
      const call = { ...incoming, query: asked.value, form: sent.value } as Parameters<typeof spec.answer>[0];
      const prepared = prepare === undefined ? null : await prepare(call);
      if (prepared !== null && !prepared.ok) return prepared;
      const data = prepared?.value.data as Data;
      return ok({
        fields: prepared?.value.fields ?? {},
        answer: async (cleared, signal) => spec.answer(call, cleared, signal, data),
      });
    },
  };
}

async function readForm(
  { exchange: { request }, login, rawPath }: PageIncoming,
  schema: Schema<v.ObjectEntries> | null,
  limit: number,
): Promise<Result<Readonly<Record<string, unknown>>, Refusal>> {
  if (!FORM_TYPE.test(request.headers.get("content-type") ?? "")) return refuse({ reason: "media_type_unsupported" });
  const read = await readBody(request, limit, BODY_MS);
  if (read.kind !== "whole") return refuse({ reason: REFUSED[read.kind] });
  // Percent-encoding leaves nothing but ASCII; the rest becomes what no form can hold.
  const text = new TextDecoder("latin1").decode(read.bytes);
  if (!/^[!-~]*$/.test(text)) return refuse({ reason: "request_invalid", more: { errors: [ENCODED] } });
  const fields = readQuery(text, v.strictObject({ ...schema?.entries, [FORM_FIELD]: v.optional(v.string(), "") }));
  if (!fields.ok) return fields;
  const { [FORM_FIELD]: token, ...rest } = fields.value;
  return isFormToken(String(token), login, rawPath) ? ok(rest) : refuse({ reason: "form_invalid" });
}

const FORM_TYPE = /^\s*application\/x-www-form-urlencoded\s*(?:;\s*charset="?utf-?8"?\s*)?$/i;
const ENCODED = { pointer: "", expected: "fields, percent-encoded UTF-8" };
/** What a body that was not read whole is refused as. */
const REFUSED = { too_large: "body_too_large", cut: "request_cut", late: "body_late" } as const;
