// Headers that only the runtime or the gateway itself may set on a request to an upstream.

const RESERVED: ReadonlySet<string> = new Set([
  "host",
  "content-length",
  "transfer-encoding",
  "connection",
  "forwarded",
  "via",
  "upgrade",
  "te",
  "trailer",
  "cookie",
]);

export function isReservedHeader(name: string): boolean {
  return RESERVED.has(name) || name.startsWith("sallyport-") || name.startsWith("cf-");
}
