// What a record holds of a masked piece: which field its bytes stand in, and what is told of its spans.

import { sha256 } from "@noble/hashes/sha2.js";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fromBase64, toHex } from "../../../core/bytes.ts";
import { chunkRecord, exchangeRecord } from "../../../core/mask/mask_draft.ts";
import { payloadFields, SPANS_LIMIT } from "../../../core/mask/payload_fields.ts";
import type { Span } from "../../../core/mask/span.ts";
import { commit } from "../../../core/record/commit.ts";
import { DETACHED_LIMIT, INLINE_LIMIT } from "../../../core/record/payload.ts";
import { commandId, countingRandom } from "../../support/sample_session.ts";

/** docs/record_format.md §8. */
const DISCLOSURE_LIMIT = 524_288;
const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const plain = (bytes: Uint8Array): { bytes: Uint8Array; spans: readonly Span[] } => ({ bytes, spans: [] });
const span = (at: number, pseudonym: string | null = null): Span => ({ at, length: 1, put: 9, rule: "r", pseudonym });

describe("bytes of a body", () => {
  it("stand as text where they are UTF-8, else as base64, and above the limit beside the record", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array({ maxLength: 300 }),
          fc.string({ unit: "grapheme", maxLength: 200 }).map(encode),
          fc.integer({ min: -3, max: 3 }).map((more) => new Uint8Array(INLINE_LIMIT + more).fill(0x61)),
        ),
        (bytes) => {
          const { fields, detached, size } = payloadFields([plain(bytes)], { format: "text" }, sha256);
          expect(size).toBe(bytes.length);
          const { payload, "payload.b64": base64, payload_digest: digest } = fields;
          expect([payload, base64, digest].filter((one) => one !== undefined).length).toBe(bytes.length === 0 ? 0 : 1);
          expect(detached === null).toBe(bytes.length <= INLINE_LIMIT);
          if (payload !== undefined) expect(encode(payload)).toEqual(bytes);
          if (base64 !== undefined) expect(fromBase64(base64)).toEqual(bytes);
          if (digest === undefined) return;
          expect(detached).toEqual(bytes);
          expect(digest).toBe(`{"sha256":"${toHex(sha256(bytes))}","size":${bytes.length}}`);
        },
      ),
    );
  });

  it("keep a byte order mark and a NUL", () => {
    const { fields } = payloadFields([plain(encode("\ufeffa\0b"))], { format: "text" }, sha256);
    expect(fields).toEqual({ payload: "\ufeffa\0b" });
  });

  it("of several pieces stand as if they had been one, a character cut in two included", () => {
    const whole = encode("a € b");
    const pieces = [whole.subarray(0, 3), whole.subarray(3, 3), whole.subarray(3)].map(plain);
    expect(payloadFields(pieces, { format: "text" }, sha256).fields).toEqual({ payload: "a € b" });
  });

  it("beside a record hold on to no larger buffer, and are not written over with it", () => {
    const buffer = new Uint8Array(DETACHED_LIMIT).fill(1);
    const { detached } = payloadFields([plain(buffer.subarray(10, 20_010))], { format: "binary" }, sha256);
    buffer.fill(2);
    expect(detached?.buffer.byteLength).toBe(20_000);
    expect(detached?.every((byte) => byte === 1)).toBe(true);
  });
});

describe("what is told of a body", () => {
  it("is its format, the coding that was opened, and a commitment to what travelled", () => {
    const raw = "ab".repeat(32);
    const told = payloadFields([plain(encode("x"))], { format: "json", coding: "gzip", raw }, sha256);
    expect(told.classes).toEqual({ format: "json", coding: "gzip" });
    expect(told.fields).toEqual({ payload: "x", raw });
    expect(payloadFields([], { format: "opaque", raw }, sha256)).toMatchObject({
      classes: { format: "opaque" },
      fields: { raw },
      size: 0,
    });
  });

  it("are its spans in their order, and their pseudonyms beside them where there are any", () => {
    const pieces = [
      { bytes: encode("a"), spans: [span(7, "p7"), span(3)] },
      { bytes: encode("b"), spans: [span(20)] },
    ];
    expect(payloadFields(pieces, { format: "json" }, sha256).fields).toEqual({
      payload: "ab",
      spans: `[${[3, 7, 20].map((at) => `{"at":${at},"length":1,"put":9,"rule":"r"}`).join()}]`,
      pseudonyms: '[null,"p7",null]',
    });
    expect(payloadFields([{ bytes: encode("a"), spans: [span(3)] }], { format: "json" }, sha256).fields).toEqual({
      payload: "a",
      spans: '[{"at":3,"length":1,"put":9,"rule":"r"}]',
    });
  });

  it("is cut and counted where there are too many, and the record still fits", () => {
    const many = Array.from({ length: 30_000 }, (_, i) => span(i * 10, `pseudonym-${i}-${"x".repeat(20)}`));
    const bytes = new Uint8Array(INLINE_LIMIT).fill(1);
    const payload = payloadFields([{ bytes, spans: many }], { format: "json" }, sha256);
    const spans = JSON.parse(payload.fields.spans ?? "") as { cut?: number }[];
    const pseudonyms = JSON.parse(payload.fields.pseudonyms ?? "") as string[];
    expect(payload.fields.spans?.length).toBeLessThan(SPANS_LIMIT + 100);
    expect(spans.at(-1)).toEqual({ cut: many.length - pseudonyms.length });
    expect(spans.length).toBe(pseudonyms.length + 1);
    const headers = Array.from({ length: 100 }, (_, i) => [`x-${i}`, "\u0001".repeat(4096)] as const);
    const target = { method: "POST", path: `/${"\u0001".repeat(20_000)}`, query: "" };
    const draft = { kind: "command.requested", command: commandId(1), part: 0, classes: {} } as const;
    const record = exchangeRecord(draft, { target, headers, payload }, { token: "t".repeat(8_000) });
    expect(commit(record, countingRandom(), sha256).disclosure.length).toBeLessThan(DISCLOSURE_LIMIT);
  });
});

describe("a chunk's record", () => {
  it("says its side and its places, and counts each side for itself", () => {
    const payload = payloadFields([plain(encode("x"))], { format: "text" }, sha256);
    const place = { n: 3, offset: 100, length: 12, at: 90 };
    expect(chunkRecord(commandId(1), { ...place, side: "request", held: 0 }, payload)).toMatchObject({
      kind: "stream.chunk",
      part: 6,
      classes: { format: "text", side: "request", offset: 100, length: 12, at: 90 },
      fields: { payload: "x" },
      payload: null,
    });
    const other = chunkRecord(commandId(1), { ...place, side: "response", held: 4 }, payload);
    expect([other.part, other.classes.held]).toEqual([7, 4]);
  });

  it("brings bytes along that the digest is of", () => {
    const bytes = new Uint8Array(INLINE_LIMIT + 1).fill(7);
    const place = { side: "request", n: 0, offset: 0, length: bytes.length, at: 0, held: 0 } as const;
    const chunk = chunkRecord(commandId(1), place, payloadFields([plain(bytes)], { format: "binary" }, sha256));
    const { payload, disclosure } = commit(chunk, countingRandom(), sha256);
    expect(payload).toEqual(bytes);
    expect(disclosure).toContain(toHex(sha256(bytes)));
  });
});
