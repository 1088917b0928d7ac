// Which of a caller's headers go to the upstream. Works on pairs (names in lower case) so that
// repeated names stay apart.
//
// Invariant: nothing that proves the caller's identity leaves, nothing that the gateway alone may say
// is taken from the caller, and no header makes the upstream do another thing than was decided.

import type { Header } from "../../mask/mask_headers.ts";
import { rememberNames } from "../../remembered_names.ts";
import { ok, refuse, type Result } from "../../result.ts";
import { climbs } from "./climb.ts";
import { HOP_BY_HOP, listedIn, withoutListed } from "./hop_by_hop.ts";
import { forwardedCookies } from "./own_cookies.ts";

const DROPPED: ReadonlySet<string> = new Set([
  "cookie2",
  // Set by the runtime from the message it sends.
  "host",
  "content-length",
  "expect",
  "http2-settings",
  // Who calls from where: what the gateway says itself, in all the spellings that upstreams believe.
  "forwarded",
  "via",
  "x-real-ip",
  "x-client-ip",
  "x-cluster-client-ip",
  "x-remote-ip",
  "x-remote-addr",
  "x-originating-ip",
  "x-host",
  "true-client-ip",
  "client-ip",
  "fastly-client-ip",
  "x-envoy-external-address",
  "cdn-loop",
  // Who calls, as gateways before an upstream state it. A caller must not be able to.
  "remote-user",
  "x-remote-user",
  "x-remote-group",
  "x-webauth-user",
  "x-authenticated-user",
  "x-user",
  // CGI turns it into HTTP_PROXY, which clients obey (httpoxy).
  "proxy",
  // IIS, Symfony and others route by these instead of by the target that was decided.
  "x-original-url",
  "x-original-uri",
  "x-rewrite-url",
  "x-original-host",
]);
const DROPPED_PREFIXES: readonly string[] = [
  "sallyport-",
  "cf-",
  "x-forwarded-",
  "x-auth-request-",
  "x-remote-extra-",
  "x-ms-client-principal",
  "impersonate-",
  "sec-websocket-",
];

/** They make an upstream do another method than the one that was decided. */
const METHOD_OVERRIDES: ReadonlySet<string> = new Set(["x-http-method-override", "x-http-method", "x-method-override"]);

type Fate = "keep" | "drop" | "override" | "connection" | "destination" | HostName;
/** The caller's credentials, and where it is: on a connection's own host these may be the upstream's business. */
type HostName = "authorization" | "cookie" | "origin" | "referer";
const HOST_NAMES: readonly string[] = ["authorization", "cookie", "origin", "referer"] satisfies HostName[];

const fateOf: (name: string) => Fate = rememberNames(judge);

function judge(name: string): Fate {
  // CGI, WSGI and PHP read `X_Http_Method` and `X-Http-Method` as one variable.
  const plain = name.replaceAll("_", "-");
  if (METHOD_OVERRIDES.has(plain)) return "override";
  if (plain === "connection") return "connection";
  if (HOP_BY_HOP.has(plain) || DROPPED.has(plain) || DROPPED_PREFIXES.some((prefix) => plain.startsWith(prefix)))
    return "drop";
  if (HOST_NAMES.includes(plain)) return plain === name ? (name as HostName) : "drop";
  return plain === "destination" ? "destination" : "keep";
}

export interface ForwardedFrom {
  /** The caller's address, or null if unknown. */
  readonly address: string | null;
  readonly host: string;
  readonly scheme: "http" | "https";
  /** The connection's path form, `https://eu.tools.example/c/name`. */
  readonly pathForm: string;
  /** The connection's upstream base, without a slash at the end. */
  readonly upstream: string;
  /** The header that carries the upstream's own credential: a caller's one of that name would stand beside it. */
  readonly credentialHeader?: string;
  /** On a connection's own host, where `pathForm` is that host's origin. */
  readonly ownHost?: {
    /** The caller proved itself by the cookie, so `Authorization` is for the upstream. */
    readonly passesAuthorization: boolean;
  };
}

