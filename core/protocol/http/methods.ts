// HTTP methods and what they do, so that a policy and a record can speak of reads and writes.

export type VerbClass = "read" | "write" | "other";

/** RFC 9110, RFC 5789, WebDAV (RFC 4918, 3253, 3744, 5323, 4791, 5842): what the runtime's parser accepts and the gateway forwards. */
const METHODS: Readonly<Record<string, VerbClass>> = {
  GET: "read",
  HEAD: "read",
  OPTIONS: "read",
  PROPFIND: "read",
  REPORT: "read",
  SEARCH: "read",
  POST: "write",
  PUT: "write",
  PATCH: "write",
  DELETE: "write",
  PROPPATCH: "write",
  MKCOL: "write",
  MKCALENDAR: "write",
  COPY: "write",
  MOVE: "write",
  ACL: "write",
  CHECKOUT: "write",
  CHECKIN: "write",
  UNCHECKOUT: "write",
  MKACTIVITY: "write",
  MKWORKSPACE: "write",
  MERGE: "write",
  UPDATE: "write",
  LABEL: "write",
  "VERSION-CONTROL": "write",
  "BASELINE-CONTROL": "write",
  ORDERPATCH: "write",
  LOCK: "other",
  UNLOCK: "other",
  PURGE: "other",
};

export const METHOD_NAMES: readonly string[] = Object.keys(METHODS);

/** Null for a method the gateway does not forward (CONNECT and TRACE among them). */
export function verbClass(method: string): VerbClass | null {
  return Object.hasOwn(METHODS, method) ? (METHODS[method] ?? null) : null;
}
