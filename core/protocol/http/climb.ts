// Whether any reading of a path could leave the place it is put into.
//
// Upstreams differ in how often they decode, what they take for a separator, and what they ignore at
// a segment's end, so a path is judged by the most generous reading: fully decoded, split at slashes
// and backslashes, parameters cut, compatibility characters folded. A path that climbs under that
// reading is refused, also if this upstream would have kept it inside.

const decoder = new TextDecoder();

/** True if the path has a dot segment, or a control character, under some reading. Linear in the path's length. */
export function climbs(path: string): boolean {
  // Most paths have no dot next to a separator and nothing encoded.
  if (!path.includes("%") && !path.includes("\\") && !path.includes("/.") && !path.startsWith(".")) return false;
  const bytes = fullyDecoded(path);
  let high = false;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i] ?? 0;
    if (byte < 0x20 || byte === 0x7f) return true;
    if (byte < 0x80) continue;
    high = true;
    if (isOverlong(byte, bytes[i + 1] ?? 0)) return true;
  }
  const text = decoder.decode(bytes);
  if (hasDotSegment(text)) return true;
  // U+FF0E, U+2024 and U+2025 become dots, U+FF0F and U+FF3C separators, where names are normalised (NFKC).
  return high && hasDotSegment(text.normalize("NFKC"));
}

/**
 * Decodes percent-encodings until none is left, in one pass: whenever the output ends in a `%HH` it is
 * replaced by its byte at once, so `%25%32%65` and `%2525252e` end as a dot, however deep they go.
 */
function fullyDecoded(path: string): Uint8Array {
  const out = new Uint8Array(path.length * 3);
  let length = 0;
  for (let i = 0; i < path.length; i++) {
    const code = path.charCodeAt(i);
    if (code > 0x7f) {
      length += new TextEncoder().encodeInto(path.charAt(i), out.subarray(length)).written;
      continue;
    }
    out[length++] = code;
    while (length >= 3 && out[length - 3] === 0x25) {
      const high = hexValue(out[length - 2] ?? 0);
      const low = hexValue(out[length - 1] ?? 0);
      if (high < 0 || low < 0) break;
      length -= 2;
      out[length - 1] = high * 16 + low;
    }
  }
  return out.subarray(0, length);
}

/** The start of a UTF-8 sequence longer than its character needs (RFC 3629 §3): how old decoders were made to see `/` and `.`. */
function isOverlong(lead: number, next: number): boolean {
  const continues = (next & 0xc0) === 0x80;
  if (lead === 0xc0 || lead === 0xc1) return continues;
  if (lead === 0xe0) return continues && next < 0xa0;
  return lead === 0xf0 && continues && next < 0x90;
}

function hasDotSegment(text: string): boolean {
  let start = 0;
  for (let i = 0; i <= text.length; i++) {
    const c = text.charCodeAt(i);
    if (i < text.length && c !== 0x2f && c !== 0x5c) continue;
    if (isDots(text, start, i)) return true;
    start = i + 1;
  }
  return false;
}

/**
 * `.` or `..`, also before `;` (path parameters), `?`, `#` or `:` (NTFS streams), and among spaces and
 * further dots as Windows ignores them at a name's end. Three dots and more alone are a name.
 */
function isDots(text: string, start: number, end: number): boolean {
  let dots = 0;
  let spaces = 0;
  for (let i = start; i < end; i++) {
    const c = text.charAt(i);
    if (c === ".") dots++;
    else if (c === " ") spaces++;
    else if (c === ";" || c === "?" || c === "#" || c === ":") break;
    else return false;
  }
  return dots > 0 && (dots <= 2 || spaces > 0);
}

/** Value of a hexadecimal digit's character code, or -1. */
function hexValue(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}
