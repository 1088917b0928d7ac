// One long file, because each costs a second of the runtime's start. Moving a body: what is recorded and
// released when, that nothing is released before its record, and that a body that is not whole never looks whole.

import { expect, test } from "vitest";
import { newCommandId } from "../../core/ids.ts";
import { EVERY_SECRET } from "../../core/mask/mask_plan.ts";
import { PayloadMasker } from "../../core/mask/payload_masker.ts";
import type { MaskedPiece } from "../../core/mask/span.ts";
import type { Masked } from "../../core/record/record.ts";
import { fillRandom } from "../../durable/sha256.ts";
import { BodyRecord, type Stated } from "../../workers/http/body_record.ts";
import { Meter } from "../../workers/http/meter.ts";
import { pump, type PumpEnd } from "../../workers/http/pump.ts";
import type { Masker, Recording } from "../../workers/http/recording.ts";
import type { ToCaller } from "../../workers/http/to_caller.ts";
import type { Recorded } from "../../workers/session_client.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const commitment = (digest: Uint8Array): string =>
  [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
const KIBIBYTE = 1024;
const MEBIBYTE = 1024 * KIBIBYTE;

/** Takes out what stands between `<` and `>`: what follows a `<` is undecided until then. */
class Brackets implements Masker {
  readonly format = "text" as const;
  #held = "";
  #upto = 0;

  push(chunk: Uint8Array): MaskedPiece {
    const text = this.#held + decoder.decode(chunk);
    const open = text.lastIndexOf("<");
    const decided = open >= 0 && !text.includes(">", open) ? text.slice(0, open) : text;
    this.#held = text.slice(decided.length);
    return this.#mask(decided);
  }

  end(): MaskedPiece {
    const text = this.#held;
    this.#held = "";
    return this.#mask(text);
  }

  #mask(text: string): MaskedPiece {
    const from = this.#upto;
    this.#upto += text.length;
    const spans = [...text.matchAll(/<[^>]*>/g)].map((found) => ({
      at: from + found.index,
      length: found[0].length,
      put: 3,
      rule: "brackets",
      pseudonym: null,
    }));
    return { bytes: encoder.encode(text.replace(/<[^>]*>/g, "[m]")), upto: this.#upto, spans };
  }
}

const BRACKETS: Recording = {
  extent: "full",
  unreadable: "commit",
  plan: EVERY_SECRET,
  masker: () => new Brackets(),
  commitment,
};
const PLAIN: Recording = { ...BRACKETS, masker: (type) => new PayloadMasker(EVERY_SECRET, type, () => "") };
const AS_IT_IS: Stated = { contentType: "text/plain", coding: null };
type Piece = string | Uint8Array | (() => Promise<unknown>);

/** A byte stream of these pieces that then ends or breaks; at a function it waits for what that gives. */
function source(pieces: readonly Piece[], last: "end" | "break" = "end"): ReadableStream<Uint8Array> {
  const { readable, writable } = new IdentityTransformStream();
  void (async () => {
    const writer = writable.getWriter();
    for (const piece of pieces) {
      if (typeof piece === "function") await piece();
      else await writer.write(typeof piece === "string" ? encoder.encode(piece) : piece);
    }
    await (last === "end" ? writer.close() : writer.abort(new Error("cut")));
  })().catch(() => undefined);
  return readable;
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 1));
}

const tick = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));

interface Moved {
  readonly end: PumpEnd;
  /** What happened, in order: records that became durable by kind, and texts that the reader got. */
  readonly log: readonly string[];
  readonly records: readonly Masked[];
  readonly got: string;
  readonly isWhole: boolean;
  readonly meter: Meter;
  readonly cut: string | null;
}

interface Options {
  readonly length?: number | null;
  readonly recording?: Recording;
  readonly stated?: Stated;
  /** What becomes of a call to append. */
  readonly append?: (records: readonly Masked[], calls: number) => Promise<Recorded>;
  readonly last?: "end" | "break";
  readonly toCaller?: ToCaller;
  readonly outcome?: () => readonly Masked[];
}

