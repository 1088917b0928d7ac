// Cookies on a connection's own host: the gateway's are kept from the upstream and from being set by it,
// the upstream's stay on this host.
//
// Invariant: no cookie that a browser would send back under one of the gateway's names comes from an
// upstream, and none of the gateway's goes to one.

// `__Host-Http-` (RFC 6265bis §4.1.3): a browser takes such a cookie from the host itself, over a secure
// connection, and from no script. Without the last a tool's page could fill the browser's store until
// ours is dropped, and put one in its place that makes the person act as somebody else. Browsers that do
// not know the `Http-` part yet hold it to what `__Host-` asks for.
/** Holds the sealed access token, in several cookies if one is too small: `__Host-Http-sallyport`, `__Host-Http-sallyport.1` … */
export const SESSION_COOKIE = "__Host-Http-sallyport";
/** Binds a login to the browser that began it. */
export const LOGIN_COOKIE = "__Host-Http-sallyport-login";
/** Browsers keep 4,096 bytes of a cookie with its name and attributes (RFC 6265bis §5.6). */
const PART: number = 3_800;
/** A token of 8 KiB (`TOKEN_LIMIT`), sealed and in base64url, takes 11.2 KB. */
const MOST_PARTS = 4;

/** Whatever a browser, or an upstream that reads names without regard to case, could take for one of ours. */
const OURS = /__[a-z-]{1,16}-sallyport/i;
/** Cloudflare Access puts its own assertion there. */
const ACCESS = /^cf_(?:authorization|appsession)$/i;

interface Pair {
  readonly name: string;
  readonly value: string;
}

/** RFC 6265bis §5.8.3; several `Cookie` headers are joined by a comma or a semicolon on the way. */
function pairsOf(header: string): Pair[] {
  return header
    .split(";")
    .map((text) => text.trim())
    .filter((text) => text !== "")
    .map((text) => {
      const at = text.indexOf("=");
      return at < 0 ? { name: "", value: text } : { name: text.slice(0, at), value: text.slice(at + 1) };
    });
}

/** The value of one of our cookies; null if it is not there, or more than once: then somebody else set one of them. */
export function ownCookie(header: string | null, name: string): string | null {
  const found = pairsOf(header ?? "").filter((pair) => pair.name === name);
  return found.length === 1 ? (found[0]?.value ?? null) : null;
}

/** The session's sealed token; null if there is none, empty if what is there cannot be one. */
export function sessionCookie(header: string | null): string | null {
  if (header === null || !header.includes(SESSION_COOKIE)) return null;
  const isAny = pairsOf(header).some(({ name }) => name === SESSION_COOKIE);
  if (!isAny) return null;
  let text = "";
  for (let part = 0; part < MOST_PARTS; part++) {
    const value = ownCookie(header, partName(part));
    if (value === null) return part === 0 ? "" : text;
    text += value;
    if (value.length < PART) return text;
  }
  return text;
}

/** `Set-Cookie` lines for a sealed token; null if it is longer than any token can be. */
export function setSession(sealed: string): string[] | null {
  if (sealed.length > PART * MOST_PARTS) return null;
  const lines: string[] = [];
  for (let part = 0; part < MOST_PARTS; part++) {
    const value = sealed.slice(part * PART, (part + 1) * PART);
    // A part of an earlier, longer token must not be read as one of this.
    lines.push(value === "" ? expired(partName(part)) : `${partName(part)}=${value}; ${OWN_ATTRIBUTES}`);
  }
  return lines;
}

export function clearSession(): string[] {
  return [...Array.from({ length: MOST_PARTS }, (_, part) => expired(partName(part))), expired(LOGIN_COOKIE)];
}

export function setLogin(value: string, seconds: number): string {
  return `${LOGIN_COOKIE}=${value}; Max-Age=${seconds}; ${OWN_ATTRIBUTES}`;
}

/** Lax: a link from elsewhere opens the tool, and nothing else from elsewhere carries it (RFC 6265bis §5.6.7). */
const OWN_ATTRIBUTES = "Path=/; Secure; HttpOnly; SameSite=Lax";

function partName(part: number): string {
  return part === 0 ? SESSION_COOKIE : `${SESSION_COOKIE}.${part}`;
}

function expired(name: string): string {
  return `${name}=; Max-Age=0; ${OWN_ATTRIBUTES}`;
}

/** The caller's cookies that are the upstream's; null if there are none. */
export function forwardedCookies(header: string): string | null {
  const kept = pairsOf(header)
    // The whole pair is looked at: a server that joins or splits otherwise must not find ours in a value.
    .filter(({ name, value }) => !OURS.test(`${name}=${value}`) && !ACCESS.test(name))
    .map(({ name, value }) => (name === "" ? value : `${name}=${value}`));
  return kept.length === 0 ? null : kept.join("; ");
}

/**
 * An upstream's `Set-Cookie` as it is released on the connection's host; null for one that is not.
 *
 * - Without a name, or with one of ours, it is refused: browsers send `=__Host-x=1` back as `__Host-x=1`.
 * - `Domain` goes: a cookie for the whole of the tools' domain would reach every connection.
 * - `Secure` comes where the host is reached by https, whatever the upstream thinks it is reached by.
 * - `Path` loses the upstream base's path, which no caller sees.
 */
export function releasedCookie(line: string, { base, isSecure }: { base: string; isSecure: boolean }): string | null {
  const [pair = "", ...attributes] = line.split(";");
  const at = pair.indexOf("=");
  const name = at < 0 ? "" : pair.slice(0, at).trim();
  // Controls end a line for some readers, and a comma a cookie for others.
  if (name === "" || OURS.test(pair) || !/^[\t -~\u0080-\uffff]*$/.test(line) || /[\s,]/.test(name)) return null;
  if (ACCESS.test(name)) return null;
  const kept = attributes.map((text) => text.trim()).filter((text) => text !== "" && !/^domain\s*(?:=|$)/i.test(text));
  const released = kept.map((text) => withoutBase(text, base));
  if (isSecure && !kept.some((text) => /^secure\s*(?:=|$)/i.test(text))) released.push("Secure");
  return [`${name}=${pair.slice(at + 1).trim()}`, ...released].join("; ");
}

function withoutBase(attribute: string, base: string): string {
  const [, path = ""] = /^path\s*=\s*(.*)$/i.exec(attribute) ?? [];
  if (base === "" || (path !== base && !path.startsWith(`${base}/`))) return attribute;
  return `Path=${path.slice(base.length) || "/"}`;
}
