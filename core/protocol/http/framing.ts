// Who may show a connection's pages in a frame, and in which headers browsers are told so.
//
// Invariant: an upstream's own policy is kept beside the gateway's, never replaced: a browser that gets
// several enforces each (Content Security Policy Level 3 §8.1), so that together they allow no more
// than either.

import type { Header } from "../../mask/mask_headers.ts";

/** Nobody, the connection's own pages, or these origins. */
export type Framing = "none" | "self" | readonly string[];

/** The upstream's `X-Frame-Options`, null if it sent none, goes in `own`. */
export function framingHeaders(framing: Framing, own: string | null): Header[] {
  if (framing === "none")
    return [
      ["content-security-policy", "frame-ancestors 'none'"],
      ["x-frame-options", "DENY"],
    ];
  const isStricter = own !== null && !/^\s*sameorigin\s*$/i.test(own);
  if (framing === "self")
    return [
      ["content-security-policy", "frame-ancestors 'self'"],
      ["x-frame-options", isStricter ? "DENY" : "SAMEORIGIN"],
    ];
  // `X-Frame-Options` cannot name origins, and browsers ignore it beside `frame-ancestors` (CSP3 §6.4.2.2).
  return [["content-security-policy", `frame-ancestors ${framing.join(" ") || "'none'"}`]];
}