export type HeaderRefusal = { readonly reason: "method_override" | "destination_outside" };

/** The gateway's own headers, the upstream's credential among them, are added after this, so no `Connection` of a caller takes them away. */
export function requestHeaders(received: Iterable<Header>, from: ForwardedFrom): Result<Header[], HeaderRefusal> {
  const kept: Header[] = [];
  let listed: Set<string> | null = null;
  for (const header of received) {
    const name = header[0];
    const fate = fateOf(name);
    switch (fate) {
      case "override":
        return refuse({ reason: "method_override" });
      case "connection":
        listed = listedIn(header[1], listed);
        break;
      case "destination": {
        const destination = name === "destination" ? rewriteDestination(header[1], from) : null;
        if (destination === null) return refuse({ reason: "destination_outside" });
        kept.push([name, destination]);
        break;
      }
      case "authorization":
      case "cookie":
      case "origin":
      case "referer": {
        const value = onOwnHost(fate, header[1], from);
        if (value !== null) kept.push(value === header[1] ? header : [name, value]);
        break;
      }
      case "keep":
        if (from.credentialHeader === undefined || name.replaceAll("_", "-") !== from.credentialHeader)
          kept.push(header);
        break;
      case "drop":
        break;
    }
  }
  const result = withoutListed(kept, listed);
  result.push(["forwarded", forwarded(from)], ["via", "1.1 sallyport"]);
  return ok(result);
}

/**
 * Credentials and places of the caller's, as they go to the upstream; null if they do not. A page on a
 * connection's own host is the upstream's own page: what it says of itself is said in the upstream's
 * words, or an upstream that compares `Origin` with `Host` would refuse its own page.
 */
function onOwnHost(name: HostName, value: string, { ownHost, pathForm, upstream }: ForwardedFrom): string | null {
  switch (name) {
    case "authorization":
      return ownHost?.passesAuthorization === true ? value : null;
    case "cookie":
      return ownHost === undefined ? null : forwardedCookies(value);
    case "origin":
      return ownHost !== undefined && value === pathForm ? originOf(upstream) : value;
    case "referer":
      if (ownHost === undefined) return value;
      return value === pathForm || value.startsWith(`${pathForm}/`) ? upstream + value.slice(pathForm.length) : value;
  }
}

function originOf(upstream: string): string {
  const path = upstream.indexOf("/", upstream.indexOf("//") + 2);
  return path < 0 ? upstream : upstream.slice(0, path);
}

/** RFC 7239 §4; an IPv6 address is quoted and in brackets (§6). What is no address at all is not repeated. */
function forwarded({ address, host, scheme }: ForwardedFrom): string {
  const known = address !== null && /^[0-9A-Fa-f:.]{2,45}$/.test(address);
  const by = !known ? "unknown" : address.includes(":") ? `"[${address}]"` : address;
  return `for=${by};host="${host.replaceAll(/[^A-Za-z0-9.:[\]-]/g, "")}";proto=${scheme}`;
}

const DESTINATION_REST = /^(?:[!$&-;=@-[\]_a-z|~]|%[0-9A-Fa-f]{2})*$/;

/**
 * WebDAV's `Destination` (RFC 4918 §10.3) names a second resource: it must lie inside the connection, by
 * the same rules as the target. Null if it does not. The path form is compared byte for byte: another
 * spelling of the host is refused, not guessed at.
 */
function rewriteDestination(value: string, { pathForm, upstream }: ForwardedFrom): string | null {
  const pathOnly = pathForm.slice(originOf(pathForm).length);
  const inside = [pathForm, pathOnly].find((base) => value.startsWith(`${base}/`));
  if (inside === undefined) return null;
  const rest = value.slice(inside.length);
  if (rest.includes("\\") || !DESTINATION_REST.test(rest) || climbs(rest)) return null;
  return upstream + rest;
}
