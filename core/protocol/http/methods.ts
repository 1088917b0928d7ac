// The methods the gateway knows, and what each does, so that a policy and a record can speak of reads
// and writes.
//
// The list is what the Workers runtime's parser lets through (measured); it answers 501 to any other,
// MKCALENDAR, BIND and VERSION-CONTROL among them, before a Worker sees the request. Names are
// case-sensitive (RFC 9110 §9.1): `get` is not GET. A method that is not listed is never forwarded.

export type VerbClass = "read" | "write" | "other";

const METHODS: ReadonlyMap<string, VerbClass> = new Map<string, VerbClass>([
  // RFC 9110 §9.3, RFC 5789, and the safe QUERY method.
  ["GET", "read"],
  ["HEAD", "read"],
  ["OPTIONS", "read"],
  ["QUERY", "read"],
  ["POST", "write"],
  ["PUT", "write"],
  ["PATCH", "write"],
  ["DELETE", "write"],
  // WebDAV: RFC 4918, access control (RFC 3744), SEARCH (RFC 5323); RFC 3253 as far as the runtime
  // knows it. CalDAV (RFC 4791) reads by REPORT.
  ["PROPFIND", "read"],
  ["REPORT", "read"],
  ["SEARCH", "read"],
  ["PROPPATCH", "write"],
  ["MKCOL", "write"],
  ["COPY", "write"],
  ["MOVE", "write"],
  ["ACL", "write"],
  ["MKACTIVITY", "write"],
  ["CHECKOUT", "write"],
  ["MERGE", "write"],
  ["LOCK", "other"],
  ["UNLOCK", "other"],
  // Methods of caches and of event subscription.
  ["PURGE", "other"],
  ["BAN", "other"],
  ["MSEARCH", "other"],
  ["NOTIFY", "other"],
  ["SUBSCRIBE", "other"],
  ["UNSUBSCRIBE", "other"],
]);

export const METHOD_NAMES: readonly string[] = [...METHODS.keys()];

/**
 * What rules call the two directions of a WebSocket's messages: SEND goes to the upstream, RECEIVE comes
 * from it. No request has such a method: one that says so is refused like any other unknown one.
 */
export const MESSAGE_METHODS: readonly string[] = ["SEND", "RECEIVE"];

export function isMessageMethod(method: string): boolean {
  return MESSAGE_METHODS.includes(method);
}

/**
 * Null for a method the gateway does not forward. TRACE is one: its answer is the request as the
 * upstream received it (RFC 9110 §9.3.8), with the upstream's own credential in it.
 */
export function verbClass(method: string): VerbClass | null {
  return METHODS.get(method) ?? null;
}
