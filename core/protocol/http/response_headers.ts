// Which of an upstream's headers are released to the caller. An upstream must not be able to set
// cookies or policies for the gateway's origin, which all connections share in the path form, speak in
// the gateway's name, or send the caller's client elsewhere.
//
// `WWW-Authenticate` is dropped, and the status 401 kept: it says that the upstream did not like the
// gateway's credential for it, which the caller can neither see nor mend. A challenge of the upstream's
// would make a client send the caller's Sallyport token, or ask its person for a password, for a realm
// that the upstream chose, and an OAuth client would follow `resource_metadata` to wherever that leads.

import type { Header } from "../../mask/mask_headers.ts";
import { rememberNames } from "../../remembered_names.ts";
import { climbs } from "./climb.ts";
import { type Framing, framingHeaders } from "./framing.ts";
import { HOP_BY_HOP, listedIn, withoutListed } from "./hop_by_hop.ts";
import { releasedCookie } from "./own_cookies.ts";

const DROPPED: ReadonlySet<string> = new Set([
  // State of the origin: cookies, and what clears them.
  "set-cookie",
  "set-cookie2",
  "clear-site-data",
  // Policy of the whole origin, or of its host, for a long time.
  "strict-transport-security",
  "public-key-pins",
  "public-key-pins-report-only",
  "expect-ct",
  "nel",
  "report-to",
  "reporting-endpoints",
  "service-worker-allowed",
  "origin-agent-cluster",
  "accept-ch",
  "critical-ch",
  // Sends the client elsewhere without its asking: other servers, pages, prefetches.
  "alt-svc",
  "alt-used",
  "refresh",
  "speculation-rules",
  "sourcemap",
  "x-sourcemap",
  // Set by the gateway, or, on a connection's own host, beside it.
  "content-security-policy",
  "content-security-policy-report-only",
  "x-content-type-options",
  // Challenges: see above.
  "www-authenticate",
  "authentication-info",
  // Gateways speak of themselves in it (RFC 9209).
  "proxy-status",
]);
/** Cross-origin access to the gateway's origin is not an upstream's to grant. */
const DROPPED_PREFIXES: readonly string[] = ["sallyport-", "cf-", "access-control-"];

const isDropped: (name: string) => boolean = rememberNames((name) => {
  // Who reads `_` as `-` must not find more in the answer than who does not.
  const plain = name.replaceAll("_", "-");
  return HOP_BY_HOP.has(plain) || DROPPED.has(plain) || DROPPED_PREFIXES.some((prefix) => plain.startsWith(prefix));
});

export interface ReleasedTo {
  /** The connection's path form, or its own host's origin, without a slash at the end. */
  readonly pathForm: string;
  /** The connection's upstream base, without a slash at the end. */
  readonly upstream: string;
  /** The path that was asked for (`Target.path`): relative places are relative to it. */
  readonly path?: string;
  /** On a connection's own host; null or absent in the path form, where all connections share an origin. */
  readonly ownHost?: { readonly framing: Framing } | null;
}

export function responseHeaders(received: Iterable<Header>, to: ReleasedTo): Header[] {
  const { ownHost } = to;
  return ownHost === undefined || ownHost === null ? released(received, to) : releasedOnHost(received, to, ownHost);
}

/** The path form: the upstream's pages get an origin of their own that is nobody's, and no state. */
function released(received: Iterable<Header>, to: ReleasedTo): Header[] {
  return [...kept(received, to), ["content-security-policy", "sandbox"], ["x-content-type-options", "nosniff"]];
}

/**
 * A connection's own host: its origin is the upstream's to use, with cookies and policies for its pages.
 * Not its to use are other hosts' cookies, the gateway's, service workers, and who may frame its pages.
 */
function releasedOnHost(
  received: Iterable<Header>,
  to: ReleasedTo,
  { framing }: { readonly framing: Framing },
): Header[] {
  const cookies = {
    base: basePath(to.upstream),
    isSecure: to.pathForm.startsWith("https:"),
  };
  let frameOptions: string | null = null;
  const own: Header[] = [];
  const passed: Header[] = [];
  for (const header of received) {
    const [name, value] = header;
    if (name === "set-cookie") {
      const cookie = releasedCookie(value, cookies);
      if (cookie !== null) own.push([name, cookie]);
    } else if (name === "x-frame-options") frameOptions = frameOptions === null ? value : `${frameOptions}, ${value}`;
    else if (OWN_HOST_MAY.has(name)) own.push(header);
    else passed.push(header);
  }
  return [...kept(passed, to), ...own, ...framingHeaders(framing, frameOptions)];
}

/** Policies for the upstream's own pages; who else may frame them is not among them. */
const OWN_HOST_MAY: ReadonlySet<string> = new Set([
  "content-security-policy",
  "content-security-policy-report-only",
  "x-content-type-options",
  "origin-agent-cluster",
]);

function basePath(upstream: string): string {
  const { pathname } = new URL(upstream);
  return pathname === "/" ? "" : pathname;
}

function kept(received: Iterable<Header>, to: ReleasedTo): Header[] {
  const kept: Header[] = [];
  let listed: Set<string> | null = null;
  for (const header of received) {
    const name = header[0];
    if (name === "connection") listed = listedIn(header[1], listed);
    if (isDropped(name)) continue;
    if (name === "location" || name === "content-location") {
      const place = rewriteLocation(header[1], to);
      if (place !== null) kept.push([name, place]);
    } else {
      kept.push(header);
    }
  }
  return withoutListed(kept, listed);
}

/**
 * Where the upstream points, as the caller's client has to see it.
 *
 * - Inside the upstream's base: the same place in the path form.
 * - Inside the path form already (an upstream that knows its public URL): as it is.
 * - Elsewhere on the gateway's own origin, below the base's path: an upstream that takes the host of
 *   `Forwarded` for its own, as the image registry does, and knows of no path before it. The same place in
 *   the path form: wherever it points, it stays inside.
 * - Elsewhere there: null, dropped. A client follows a redirect on one origin with its credential, so one
 *   upstream could make it act on another connection in the person's name.
 * - Anywhere else: as it is, made absolute. The caller sees where the upstream pointed; a client's
 *   credential for the gateway is bound to the gateway's origin.
 */
export function rewriteLocation(value: string, { pathForm, upstream, path = "/" }: ReleasedTo): string | null {
  const asked = URL.parse(upstream + path);
  const place = asked === null ? null : URL.parse(value, asked);
  if (asked === null || place === null) return null;
  const base = new URL(upstream);
  const gateway = new URL(pathForm);
  const named = place.username !== "" || place.password !== "";
  if (place.origin === base.origin && !named) {
    const rest = below(place, base);
    if (rest !== null) return pathForm + rest;
  }
  // A name in it would replace the client's credential by one that the upstream chose.
  if (place.origin !== gateway.origin) return place.href;
  if (named) return null;
  if (below(place, gateway) !== null) return place.href;
  const own = below(place, base);
  return own === null ? null : pathForm + own;
}

/** What follows the base's path in a place of the same origin, query and fragment included; null if the place is not inside. */
function below(place: URL, base: URL): string | null {
  const path = base.pathname === "/" ? "" : base.pathname;
  if (!place.pathname.startsWith(path)) return null;
  const rest = place.pathname.slice(path.length);
  // `%2e` is resolved by the parser; what another reader might still resolve is not passed on as inside.
  if ((rest !== "" && !rest.startsWith("/")) || climbs(rest)) return null;
  return rest + place.search + place.hash;
}
