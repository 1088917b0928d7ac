// Whether a request that carries the cookie was made by the connection's own pages, or by the person:
// a browser sends cookies along whoever made it send the request.
//
// Invariant: what does not say clearly that it is the connection's own, or a person who follows a link,
// is refused. Says so by headers that no page can set (Fetch Metadata; RFC 6454 §7).

import type { Framing } from "./framing.ts";

export interface CookieRequest {
  readonly method: string;
  readonly isUpgrade: boolean;
  header(name: string): string | null;
}

/** False if another site, or another connection's page, may have made the browser send it. */
export function isOwnRequest(request: CookieRequest, own: string, framing: Framing): boolean {
  const origin = request.header("origin");
  const site = request.header("sec-fetch-site");
  // Browsers send no Fetch Metadata with the request that opens a WebSocket, but always its Origin (RFC 6455 §4.1).
  if (request.isUpgrade) return origin === own && (site === null || site === "same-origin");
  const isRead = request.method === "GET" || request.method === "HEAD";
  if (!isRead && origin !== own) return false;
  if (site === "same-origin" || site === "none") return origin === null || origin === own;
  // Another site's or connection's page may lead here, and do nothing else. Old browsers say nothing, and get nothing.
  return site !== null && request.method === "GET" && isNavigation(request, framing);
}

/** `Sec-Fetch-Dest` tells a page of its own from one in a frame, an object or an embed. */
function isNavigation(request: CookieRequest, framing: Framing): boolean {
  if (request.header("sec-fetch-mode") !== "navigate") return false;
  const destination = request.header("sec-fetch-dest");
  const isFrame = destination === "iframe" || destination === "frame";
  return destination === "document" || (isFrame && typeof framing !== "string" && framing.length > 0);
}
