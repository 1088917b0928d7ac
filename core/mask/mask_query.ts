// Takes secrets out of URLs by the parameter's name: values in queries and fragments, and user
// information. Everything else stays byte for byte, so that a record shows what was sent. What is
// nested in a value (a URL percent-encoded within a URL) is a payload, and not looked into here.

import { rememberNames } from "../remembered_names.ts";
import type { OwnNames } from "./mask_plan.ts";
import { judgeName } from "./secret_names.ts";

const MASK = "[masked:query]";

/** `name` as it means, not as it was encoded. */
export const isSecretParameter: (name: string) => boolean = rememberNames((name) => judgeName(name) !== null);

/** Masks the values of secret-bearing parameters in a raw query (without `?`) or a fragment of that form. */
export function maskQuery(query: string, own: OwnNames | null = null): string {
  if (!query.includes("=")) return query;
  return query
    .split("&")
    .map((pair) => maskPair(pair, own))
    .join("&");
}

/** What stands in the place of a parameter's value; null if it may stay. */
function maskOf(rawName: string, own: OwnNames | null): string | null {
  const name = decoded(rawName);
  if (isSecretParameter(name)) return MASK;
  const id = own?.(name) ?? null;
  return id === null ? null : `[masked:${id}]`;
}

/** Some servers still take `;` for a separator (HTML 4.01 §B.2.2): both readings are masked. */
function maskPair(pair: string, own: OwnNames | null): string {
  const at = pair.indexOf("=");
  if (at < 0) return pair;
  const name = pair.slice(0, at);
  const mask = at + 1 < pair.length ? maskOf(name, own) : null;
  if (mask !== null) return `${name}=${mask}`;
  const cut = pair.indexOf(";");
  if (cut < 0) return pair;
  return pair
    .split(";")
    .map((part) => maskSimplePair(part, own))
    .join(";");
}

function maskSimplePair(pair: string, own: OwnNames | null): string {
  const at = pair.indexOf("=");
  if (at < 0 || at + 1 === pair.length) return pair;
  const name = pair.slice(0, at);
  const mask = maskOf(name, own);
  return mask === null ? pair : `${name}=${mask}`;
}

/** User information may hold an `@` itself, unencoded; the last one before the path counts (URL Standard §4.4). Backslashes are slashes to a browser. */
const USER_INFORMATION = /(:[/\\]{2}|^[/\\]{2})[^\s/\\?#<>"]*@/g;

/** The same for a URL, a path with query, or a header of several: user information, query and fragment. */
export function maskUrl(url: string, own: OwnNames | null = null): string {
  const fragmentAt = url.indexOf("#");
  const before = fragmentAt < 0 ? url : url.slice(0, fragmentAt);
  const queryAt = before.indexOf("?");
  const place = queryAt < 0 ? before : before.slice(0, queryAt);
  const query = queryAt < 0 ? "" : `?${maskQuery(before.slice(queryAt + 1), own)}`;
  const fragment = fragmentAt < 0 ? "" : `#${maskQuery(url.slice(fragmentAt + 1), own)}`;
  // User information is looked for in all of it: what follows a `?` is a second URL in `Link`.
  return (
    place.replace(USER_INFORMATION, "$1[masked:userinfo]@") +
    (query + fragment).replace(USER_INFORMATION, "$1[masked:userinfo]@")
  );
}

/** Each encoding by itself, so that an invalid one elsewhere in the name hides nothing. ASCII is enough to know a name by. */
function decoded(name: string): string {
  if (!name.includes("%") && !name.includes("+")) return name;
  return name
    .replaceAll("+", " ")
    .replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}
