// What every answer of the console says to the browser, pages and files alike.
//
// Invariant: nothing of another origin and nothing that stands in a page itself is run, framed, sent to or
// kept. The referrer goes to the console itself only: without one browsers send a form's `Origin` as
// `null`, by which nobody can tell whose it is.

const POLICY = [
  "default-src 'none'",
  "style-src 'self'",
  "script-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "form-action 'self'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
].join("; ");

/** Passkeys are asked for by the console's own pages; nothing else of the device is. */
const PERMISSIONS = [
  ...["camera", "microphone", "geolocation", "display-capture", "usb", "serial", "hid", "bluetooth", "midi", "payment"],
  ...["clipboard-read", "fullscreen", "screen-wake-lock", "xr-spatial-tracking", "idle-detection", "browsing-topics"],
]
  .map((feature) => `${feature}=()`)
  .concat("publickey-credentials-get=(self)", "publickey-credentials-create=(self)")
  .join(", ");

const HEADERS: readonly (readonly [string, string])[] = [
  ["content-security-policy", POLICY],
  ["x-frame-options", "DENY"],
  ["x-content-type-options", "nosniff"],
  ["referrer-policy", "same-origin"],
  ["cross-origin-opener-policy", "same-origin"],
  ["cross-origin-resource-policy", "same-origin"],
  ["origin-agent-cluster", "?1"],
  ["permissions-policy", PERMISSIONS],
  ["x-robots-tag", "noindex"],
];

/** A year. Not for subdomains, which may be somebody else's. */
const STRICT_TRANSPORT = "max-age=31536000";

/** Sets them, whatever the answer had; it is not kept by anybody unless it says so itself. */
export function withOwnHeaders(answer: Response, origin: string): Response {
  const { headers } = answer;
  for (const [name, value] of HEADERS) headers.set(name, value);
  if (!headers.has("cache-control")) headers.set("cache-control", "no-store");
  if (origin.startsWith("https:")) headers.set("strict-transport-security", STRICT_TRANSPORT);
  return answer;
}
