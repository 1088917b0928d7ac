// What of a command an approval is bound to. A digest is keyed, so that a short body cannot be guessed from
// it: HMAC-SHA-256 under a key of the connection's own over an RFC 8785 text, whose first member tells what
// it is of.
//
// Invariant: two commands that an upstream could take for different ones have different texts. Whatever is
// covered is taken as it is forwarded.

import { toHex } from "../bytes.ts";
import type { ConnectionName, Digest } from "../ids.ts";
import { parseDigest } from "../ids.ts";
import { canonicalText } from "../record/canonical.ts";

export interface BodyFacts {
  readonly sha256: Digest;
  readonly size: number;
}

export interface HttpCommand {
  readonly connection: ConnectionName;
  readonly method: string;
  /** Path and query as forwarded. */
  readonly target: string;
  /** As forwarded; which of them count is found here. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** As it travels, in its content coding. Null: without a body, which an empty one is not. */
  readonly body: BodyFacts | null;
}

export interface MessageCommand {
  readonly connection: ConnectionName;
  /** `SEND` by the caller, `RECEIVE` by the upstream. */
  readonly method: "SEND" | "RECEIVE";
  /** Path and query with which the socket was opened. */
  readonly target: string;
  readonly type: "text" | "binary";
  readonly data: BodyFacts;
}

/** HMAC-SHA-256 under the connection's key for approvals. */
export type Mac = (bytes: Uint8Array) => Uint8Array;

const MEANING: ReadonlySet<string> = new Set([
  // RFC 9110 §14, RFC 4918 §10.
  "range",
  "if",
  "destination",
  "depth",
  "overwrite",
  "lock-token",
  // SOAP 1.1 §6.1.1 names the operation here.
  "soapaction",
  "x-method-override",
]);
const MEANING_STARTS: readonly string[] = ["content-", "if-", "x-http-method"];
/** Copies within an object store: `x-amz-copy-source`, `x-goog-copy-source-generation`. */
const COPY_SOURCE = /-copy-source(?:-|$)/;

/** Whether a header changes what a request does, and not only how it is carried or answered. `name` in lower case. */
export function changesMeaning(name: string): boolean {
  // The body's size is covered with the body.
  if (name === "content-length") return false;
  return MEANING.has(name) || MEANING_STARTS.some((start) => name.startsWith(start)) || COPY_SOURCE.test(name);
}

export function httpText({ connection, method, target, headers, body }: HttpCommand): string {
  const covered = headers
    .map(([name, value], index) => ({ name: name.toLowerCase(), value, index }))
    .filter(({ name }) => changesMeaning(name))
    // Of one name the order counts, of different ones it does not.
    .sort((a, b) => (a.name === b.name ? a.index - b.index : a.name < b.name ? -1 : 1))
    .map(({ name, value }) => [name, value]);
  return canonicalText({
    body: body === null ? null : { sha256: body.sha256, size: body.size },
    connection,
    headers: covered,
    is: "sallyport.approval.http.v1",
    method,
    target,
  });
}

export function messageText({ connection, method, target, type, data }: MessageCommand): string {
  return canonicalText({
    connection,
    data: { sha256: data.sha256, size: data.size },
    is: "sallyport.approval.message.v1",
    method,
    target,
    type,
  });
}

/** What a grant of scope `target` covers. */
export function targetText({
  connection,
  method,
  target,
}: Pick<HttpCommand, "connection" | "method" | "target">): string {
  return canonicalText({ connection, is: "sallyport.approval.target.v1", method, target });
}

export function keyedDigest(text: string, mac: Mac): Digest {
  const digest = parseDigest(toHex(mac(new TextEncoder().encode(text))));
  if (digest === null) throw new TypeError("not an HMAC-SHA-256");
  return digest;
}
