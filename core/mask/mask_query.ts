// Takes secrets out of URLs by the parameter's name: query values and user information.

const SECRET_NAMES: ReadonlySet<string> = new Set([
  "access_token", "refresh_token", "id_token", "token", "auth", "authorization", "code", "key", "api_key", "apikey", "api-key",
  "access_key", "secret", "client_secret", "client_assertion", "password", "passwd", "pwd", "pass", "sig", "signature", "hmac",
  "x-amz-signature", "x-amz-credential", "x-amz-security-token", "x-goog-signature", "x-goog-credential", "awsaccesskeyid",
  "jwt", "assertion", "session", "sessionid", "sid", "otp", "ticket", "private_token", "code_verifier",
]);
const SECRET_PARTS: readonly string[] = ["token", "secret", "password", "signature", "credential", "api_key", "apikey"];

export function isSecretParameter(name: string): boolean {
  const plain = name.toLowerCase();
  return SECRET_NAMES.has(plain) || SECRET_PARTS.some((part) => plain.includes(part));
}

/** Masks the values of secret-bearing parameters in a raw query (without `?`); all else stays byte for byte. */
export function maskQuery(query: string): string {
  if (query === "") return query;
  return query
    .split("&")
    .map((pair) => {
      const at = pair.indexOf("=");
      if (at < 0) return pair;
      const name = pair.slice(0, at);
      return isSecretParameter(decode(name)) ? `${name}=[masked:query]` : pair;
    })
    .join("&");
}

/** The same for the query of a URL or path with query, and for user information before the host. */
export function maskUrl(url: string): string {
  const at = url.indexOf("?");
  const path = at < 0 ? url : url.slice(0, at);
  const query = at < 0 ? "" : `?${maskQuery(url.slice(at + 1))}`;
  return path.replace(/^([a-z][a-z0-9+.-]{0,30}:\/\/)[^/@]*@/i, "$1[masked:userinfo]@") + query;
}

function decode(name: string): string {
  try {
    return decodeURIComponent(name.replaceAll("+", " "));
  } catch {
    return name;
  }
}
