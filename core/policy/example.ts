// An example of a policy: a command and what the policy is meant to decide on it.

import type { Principal } from "../auth/principal.ts";
import type { Header } from "../mask/mask_headers.ts";
import { parseTarget } from "../protocol/http/target.ts";
import { isMessageMethod } from "../protocol/http/methods.ts";
import { type BodyView, MAX_JSON_LIMIT } from "./body.ts";
import type { FileExample } from "./file.ts";
import { type MessageView, readMessage } from "./message.ts";

/** Nothing here is checked against the policy's names: an example may show that an unknown connection is denied. */
export interface PolicyExample {
  readonly name: string;
  /** Where the example begins in the file, both from 1. */
  readonly line: number;
  readonly column: number;
  readonly as: ExamplePerson;
  readonly method: string;
  /** Raw path with its query, as in a request line. */
  readonly target: string;
  /** Raw, as `parseTarget` gives them. */
  readonly path: string;
  readonly query: string;
  readonly connection: string;
  readonly headers: readonly Header[];
  readonly body: BodyView;
  /** For a message of a WebSocket; null for a request. */
  readonly message: MessageView | null;
  readonly address: string | null;
  /** Milliseconds since 1970; null for "any time", which is when the example is run. */
  readonly time: number | null;
  readonly expect: "allow" | "deny" | "needs_approval";
  /** The rule that must decide, `default` for none of them, null if any will do. */
  readonly by: string | null;
}

/** As `Principal`, but for the issuer, which an example may leave open. */
export type ExamplePerson = Omit<Principal, "issuer"> & { readonly issuer: string | null };

export function exampleOf(
  example: FileExample,
  place: { readonly line: number; readonly column: number },
): PolicyExample {
  const { as, do: does, with: given } = example;
  const space = does.indexOf(" ");
  const method = does.slice(0, space);
  const target = does.slice(space + 1);
  const parsed = parseTarget(`http://h/c/x${target}`, "/c/");
  return {
    name: example.name,
    ...place,
    as: {
      issuer: as.issuer ?? null,
      subject: as.subject,
      name: as.name ?? null,
      email: as.email ?? null,
      emailVerified: as.email_verified,
      groups: as.groups,
      authTime: as.auth_time === undefined ? null : Math.floor(Date.parse(as.auth_time) / 1000),
      methods: as.methods,
      actors: as.actors,
    },
    method,
    target,
    path: parsed.ok ? parsed.value.path : "",
    query: parsed.ok ? parsed.value.query : "",
    connection: example.on,
    headers: Object.entries(given?.headers ?? {}),
    ...(isMessageMethod(method) ? messageOf(given) : { ...bodyOf(given), message: null }),
    address: given?.address ?? null,
    time: given?.time === undefined ? null : Date.parse(given.time),
    expect: example.expect === "needs-approval" ? "needs_approval" : example.expect,
    by: example.by ?? null,
  };
}

type Given = FileExample["with"];

function bodyOf(given: Given): { readonly body: BodyView } {
  return { body: given?.json === undefined ? { kind: "none" } : { kind: "json", value: given.json } };
}

/** What is said to be JSON is written as JSON; the connection's own limit is looked at when the example is asked. */
function messageOf(given: Given): { readonly body: BodyView; readonly message: MessageView } {
  if (given?.binary !== undefined) return { body: { kind: "none" }, message: { type: "binary", size: given.binary } };
  const text = given?.text ?? (given?.json === undefined ? "" : JSON.stringify(given.json));
  const message: MessageView = { type: "text", size: new TextEncoder().encode(text).length };
  return { body: readMessage(message, text, MAX_JSON_LIMIT), message };
}
