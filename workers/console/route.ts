// What a route of the API is: one value from which come its routing, its decision, the checks of what
// is sent, its part of the OpenAPI document, and its answer. route_table.ts lists them all.
//
// Invariant: an answer runs only with a query and a body that the route's schemas took, and only after
// the intent of the command is durable.

import type { GenericSchema, InferOutput, ObjectEntries, StrictObjectSchema } from "valibot";
import { parseRoute, type RoutePattern } from "../../core/policy/route.ts";
import type { Fields } from "../../core/record/record.ts";
import { ok, type Result } from "../../core/result.ts";
import type { Caller } from "../caller.ts";
import type { Cleared, Exchange } from "../http/exchange.ts";
import type { ProblemMore, ProblemReason } from "../problem.ts";
import { readJson, readText } from "./read_body.ts";
import { readQuery } from "./read_query.ts";

export type Method = "GET" | "POST" | "PUT";
/** `public` is no command: it is answered without a login and leaves no record. `anyone` has a valid identity; handlers narrow to what is theirs. */
export type Who = "public" | "anyone" | readonly ("admin" | "auditor")[];

export type Refusal = { readonly reason: ProblemReason; readonly more?: ProblemMore };

/** A body that a route takes, and the schema it must have: of the JSON value, or of the whole text. */
export type BodySpec<Body extends GenericSchema> = {
  readonly mediaType: "application/json" | "application/yaml";
  /** Bytes. */
  readonly limit: number;
  readonly schema: Body;
  readonly description: string;
};

/** What one status carries. A media type without a schema is text that no schema describes. */
export interface AnswerSpec {
  readonly description: string;
  readonly content?: Readonly<Record<string, GenericSchema | null>>;
  /** Beyond those of every answer. */
  readonly headers?: readonly ("etag" | "link" | "allow")[];
}

/** What OpenAPI says of a route. */
export interface Described {
  /** `[a-z-]+`: the OpenAPI operation, and the rule `console-<id>` that records name. */
  readonly id: string;
  readonly method: Method;
  /** As the policy writes routes: `/api/v1/sessions/{sid}`. */
  readonly path: string;
  readonly who: Who;
  readonly summary: string;
  readonly description: string;
  readonly query: StrictObjectSchema<ObjectEntries, undefined> | null;
  /** Request headers that it reads: name → what for, and whether it must be there. */
  readonly headers: Readonly<Record<string, { readonly description: string; readonly required: boolean }>>;
  readonly body: BodySpec<GenericSchema> | null;
  /** Beside those that come with `who`, `query` and `body`. */
  readonly refusals: readonly ProblemReason[];
  readonly answers: Readonly<Record<number, AnswerSpec>>;
}

/** A request that found its route and may use it. */
export interface Incoming {
  readonly exchange: Exchange;
  readonly caller: Caller;
  /** What `{name}` stands for in the path. */
  readonly path: ReadonlyMap<string, string>;
  /** Raw, without `?`. */
  readonly rawQuery: string;
}

/** The same with what was sent, checked. */
export interface Call<Query, Body> extends Incoming {
  readonly query: Query;
  readonly body: Body;
}

/** What a route has found out before its intent is recorded. */
export interface Prepared<Data> {
  /** Go into the record of the intent. */
  readonly fields: Fields;
  readonly data: Data;
}

/** A refusal that has something to record of what was refused. */
export type PrepareRefusal = Refusal & { readonly fields?: Fields };

export type Answer = (cleared: Cleared, signal: AbortSignal) => Promise<Response>;

export interface Route extends Described {
  readonly rule: string;
  readonly pattern: RoutePattern;
  /** Reads and checks what was sent. Nothing has happened when it is refused. */
  ready(incoming: Incoming): Promise<Result<{ readonly fields: Fields; readonly answer: Answer }, PrepareRefusal>>;
}

interface RouteSpec<Query extends ObjectEntries, Body extends GenericSchema, Data> extends Omit<
  Described,
  "query" | "body" | "headers" | "refusals"
> {
  readonly query?: StrictObjectSchema<Query, undefined>;
  readonly body?: BodySpec<Body>;
  readonly headers?: Described["headers"];
  readonly refusals?: readonly ProblemReason[];
  readonly prepare?: (
    call: Call<InferOutput<StrictObjectSchema<Query, undefined>>, InferOutput<Body>>,
  ) => Promise<Result<Prepared<Data>, PrepareRefusal>>;
  readonly answer: (
    call: Call<InferOutput<StrictObjectSchema<Query, undefined>>, InferOutput<Body>>,
    cleared: Cleared,
    signal: AbortSignal,
    data: Data,
  ) => Response | Promise<Response>;
}

/** The one maker of routes: it ties what is checked to what the answer is given. */
export function route<
  Query extends ObjectEntries = ObjectEntries,
  Body extends GenericSchema = GenericSchema<undefined>,
  Data = undefined,
>(spec: RouteSpec<Query, Body, Data>): Route {
  const pattern = parseRoute(spec.path);
  if (pattern === null) throw new TypeError(spec.path);
  const { query = null, body = null, prepare } = spec;
  return {
    id: spec.id,
    method: spec.method,
    path: spec.path,
    who: spec.who,
    summary: spec.summary,
    description: spec.description,
    answers: spec.answers,
    query,
    body,
    headers: spec.headers ?? {},
    refusals: spec.refusals ?? [],
    rule: `console-${spec.id}`,
    pattern,
    ready: async (incoming) => {
      const asked = readQuery(incoming.rawQuery, query);
      if (!asked.ok) return asked;
      const sent = await readBody(incoming, body);
      if (!sent.ok) return sent;
      // Both are what the schemas gave; without one the type is that of nothing.
      const call = { ...incoming, query: asked.value, body: sent.value } as Parameters<typeof spec.answer>[0];
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

async function readBody(
  { exchange }: Incoming,
  body: BodySpec<GenericSchema> | null,
): Promise<Result<unknown, Refusal>> {
  const { request } = exchange;
  if (body === null)
    return request.body === null || request.headers.get("content-length") === "0"
      ? ok(undefined)
      : { ok: false, reason: "request_invalid", more: { errors: [{ pointer: "", expected: "no body" }] } };
  return body.mediaType === "application/json" ? readJson(request, body) : readText(request, body);
}
