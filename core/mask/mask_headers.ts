// Takes secrets out of header lists by the header's name, before a record is made of them.

import { maskUrl } from "./mask_query.ts";

/** [lower-case name, value], in the order they travelled. */
export type Header = readonly [name: string, value: string];

const SECRET_NAMES: ReadonlySet<string> = new Set([
  "authorization",
  "proxy-authorization",
  "www-authenticate",
  "proxy-authenticate",
  "authentication-info",
  "cookie",
  "cookie2",
  "set-cookie",
  "set-cookie2",
  "x-amz-security-token",
  "x-goog-iam-authorization-token",
  "npm-otp",
  "x-csrf-token",
  "dpop",
  "mcp-session-id",
]);

/** A name that ends in one of these carries a secret whatever its prefix: X-Vault-Token, PRIVATE-TOKEN, X-Api-Key, X-Hub-Signature-256. */
const SECRET_PARTS: readonly string[] = ["token", "secret", "password", "passwd", "apikey", "api-key", "access-key", "signature", "credential", "assertion", "auth-key", "session-key"];
const URL_NAMES: ReadonlySet<string> = new Set(["location", "content-location", "referer", "destination", "link", "origin"]);

/** What is known of names seen before; callers choose the names, so the memory is bounded. */
const known = new Map<string, boolean>();
const MAX_KNOWN = 1024;

export function isSecretHeader(name: string): boolean {
  const before = known.get(name);
  if (before !== undefined) return before;
  const isSecret = SECRET_NAMES.has(name) || SECRET_PARTS.some((part) => name.includes(part));
  if (known.size < MAX_KNOWN && name.length <= 64) known.set(name, isSecret);
  return isSecret;
}

export function maskHeaders(headers: readonly Header[]): Header[] {
  return headers.map(([name, value]) => {
    if (isSecretHeader(name)) return [name, "[masked:header]"];
    return URL_NAMES.has(name) ? [name, maskUrl(value)] : [name, value];
  });
}
