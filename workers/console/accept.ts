// Content negotiation (RFC 9110 §12.5.1), as much of it as two media types need.

/** The offered type that is liked best, the earlier of two liked equally; null if none is acceptable. */
export function preferred<Type extends string>(accept: string | null, offered: readonly Type[]): Type | null {
  if (accept === null || accept.trim() === "") return offered[0] ?? null;
  const ranges = accept.split(",", 32).map(rangeOf);
  let best: { readonly type: Type; readonly quality: number } | null = null;
  for (const type of offered) {
    // The most specific range that the type is in says how much it is liked.
    const matching = ranges.filter(({ range }) => covers(range, type)).sort((a, b) => b.range.length - a.range.length);
    const exact = matching.find(({ range }) => range === type);
    const quality = (exact ?? matching.find(({ range }) => range !== "*/*") ?? matching[0])?.quality ?? 0;
    if (quality > 0 && (best === null || quality > best.quality)) best = { type, quality };
  }
  return best?.type ?? null;
}

function covers(range: string, type: string): boolean {
  return range === "*/*" || range === type || (range.endsWith("/*") && type.startsWith(range.slice(0, -1)));
}

function rangeOf(text: string): { readonly range: string; readonly quality: number } {
  const [range = "", ...parameters] = text.split(";").map((part) => part.trim().toLowerCase());
  const stated = parameters.find((one) => one.startsWith("q="))?.slice(2);
  const quality = stated === undefined ? 1 : /^(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/.test(stated) ? Number(stated) : 0;
  return { range, quality };
}
