// Takes secrets out of an exchange's short texts: its target and its header lines. All of them are read
// as the lines of one text, so that names, shapes, addresses and what is encoded count as they do in a
// body, and because nearly always there is nothing to find, and each command pays for it.

import type { MaskPlan } from "./mask_plan.ts";
import { maskWhole } from "./payload_masker.ts";
import type { Span } from "./span.ts";

const LF = 0x0a;
/** A character is a byte. */
const TYPE = "text/plain; charset=iso-8859-1";

/** The same texts, with `[masked:<rule>]` where a secret stands. None of them has a line's end in it. */
export function maskTexts(texts: readonly string[], plan: MaskPlan): readonly string[] {
  const spans = spansOf(texts, plan);
  if (spans.length === 0) return texts;
  // A key that does not end goes on in what follows, and says nothing of it: then each is read by itself.
  return cut(texts, spans) ?? texts.map((text) => cut([text], spansOf([text], plan))?.[0] ?? "[masked]");
}

function spansOf(texts: readonly string[], plan: MaskPlan): readonly Span[] {
  return maskWhole(plan, TYPE, asBytes(texts), () => "").spans;
}

/** Places are the same in both: names and shapes are ASCII, and what is past Latin-1 is part of none. */
function asBytes(texts: readonly string[]): Uint8Array {
  let length = 0;
  for (const text of texts) length += text.length + 1;
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const text of texts) {
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      bytes[at++] = code < 0x100 ? code : 0xff;
    }
    bytes[at++] = LF;
  }
  return bytes;
}

/** Null if a span goes on in the next text. */
function cut(texts: readonly string[], spans: readonly Span[]): readonly string[] | null {
  const masked: string[] = [];
  let start = 0;
  let next = 0;
  for (const text of texts) {
    const stop = start + text.length;
    let out = "";
    let at = start;
    for (let span = spans[next]; span !== undefined && span.at < stop; span = spans[++next]) {
      const end = span.at + span.length;
      // The last one may take the line's end along.
      if (end > stop && masked.length < texts.length - 1) return null;
      out += `${text.slice(at - start, span.at - start)}[masked:${span.rule}]`;
      at = Math.min(end, stop);
    }
    masked.push(out + text.slice(at - start));
    start = stop + 1;
  }
  return masked;
}
