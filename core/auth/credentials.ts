// Reads the caller's token out of the Authorization header.

import { ok, refuse, type Result } from "../result.ts";
import { TOKEN_LIMIT, type TokenRefusal } from "./token.ts";

/**
 * Bearer (RFC 6750 §2.1), or Basic with the token as password and any user name, as git and WebDAV
 * clients send it. The Fetch API joins repeated headers with a comma, which neither form contains.
 */
export function readToken(authorization: string | null): Result<string, { reason: TokenRefusal }> {
  if (authorization === null || authorization === "") return refuse({ reason: "token_missing" });
  if (authorization.length > 2 * TOKEN_LIMIT) return refuse({ reason: "token_oversize" });
  if (authorization.includes(",")) return refuse({ reason: "token_repeated" });
  // RFC 9110 §11.4: a token, then spaces, then the credentials. No other white space separates them.
  const space = authorization.indexOf(" ");
  const scheme = (space < 0 ? authorization : authorization.slice(0, space)).toLowerCase();
  const value = space < 0 ? "" : withoutSpaces(authorization, space);
  if (scheme === "bearer") return value === "" ? refuse({ reason: "token_missing" }) : ok(value);
  if (scheme !== "basic") return refuse({ reason: "scheme_unknown" });
  let decoded: string;
  try {
    decoded = atob(value);
  } catch {
    return refuse({ reason: "token_malformed" });
  }
  const colon = decoded.indexOf(":");
  const password = colon < 0 ? "" : decoded.slice(colon + 1);
  return password === "" ? refuse({ reason: "token_missing" }) : ok(password);
}

/** By hand: `/ +$/` takes quadratic time over many spaces. */
function withoutSpaces(text: string, from: number): string {
  let start = from;
  let end = text.length;
  while (text[start] === " ") start++;
  while (end > start && text[end - 1] === " ") end--;
  return text.slice(start, end);
}
