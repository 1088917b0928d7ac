// Fetches an issuer's metadata, and its JWKS: the metadata first, then the set that this names. Never follows a
// redirect, never reads more than a bound or longer than a bound, never takes an answer from a cache.

/** Bytes of a document. A set of 64 RSA keys takes 40 KiB. */
const BODY_LIMIT: number = 256 * 1024;
/** For each of the requests. */
export const TIMEOUT_MS = 5_000;

export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** An issuer's metadata, as it says of itself; null if it cannot be had. */
export async function fetchMetadata(issuer: string, fetch: Fetch): Promise<Readonly<Record<string, unknown>> | null> {
  const metadata = (await getJson(openIdMetadata(issuer), fetch)) ?? (await getJson(oauthMetadata(issuer), fetch));
  if (typeof metadata !== "object" || metadata === null) return null;
  // The document must speak for this very issuer (OpenID Connect Discovery §4.3, RFC 8414 §3.3), or
  // one tenant of a provider could pass for another.
  return "issuer" in metadata && metadata.issuer === issuer ? (metadata as Readonly<Record<string, unknown>>) : null;
}

/** The JWKS as a value that nobody has looked at yet; null if it cannot be had. */
export async function fetchKeySet(issuer: string, fetch: Fetch, allowInsecureHttp: boolean): Promise<unknown> {
  const uri = (await fetchMetadata(issuer, fetch))?.jwks_uri;
  return typeof uri === "string" && isAllowed(uri, allowInsecureHttp) ? getJson(uri, fetch) : null;
}

/** OpenID Connect Discovery §4: after the issuer's path. */
function openIdMetadata(issuer: string): string {
  return `${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`;
}

/** RFC 8414 §3.1: between the issuer's host and its path. */
function oauthMetadata(issuer: string): string {
  const { origin, pathname } = new URL(issuer);
  return `${origin}/.well-known/oauth-authorization-server${pathname.replace(/\/$/, "")}`;
}

function isAllowed(url: string, allowInsecureHttp: boolean): boolean {
  return url.startsWith("https://") || (allowInsecureHttp && url.startsWith("http://"));
}

async function getJson(url: string, fetch: Fetch): Promise<unknown> {
  try {
    const response = await fetch(url, {
      redirect: "manual",
      cache: "no-store",
      headers: { accept: "application/json" },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    if (response.status === 200 && response.body !== null) return JSON.parse(await boundedText(response.body));
    await response.body?.cancel();
    return null;
  } catch {
    return null;
  }
}

async function boundedText(body: ReadableStream<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false });
  const reader = body.getReader();
  let text = "";
  let bytes = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return text + decoder.decode();
    bytes += value.byteLength;
    if (bytes > BODY_LIMIT) {
      await reader.cancel();
      throw new RangeError("too long");
    }
    text += decoder.decode(value, { stream: true });
  }
}
