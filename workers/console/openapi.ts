// Writes the API's OpenAPI 3.1 document from the route table, so that it says what is checked and
// answered and nothing else.

import { toJsonSchema, toJsonSchemaDefs } from "@valibot/to-json-schema";
import type { GenericSchema } from "valibot";
import type { Config } from "../config.ts";
import { type ProblemReason, statusOf } from "../problem.ts";
import { VERSION } from "../version.ts";
import { entityTag, tagged } from "./answers.ts";
import type { AnswerSpec, Described } from "./route.ts";
import { ROUTES } from "./route_table.ts";
import { COMPONENTS } from "./schemas.ts";

type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };
type Node = { readonly [key: string]: Json };

let written: { readonly origin: string; readonly text: string; readonly etag: string } | null = null;

export function openApiDocument(request: Request, { origin }: Pick<Config, "origin">): Response {
  if (written?.origin !== origin) {
    const text = `${JSON.stringify(describeApi(origin), null, 1)}\n`;
    written = { origin, text, etag: entityTag(text) };
  }
  return tagged(request, written.text, "application/json", written.etag, { "cache-control": "public, max-age=300" });
}

export function describeApi(origin: string): Node {
  return {
    openapi: "3.1.0",
    info: {
      title: "Sallyport",
      version: VERSION,
      description:
        "The gateway's own API. Each call but this document's is a command: it is decided by its route, recorded in the caller's session on the connection `console`, and answered once that is durable. Times are milliseconds since 1970.",
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: origin }],
    security: [{ bearer: [] }],
    paths: paths(),
    components: {
      securitySchemes: {
        bearer: {
          type: "http",
          scheme: "bearer",
          bearerFormat: "JWT",
          description: "An access token of a trusted OpenID provider",
        },
      },
      schemas: definitions(),
      headers: HEADERS,
    },
  };
}

const HEADERS: Node = {
  etag: { description: "For If-None-Match or If-Match", schema: { type: "string" } },
  link: { description: 'The next page, `rel="next"`', schema: { type: "string" } },
  allow: { description: "The methods that there are", schema: { type: "string" } },
  "retry-after": { description: "Seconds", schema: { type: "integer" } },
};

const refTo = ({ referenceId }: { readonly referenceId: string }): string => `#/components/schemas/${referenceId}`;

function definitions(): Node {
  const all = toJsonSchemaDefs(COMPONENTS, {
    target: "draft-2020-12",
    typeMode: "output",
    errorMode: "ignore",
    overrideRef: refTo,
  });
  return all as unknown as Node;
}

/** Of what is sent where `mode` is "input", of what is answered where it is "output". */
function schemaOf(schema: GenericSchema, mode: "input" | "output"): Node {
  const {
    $schema: _,
    $defs: __,
    ...rest
  } = toJsonSchema(schema, {
    target: "draft-2020-12",
    typeMode: mode,
    errorMode: "ignore",
    definitions: COMPONENTS,
    overrideRef: refTo,
  });
  return rest as unknown as Node;
}

function paths(): Node {
  const found: Record<string, Record<string, Json>> = {};
  for (const route of ROUTES) {
    const item = (found[route.path] ??= pathItem(route.path));
    item[route.method.toLowerCase()] = operation(route);
  }
  return found;
}

function pathItem(path: string): Record<string, Json> {
  const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => name);
  if (names.length === 0) return {};
  return {
    parameters: names.map((name) => ({ name, in: "path", required: true, schema: { type: "string" } })),
  };
}

function operation(route: Described): Node {
  const { id, who, summary, description, body } = route;
  return {
    operationId: id,
    summary,
    description: `${description}\n\n${whoText(who)}`,
    ...(who === "public" ? { security: [] } : {}),
    parameters: parameters(route),
    ...(body === null
      ? {}
      : {
          requestBody: {
            required: true,
            description: body.description,
            content: { [body.mediaType]: { schema: schemaOf(body.schema, "input") } },
          },
        }),
    responses: responses(route),
  };
}

function whoText(who: Described["who"]): string {
  if (who === "public") return "Anybody.";
  return who === "anyone" ? "Anybody with a valid identity." : `With the role ${who.join(" or ")}.`;
}

function parameters({ query, headers, answers }: Described): Json[] {
  const asked = Object.entries(query?.entries ?? {}).map(([name, schema]) => ({
    name,
    in: "query",
    required: schema.type !== "optional",
    schema: schemaOf(schema as GenericSchema, "output"),
  }));
  const conditional =
    answers[304] === undefined
      ? {}
      : { "if-none-match": { description: "Entity tags that the caller has", required: false } };
  const read = Object.entries({ ...headers, ...conditional })
    // OpenAPI 3.1 §4.8.12.1: what a parameter named so says is ignored; the media types stand with the answers.
    .filter(([name]) => name !== "accept")
    .map(([name, { description, required }]) => ({
      name,
      in: "header",
      required,
      description,
      schema: { type: "string" },
    }));
  return [...asked, ...read];
}

function responses(route: Described): Node {
  const found: Record<string, Json> = {};
  for (const [status, answer] of Object.entries(route.answers)) found[status] = answered(answer);
  if (route.who === "public") return found;
  const byStatus = new Map<number, ProblemReason[]>();
  for (const reason of refusalsOf(route)) {
    const status = statusOf(reason);
    byStatus.set(status, [...(byStatus.get(status) ?? []), reason]);
  }
  for (const [status, reasons] of byStatus) found[status] = refused(status, reasons);
  return found;
}

/** Those that any command can meet, those that come with what the route takes, and its own. */
function refusalsOf({ who, query, body, refusals }: Described): Set<ProblemReason> {
  return new Set<ProblemReason>([
    "unauthenticated",
    "request_invalid",
    "rate_limited",
    "internal",
    "not_recordable",
    "overloaded",
    "control_unavailable",
    "issuer_unavailable",
    "misconfigured",
    "answer_not_recordable",
    "trail_unavailable",
    ...(typeof who === "string" ? [] : (["role_needed"] as const)),
    ...(query === null ? [] : (["request_invalid"] as const)),
    ...(body === null ? [] : (["body_too_large", "body_late", "media_type_unsupported", "request_cut"] as const)),
    ...refusals,
  ]);
}

function answered({ description, content = {}, headers = [] }: AnswerSpec): Node {
  const media = Object.entries(content).map(([type, schema]): [string, Json] => [
    type,
    { schema: schema === null ? { type: "string" } : schemaOf(schema, "output") },
  ]);
  return {
    description,
    ...(media.length === 0 ? {} : { content: Object.fromEntries(media) }),
    ...(headers.length === 0
      ? {}
      : { headers: Object.fromEntries(headers.map((name) => [name, { $ref: `#/components/headers/${name}` }])) }),
  };
}

function refused(status: number, reasons: readonly ProblemReason[]): Node {
  return {
    description: `\`${reasons.join("`, `")}\``,
    content: { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } } },
    ...(status === 429 || status === 503
      ? { headers: { "retry-after": { $ref: "#/components/headers/retry-after" } } }
      : {}),
  };
}
