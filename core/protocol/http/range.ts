// Which part of a representation a request wants (RFC 9110 §14). One range at most: several are answered
// with the whole, which every client of them has to take.

/** Bytes `from` up to and without `to`. */
export type Wanted =
  | { readonly kind: "whole" }
  | { readonly kind: "part"; readonly from: number; readonly to: number }
  | { readonly kind: "unsatisfiable" };

const WHOLE: Wanted = { kind: "whole" };

/**
 * `size` is of the representation. What is not understood is ignored (§14.2). With `isGrowing` a suffix is
 * ignored, too: nobody knows of what.
 */
export function wantedRange(range: string | null, size: number, isGrowing = false): Wanted {
  const [, first = "", last = ""] = /^bytes=[ \t]*(\d{0,15})-(\d{0,15})[ \t]*$/i.exec(range ?? "") ?? [];
  if (first === "" && last === "") return WHOLE;
  if (first === "") {
    if (isGrowing) return WHOLE;
    const suffix = Math.min(Number(last), size);
    return suffix === 0 ? { kind: "unsatisfiable" } : { kind: "part", from: size - suffix, to: size };
  }
  const from = Number(first);
  if (last !== "" && Number(last) < from) return WHOLE;
  if (from >= size) return { kind: "unsatisfiable" };
  return { kind: "part", from, to: last === "" ? size : Math.min(Number(last) + 1, size) };
}

/** If-Range (RFC 9110 §13.1.5): true if the range holds. A date never matches, a weak tag neither. */
export function rangeHolds(ifRange: string | null, etag: string | null): boolean {
  return ifRange === null || (etag !== null && !etag.startsWith("W/") && ifRange.trim() === etag);
}
