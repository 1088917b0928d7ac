// Takes secrets out of header lists by the header's name, before a record is made of them. The
// caller's own headers get here, too: a refused attempt is recorded as it came.
// What stands within values is found before, as in any text (mask_texts.ts).

import { rememberNames } from "../remembered_names.ts";
import type { OwnNames } from "./mask_plan.ts";
import { maskUrl } from "./mask_query.ts";
import { judgeName, SECRET_PARTS } from "./secret_names.ts";

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
/** What only headers carry. A name that holds one of these, or of the parts that tell everywhere, carries a secret whatever stands around it: X-Vault-Token, X-Hub-Signature-256, Set-Cookie. */
const HEADER_PARTS: readonly string[] = ["authentication", "sessionid", "csrf", "xsrf", "jwt"];
const PARTS: readonly string[] = [...SECRET_PARTS.map(([part]) => part), ...HEADER_PARTS];
/** X-Api-Key, Ocp-Apim-Subscription-Key, X-Amz-Server-Side-Encryption-Customer-Key; Npm-Otp, X-Github-Otp. */
const SECRET_ENDS: readonly string[] = ["-key", "-otp", "-sig", "-pin", "-session", "-sid", "-ticket", "-hmac"];
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
  const joined = name.replaceAll("-", "");
  if (PARTS.some((part) => joined.includes(part)) || SECRET_ENDS.some((end) => name.endsWith(end))) return "secret";
  if (judgeName(name)?.weak === false) return "secret";
  return URL_NAMES.has(name) ? "url" : "plain";
}

export function isSecretHeader(name: string): boolean {
  return kindOf(name) === "secret";
}

export function maskHeaders(headers: readonly Header[], own: OwnNames | null = null): Header[] {
  return headers.map((header) => {
    const [name, value] = header;
    const kind = kindOf(name);
    if (kind === "secret") return [name, "[masked:header]"];
    const id = own?.(name) ?? null;
    if (id !== null) return [name, `[masked:${id}]`];
    return kind === "url" ? [name, maskUrl(value, own)] : header;
  });
}