const OUTCOME = { kind: "command.completed", classes: {}, fields: {} } as unknown as Masked;
const STARTED = { kind: "response.started", classes: {}, fields: {} } as unknown as Masked;

/** For a source: waits until the reader has everything that was given before. */
const GOT = "GOT";
/** For a source: waits until something is durable. */
const BEGUN = "BEGUN";

async function move(pieces: readonly (string | Uint8Array)[], options: Options = {}): Promise<Moved> {
  const { length = null, recording = BRACKETS, stated = AS_IT_IS, append = async () => "recorded" } = options;
  const { toCaller = null, outcome = () => [OUTCOME] } = options;
  const body = new BodyRecord(newCommandId(Date.now(), fillRandom), "response", recording, stated, toCaller);
  const { readable, writable } = new IdentityTransformStream();
  const log: string[] = [];
  const records: Masked[] = [];
  let got = "";
  let calls = 0;
  let cut: string | null = null;
  const read = (async () => {
    for await (const chunk of readable) {
      const text = decoder.decode(chunk as Uint8Array);
      got += text;
      log.push(`got ${text}`);
    }
    return true;
  })().catch(() => false);
  const given = pieces.map((piece, at): Piece => {
    if (piece === BEGUN) return () => until(() => log.length > 0);
    if (piece !== GOT) return piece;
    const before = pieces.slice(0, at).filter((one) => one !== GOT && one !== BEGUN);
    return () => until(() => got.length === before.join("").length);
  });
  const end = await pump(source(given, options.last), writable, body, {
    length,
    before: [STARTED],
    append: async (some) => {
      const recorded = await append(some, calls++);
      if (recorded === "recorded") {
        log.push(some.map(({ kind }) => kind.split(".")[1]).join("+"));
        records.push(...some);
      }
      return recorded;
    },
    outcome,
    onCut: (why) => {
      cut = why;
    },
  });
  return { end, log, records, got, isWhole: await read, meter: body.meter, cut };
}

async function sha256Of(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return commitment(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)));
}

function chunks(moved: Moved): { classes: Masked["classes"]; fields: Masked["fields"]; text: string }[] {
  return moved.records
    .filter(({ kind }) => kind === "stream.chunk")
    .map(({ classes, fields, payload }) => ({
      classes,
      fields,
      text: fields.payload ?? (payload instanceof Uint8Array ? decoder.decode(payload) : ""),
    }));
}

test("what is there at once is recorded in one call, before any of it is released", async () => {
  const moved = await move(["one", "two"]);
  expect(moved).toMatchObject({ end: "done", got: "onetwo", isWhole: true });
  expect(moved.log[0]).toBe("started+chunk+completed");
});

test("with a stated length, the last chunk waits for the outcome", async () => {
  const { end, log } = await move(["one", GOT, "two"], { length: 6 });
  expect({ end, log }).toEqual({ end: "done", log: ["started+chunk", "got one", "chunk+completed", "got two"] });
});

test("without a stated length a chunk waits for no other, and the end for the outcome", async () => {
  const { end, log } = await move(["one", GOT, "two", GOT]);
  expect({ end, log }).toEqual({ end: "done", log: ["started+chunk", "got one", "chunk", "got two", "completed"] });
});

test("an answer that is silent at first begins, and its chunks follow", async () => {
  const { log } = await move([BEGUN, "one"], { length: 3 });
  expect(log).toEqual(["started", "chunk+completed", "got one"]);
});

test("an empty body is an outcome and nothing else", async () => {
  expect(await move([])).toMatchObject({ end: "done", log: ["started+completed"], got: "", isWhole: true });
});

