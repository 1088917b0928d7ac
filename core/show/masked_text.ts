// A masked body's bytes as text, with what stands in it told apart: where something was masked, and bytes
// that are no UTF-8. Only the record's spans say what is masked: a caller can write `[masked:…]`, too.

export interface Span {
  /** Byte offset in the plain body. */
  readonly at: number;
  /** Bytes that were taken out. */
  readonly length: number;
  /** Bytes that were put in their place. */
  readonly put: number;
  readonly rule: string;
}

export interface MaskedPlace<S extends Span> {
  /** In `text`. */
  readonly from: number;
  readonly to: number;
  readonly span: S;
}

export interface MaskedText<S extends Span> {
  readonly text: string;
  readonly masks: readonly MaskedPlace<S>[];
  /** Where in `text` U+FFFD stands for a byte that is no part of UTF-8, and that byte. */
  readonly wrong: ReadonlyMap<number, number>;
  /** Bytes of the masked body that `text` is of. */
  readonly bytes: number;
}

/** `limit`: bytes at most. No character and no placeholder is cut in two. */
export function maskedText<S extends Span>(all: Uint8Array, spans: readonly S[], limit: number): MaskedText<S> {
  const parts: string[] = [];
  const masks: MaskedPlace<S>[] = [];
  const wrong = new Map<number, number>();
  let length = 0;
  let done = 0;
  let moved = 0;
  const add = (until: number): void => {
    const text = decoded(all.subarray(done, until), length, wrong);
    parts.push(text);
    length += text.length;
    done = until;
  };
  for (const span of spans) {
    const from = span.at + moved;
    moved += span.put - span.length;
    // What a record says of places that its body does not have is not shown as one.
    if (from < done || from + span.put > Math.min(limit, all.length)) break;
    add(from);
    const start = length;
    add(from + span.put);
    masks.push({ from: start, to: length, span });
  }
  const next = masks.length < spans.length ? startOf(spans, masks.length) : Infinity;
  add(Math.max(done, Math.min(wholeUntil(all, limit), next)));
  return { text: parts.join(""), masks, wrong, bytes: done };
}

function startOf(spans: readonly Span[], index: number): number {
  return spans.slice(0, index).reduce((sum, { put, length }) => sum + put - length, spans[index]?.at ?? 0);
}

/** Where a character ends, at `limit` or just before. */
function wholeUntil(all: Uint8Array, limit: number): number {
  if (all.length <= limit) return all.length;
  let at = limit;
  while (at > limit - 4 && at > 0 && ((all[at] ?? 0) & 0xc0) === 0x80) at--;
  return at;
}

function decoded(bytes: Uint8Array, at: number, wrong: Map<number, number>): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return decodedByHand(bytes, at, wrong);
  }
}

function decodedByHand(bytes: Uint8Array, at: number, wrong: Map<number, number>): string {
  let text = "";
  for (let i = 0; i < bytes.length;) {
    const size = sizeOf(bytes[i] ?? 0);
    const char = size === 0 ? null : characterOf(bytes.subarray(i, i + size), size);
    if (char === null) wrong.set(at + text.length, bytes[i] ?? 0);
    text += char ?? "\ufffd";
    i += char === null ? 1 : size;
  }
  return text;
}

/** Bytes of the character that begins so; 0 where none does. */
function sizeOf(first: number): number {
  if (first < 0x80) return 1;
  if (first < 0xc2 || first > 0xf4) return 0;
  return first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

function characterOf(bytes: Uint8Array, size: number): string | null {
  if (bytes.length < size) return null;
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}
