// Takes secrets out of header lists by the header's name, before a record is made of them. The
// caller's own headers get here, too: a refused attempt is recorded as it came.

import { rememberNames } from "../remembered_names.ts";
import { maskUrl } from "./mask_query.ts";

/** [lower-case name, value], in the order they travelled. */
export type Header = readonly [name: string, value: string];

const SECRET_NAMES: ReadonlySet<string> = new Set([
  "auth",
  "x-auth",
  "key",
  "dpop",
  "www-authenticate",
  "proxy-authenticate",
  // Kubernetes clients carry a bearer token in it (base64url.bearer.authorization.k8s.io.…).
  "sec-websocket-protocol",
]);
/** A name that holds one of these carries a secret whatever stands around it: X-Vault-Token, X-Hub-Signature-256, Set-Cookie. */
const SECRET_PARTS: readonly string[] = [
  "token",
  "secret",
  "password",
  "passwd",
  "passphrase",
  "apikey",
  "signature",
  "credential",
  "assertion",
  "authorization",
  "authentication",
  "cookie",
  "session-id",
  "sessionid",
  "csrf",
  "xsrf",
  "jwt",
];
/** X-Api-Key, Ocp-Apim-Subscription-Key, X-Amz-Server-Side-Encryption-Customer-Key; Npm-Otp, X-Github-Otp. */
const SECRET_ENDS: readonly string[] = ["-key", "-otp", "-sig", "-pin"];
const NOT_SECRET: ReadonlySet<string> = new Set([
  "idempotency-key",
  "x-idempotency-key",
  "surrogate-key",
  "cache-key",
  "x-cache-key",
]);
const URL_NAMES: ReadonlySet<string> = new Set([
  "location",
  "content-location",
  "referer",
  "destination",
  "link",
  "origin",
  "refresh",
  "x-original-url",
  "x-original-uri",
  "x-rewrite-url",
  "x-forwarded-uri",
]);

type Kind = "secret" | "url" | "plain";

const kindOf: (name: string) => Kind = rememberNames(judge);

/** CGI reads `X_Api_Key` as it reads `X-Api-Key`. */
function judge(asWritten: string): Kind {
  const name = asWritten.toLowerCase().replaceAll("_", "-");
  if (NOT_SECRET.has(name)) return "plain";
  if (SECRET_NAMES.has(name)) return "secret";
  if (SECRET_PARTS.some((part) => name.includes(part)) || SECRET_ENDS.some((end) => name.endsWith(end)))
    return "secret";
  return URL_NAMES.has(name) ? "url" : "plain";
}

export function maskHeaders(headers: readonly Header[]): Header[] {
  return headers.map((header) => {
    const [name, value] = header;
    const kind = kindOf(name);
    if (kind === "secret") return [name, "[masked:header]"];
    return kind === "url" ? [name, maskUrl(value)] : header;
  });
}