test("the records hold what was sent, except for what was masked, and say where that was", async () => {
  const moved = await move(["a <secret> b", GOT, " c <other> d"]);
  const found = chunks(moved);
  expect(found.map(({ text }) => text)).toEqual(["a [m] b", " c [m] d"]);
  expect(found.map(({ classes }) => classes)).toEqual([
    { format: "text", side: "response", offset: 0, length: 12, at: 0 },
    { format: "text", side: "response", offset: 12, length: 12, at: 7 },
  ]);
  expect(found[1]?.fields.spans).toBe('[{"at":15,"length":7,"put":3,"rule":"brackets"}]');
  expect(found[0]?.fields.raw).toMatch(/^[0-9a-f]{64}$/);
  expect(moved.got).toBe("a <secret> b c <other> d");
  expect(moved.meter.text()).toContain('"keyed"');
});

test("bytes that were recorded as they were need no commitment beside them", async () => {
  const moved = await move(["one", GOT, "two"]);
  expect(chunks(moved).map(({ fields }) => fields.raw)).toEqual([undefined, undefined]);
  expect(moved.meter.text()).toContain('"sha256"');
});

test("an undecided end waits for what follows, and is recorded masked with it", async () => {
  const moved = await move(["a <sec", "ret> b"]);
  expect(chunks(moved).map(({ text }) => text)).toEqual(["a [m] b"]);
});

test("an undecided end that nothing follows is released, and its masked text comes later", async () => {
  const moved = await move(["a <sec", GOT, "ret> b", GOT]);
  const found = chunks(moved);
  expect(moved.log.slice(0, 4)).toEqual(["started+chunk", "got a ", "chunk", "got <sec"]);
  expect(found.map(({ text }) => text)).toEqual(["a ", "", "[m] b"]);
  expect(found[1]?.classes).toEqual({ format: "text", side: "response", offset: 2, length: 4, at: 2, held: 4 });
  expect(found[1]?.fields.raw).toMatch(/^[0-9a-f]{64}$/);
  expect(found[2]?.classes).toEqual({ format: "text", side: "response", offset: 6, length: 6, at: 2 });
  expect(found[2]?.fields.raw).toMatch(/^[0-9a-f]{64}$/);
});

test.each(["not_recorded", "storage_full"] as const)(
  "a chunk that cannot be recorded (%s) is not released, nor anything after it",
  async (refusal) => {
    const moved = await move(["one", GOT, "two", GOT, "three"], {
      append: async (_, calls) => (calls === 1 ? refusal : "recorded"),
    });
    const end = refusal === "storage_full" ? "storage_full" : "held_back";
    expect(moved).toMatchObject({ end, cut: end, log: ["started+chunk", "got one"], isWhole: false });
    expect(moved.meter.text()).toContain('"keyed"');
  },
);

test("while a chunk is being recorded the next ones are read, and recorded together", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const { readable, writable } = new IdentityTransformStream();
  void (async () => {
    const writer = writable.getWriter();
    for (const piece of ["one", "two", "three"]) await writer.write(encoder.encode(piece));
    resolve();
    await writer.close();
  })();
  const body = new BodyRecord(newCommandId(Date.now(), fillRandom), "response", BRACKETS, AS_IT_IS);
  const texts: unknown[] = [];
  const ended = pump(readable, new WritableStream(), body, {
    length: null,
    append: async (records) => {
      await promise;
      await tick();
      texts.push(...records.map(({ fields }) => fields.payload));
      return "recorded";
    },
  });
  expect(await ended).toBe("done");
  expect(texts).toEqual(["one", "twothree"]);
});

test("a masker that fails ends the stream before what it failed at", async () => {
  const failing: Recording = {
    ...BRACKETS,
    masker: () => {
      const masker = new Brackets();
      return {
        format: "text",
        push: (chunk) => {
          if (decoder.decode(chunk).includes("!")) throw new Error("defect");
          return masker.push(chunk);
        },
        end: () => masker.end(),
      };
    },
  };
  const moved = await move(["one", GOT, "two!", GOT, "three"], { recording: failing });
  expect(moved).toMatchObject({ end: "mask_failed", got: "one", isWhole: false, cut: "mask_failed" });
});

