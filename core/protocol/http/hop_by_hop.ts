// Headers that belong to one connection and travel no further, in either direction (RFC 9110 §7.6.1).

import type { Header } from "../../mask/mask_headers.ts";

/** Whether or not `Connection` lists them. */
export const HOP_BY_HOP: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-authentication-info",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** Names that one or several `Connection` headers list, in lower case; `before` are those of the ones before. */
export function listedIn(value: string, before: Set<string> | null): Set<string> {
  const names = before ?? new Set<string>();
  for (const name of value.split(",")) names.add(name.trim().toLowerCase());
  return names;
}

export function withoutListed(headers: Header[], listed: ReadonlySet<string> | null): Header[] {
  return listed === null ? headers : headers.filter(([name]) => !listed.has(name));
}
