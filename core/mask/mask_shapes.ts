// Takes secrets out of short texts by their shape: a request's target, the values of its headers. All of
// them are scanned as one, because nearly always there is nothing to find, and each command pays for it.

import { PercentDecoder } from "./carriers/decoders.ts";
import type { ShapeRules } from "./shapes/rules.ts";
import { findShapes, type ShapeHit } from "./shapes/scanner.ts";

const LF = 0x0a;

/** The same texts, with `[masked:<rule>]` where one of the shapes stands. */
export function maskShapes(rules: ShapeRules, texts: readonly string[]): readonly string[] {
  let masked: string[] | null = null;
  const hits = findShapes(rules, asBytes(texts));
  if (hits.length > 0) masked = cut(texts, hits);
  for (let i = 0; i < texts.length; i++) {
    const text = masked?.[i] ?? texts[i] ?? "";
    // One level of percent-encoding is looked into.
    const opened = text.includes("%") ? maskEncoded(rules, text) : text;
    if (opened !== text) (masked ??= [...texts])[i] = opened;
  }
  return masked ?? texts;
}

/** A character is a byte, so that places are the same in both: the shapes are ASCII, and what is past Latin-1 is none. */
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

/** A hit ends with the text that it begins in. */
function cut(texts: readonly string[], hits: readonly ShapeHit[]): string[] {
  let start = 0;
  return texts.map((text) => {
    const stop = start + text.length;
    let out = "";
    let at = start;
    let begun = 0;
    for (const hit of hits) {
      if (!hit.continued) begun = hit.start;
      const to = Math.min(hit.end, stop);
      if (begun < start || begun >= stop || to <= at) continue;
      if (!hit.continued) out += `${text.slice(at - start, hit.start - start)}[masked:${hit.rule}]`;
      at = to;
    }
    out += text.slice(at - start);
    start = stop + 1;
    return out;
  });
}

function maskEncoded(rules: ShapeRules, text: string): string {
  const bytes: number[] = [];
  const starts: number[] = [];
  const stops: number[] = [];
  const decoder = new PercentDecoder((byte, start, stop) => {
    bytes.push(byte);
    starts.push(start);
    stops.push(stop);
  });
  decoder.feed(asBytes([text]), 0, text.length, 0);
  decoder.end();
  const hits = findShapes(rules, Uint8Array.from(bytes));
  const places = hits.map((hit) => ({ ...hit, start: starts[hit.start] ?? 0, end: stops[hit.end - 1] ?? 0 }));
  return places.length === 0 ? text : (cut([text], places)[0] ?? text);
}