test("a masker towards the caller that fails ends the stream before what it failed at, also where nothing is recorded of it", async () => {
  const failing: ToCaller = {
    take: (plain) => {
      if (decoder.decode(plain).includes("!")) throw new Error("defect");
      return plain;
    },
    end: () => new Uint8Array(0),
  };
  for (const extent of ["full", "metadata"] as const) {
    const recording = { ...BRACKETS, extent };
    const moved = await move(["one", GOT, "two!", GOT, "three"], { recording, toCaller: failing });
    expect(moved).toMatchObject({ end: "mask_failed", got: "one", isWhole: false, cut: "mask_failed" });
    expect(JSON.stringify(chunks(moved))).not.toContain("two!");
  }
});

test("an outcome that cannot even be made ends the stream, which does not look whole", async () => {
  const outcome = (): never => {
    throw new Error("defect");
  };
  expect(await move(["one", GOT], { outcome })).toMatchObject({ end: "held_back", got: "one", isWhole: false });
  expect(await move(["one"], { outcome, length: 3 })).toMatchObject({ end: "held_back", got: "", isWhole: false });
});

test.each([7, 100, null])("a source that breaks off is cut, not ended (length %s)", async (length) => {
  const moved = await move(["one", GOT, "two"], { length, last: "break" });
  expect(moved).toMatchObject({ end: "source_cut", isWhole: false, cut: "source_cut", got: "onetwo" });
  expect(moved.log.join()).not.toContain("completed");
  expect(moved.meter.complete).toBe(false);
});

test("a source that ends before its stated length is cut", async () => {
  expect(await move(["one"], { length: 6 })).toMatchObject({ end: "source_cut", isWhole: false });
});

test("a reader that goes away ends the pump", async () => {
  const { readable, writable } = new IdentityTransformStream();
  const body = new BodyRecord(newCommandId(Date.now(), fillRandom), "response", BRACKETS, AS_IT_IS);
  const append = async (): Promise<Recorded> => "recorded";
  const ended = pump(source(["one", tick, "two", tick, "three"]), writable, body, { length: null, append });
  const reader = readable.getReader();
  await reader.read();
  await reader.cancel();
  expect(await ended).toBe("sink_closed");
});

test("an outcome that was recorded meanwhile ends the other side's stream", async () => {
  const { readable, writable } = new IdentityTransformStream();
  const body = new BodyRecord(newCommandId(Date.now(), fillRandom), "request", BRACKETS, AS_IT_IS);
  const append = async (): Promise<Recorded> => "recorded";
  const ended = pump(source(["one", () => until(() => body.meter.isOver), "two"]), writable, body, {
    length: null,
    append,
  });
  const reader = readable.getReader();
  await reader.read();
  body.meter.text();
  expect(await ended).toBe("over");
  expect(body.meter.bytes).toBe(3);
});

test.each([
  ["metadata", "", 12],
  [{ head: 5 }, "abcde", 7],
  [{ head: 12 }, "abcdefghijkl", undefined],
] as const)("recorded %o, the rest passes and is counted", async (extent, text, cut) => {
  const moved = await move(["abcdef", GOT, "ghijkl"], { recording: { ...BRACKETS, extent } });
  expect(
    chunks(moved)
      .map((one) => one.text)
      .join(""),
  ).toBe(text);
  expect(moved.got).toBe("abcdefghijkl");
  expect(moved.meter.cut).toBe(cut ?? 0);
  expect(moved.meter.text()).toContain(cut === undefined ? '"sha256"' : '"keyed"');
});

test("a head ends before a secret that does not fit, not within it", async () => {
  const moved = await move(["ab<secret>cd"], { recording: { ...BRACKETS, extent: { head: 4 } } });
  expect(chunks(moved)).toMatchObject([{ text: "ab", classes: { length: 2 } }]);
  expect(moved.meter.cut).toBe(10);
});

