// Whether a person stands behind a request, as far as the request tells: they get pages and are sent to
// log in, where a program gets a problem document. Nothing is allowed by it.

/** True if a person will look at the answer. */
export function isSeen(request: Request): boolean {
  const { headers } = request;
  const isNavigation = headers.get("sec-fetch-mode") === "navigate" && headers.get("sec-fetch-dest") === "document";
  return isNavigation || isPage(request);
}

/** True if a person opens a page. */
export function isPage({ method, headers }: Request): boolean {
  if (method !== "GET" || headers.has("upgrade")) return false;
  const mode = headers.get("sec-fetch-mode");
  if (mode !== null) return mode === "navigate" && headers.get("sec-fetch-dest") === "document";
  return !headers.has("authorization") && /\btext\/html\b/i.test(headers.get("accept") ?? "");
}