/** Moves a body of a stated length, and answers the payloads of its records. */
async function recorded(
  bytes: Uint8Array<ArrayBuffer>,
  wait: (durable: number) => Promise<unknown> = tick,
): Promise<{ payloads: Uint8Array[]; digest: string }> {
  const pieces = Array.from({ length: Math.ceil(bytes.length / MEBIBYTE) }, (_, at) =>
    bytes.subarray(at * MEBIBYTE, (at + 1) * MEBIBYTE),
  );
  const { readable, writable } = new IdentityTransformStream();
  const body = new BodyRecord(newCommandId(Date.now(), fillRandom), "response", PLAIN, {
    contentType: null,
    coding: null,
  });
  let durable = 0;
  let early = 0;
  const payloads: Uint8Array[] = [];
  const got = new Uint8Array(bytes.length);
  let at = 0;
  const ended = pump(source(pieces), writable, body, {
    length: bytes.length,
    append: async (records) => {
      await wait(durable);
      for (const { payload, fields, classes } of records) {
        durable += Number(classes.length);
        payloads.push(payload?.slice() ?? encoder.encode(fields.payload));
      }
      return "recorded";
    },
  });
  for await (const chunk of readable) {
    got.set(chunk as Uint8Array, at);
    at += (chunk as Uint8Array).length;
    if (at > durable) early++;
  }
  expect(await ended).toBe("done");
  expect(early).toBe(0);
  expect(await sha256Of(got)).toBe(await sha256Of(bytes));
  expect(await sha256Of(new Uint8Array(await new Blob(payloads).arrayBuffer()))).toBe(await sha256Of(bytes));
  return { payloads, digest: body.meter.text() };
}

const longest = (payloads: readonly Uint8Array[]): number => Math.max(...payloads.map(({ length }) => length));
const bytesOf = (size: number): Uint8Array<ArrayBuffer> =>
  new Uint8Array(size).map((_, at) => (at * 31 + (at >> 8)) & 255);

test("a large body is recorded in chunks of a quarter of a mebibyte at most, and as it was", async () => {
  const bytes = bytesOf(4 * MEBIBYTE - 5);
  const { payloads, digest } = await recorded(bytes);
  expect(longest(payloads)).toBeLessThanOrEqual(256 * KIBIBYTE);
  expect(payloads.length).toBeLessThan(40);
  expect(digest).toBe(`{"complete":true,"sha256":"${await sha256Of(bytes)}"}`);
});

test("of very large bodies a few at a time are recorded in chunks of up to a mebibyte, and later ones when these are over", async () => {
  const bytes = bytesOf(8 * MEBIBYTE);
  const bodies = 6;
  let far = 0;
  let isFar: () => void = () => undefined;
  const allFar = new Promise<void>((resolve) => {
    isFar = resolve;
  });
  // None comes to its end before all of them are very large.
  const waiting = (): ((durable: number) => Promise<unknown>) => {
    let isCounted = false;
    return async (durable) => {
      if (durable < 6 * MEBIBYTE) return tick();
      if (!isCounted) far += 1;
      isCounted = true;
      if (far === bodies) isFar();
      return allFar;
    };
  };
  const all = await Promise.all(Array.from({ length: bodies }, () => recorded(bytes, waiting())));
  const sizes = all.map(({ payloads }) => longest(payloads));
  expect(Math.max(...sizes)).toBeLessThanOrEqual(MEBIBYTE);
  expect(sizes.filter((size) => size > 256 * KIBIBYTE).length).toBe(4);
  expect(longest((await recorded(bytes)).payloads)).toBeGreaterThan(256 * KIBIBYTE);
});

test("a body whose last chunk is on its way to the records is not complete, and its digest is keyed", () => {
  const meter = new Meter(commitment);
  meter.add(encoder.encode("abc"));
  meter.complete = true;
  meter.isPending = true;
  expect(meter.text()).toMatch(/^\{"complete":false,"keyed":"/);
});

test("a meter digests what passed as FIPS 180-2 says", () => {
  const meter = new Meter(commitment);
  meter.add(encoder.encode("ab"));
  meter.add(encoder.encode("c"));
  // Appendix B.1.
  expect(meter.text()).toContain("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
});
