// Moving a body: what is released when, and that a body that is not whole never looks whole.

import { expect, test } from "vitest";
import { Meter } from "../../workers/http/meter.ts";
import { pump, type PumpEnd, type PumpOptions } from "../../workers/http/pump.ts";

const encoder = new TextEncoder();

/** A byte stream of these chunks that then ends, or breaks. */
function source(chunks: readonly string[], breaks = false): ReadableStream<Uint8Array> {
  const { readable, writable } = new IdentityTransformStream();
  void (async () => {
    const writer = writable.getWriter();
    for (const chunk of chunks) await writer.write(encoder.encode(chunk));
    await (breaks ? writer.abort(new Error("cut")) : writer.close());
  })().catch(() => undefined);
  return readable;
}

interface Moved {
  readonly end: PumpEnd;
  /** What the reader had got when `beforeEnd` was asked. */
  readonly atEnd: string | null;
  readonly got: string;
  readonly isWhole: boolean;
  readonly meter: Meter;
  readonly cut: string | null;
}

async function move(
  chunks: readonly string[],
  options: { length: number | null; release?: boolean; breaks?: boolean },
): Promise<Moved> {
  const meter = new Meter();
  const { readable, writable } = new IdentityTransformStream();
  let got = "";
  let atEnd: string | null = null;
  let cut: string | null = null;
  const read = (async () => {
    const decoder = new TextDecoder();
    for await (const chunk of readable) got += decoder.decode(chunk as Uint8Array);
    return true;
  })().catch(() => false);
  const asked: PumpOptions = {
    length: options.length,
    beforeEnd: async () => {
      // Everything that was released has been read by then: writing waits for the reader.
      await new Promise((resolve) => setTimeout(resolve, 10));
      atEnd = got;
      return options.release ?? true;
    },
    onCut: (end) => {
      cut = end;
    },
  };
  const end = await pump(source(chunks, options.breaks ?? false), writable, meter, asked);
  return { end, atEnd, got, isWhole: await read, meter, cut };
}

test("with a stated length, the last chunk waits for the outcome", async () => {
  const { end, atEnd, got, isWhole } = await move(["one", "two"], { length: 6 });
  expect({ end, atEnd, got, isWhole }).toEqual({ end: "done", atEnd: "one", got: "onetwo", isWhole: true });
});

test("without a stated length every chunk goes at once, and the end waits", async () => {
  const { end, atEnd, got, isWhole } = await move(["one", "two"], { length: null });
  expect({ end, atEnd, got, isWhole }).toEqual({ end: "done", atEnd: "onetwo", got: "onetwo", isWhole: true });
});

test.each([
  [6, "one"],
  [null, "onetwo"],
])("an outcome that cannot be recorded cuts the answer (length %s)", async (length, got) => {
  const moved = await move(["one", "two"], { length, release: false });
  expect(moved).toMatchObject({ end: "held_back", got, isWhole: false, cut: "held_back" });
});

test.each([7, 100, null])("a source that breaks off is cut, not ended (length %s)", async (length) => {
  const moved = await move(["one", "two"], { length, breaks: true });
  expect(moved).toMatchObject({ end: "source_cut", isWhole: false, atEnd: null, cut: "source_cut" });
  expect(moved.meter.complete).toBe(false);
});

test("a source that ends before its stated length is cut", async () => {
  expect(await move(["one"], { length: 6 })).toMatchObject({ end: "source_cut", isWhole: false, atEnd: null });
});

test("an empty body ends after the outcome, too", async () => {
  expect(await move([], { length: null })).toMatchObject({ end: "done", atEnd: "", got: "", isWhole: true });
});

test("a reader that goes away ends the pump", async () => {
  const { readable, writable } = new IdentityTransformStream();
  const ended = pump(source(["one", "two", "three"]), writable, new Meter(), {
    length: null,
    beforeEnd: async () => true,
  });
  const reader = readable.getReader();
  await reader.read();
  await reader.cancel();
  expect(await ended).toBe("sink_closed");
});

test("a large body is passed on in larger pieces, and as it was", async () => {
  const MEBIBYTE = 1024 * 1024;
  const body = new Uint8Array(4 * MEBIBYTE).map((_, at) => (at * 31 + (at >> 8)) & 255);
  const { readable, writable } = new IdentityTransformStream();
  const given = (async () => {
    const writer = writable.getWriter();
    for (let at = 0; at < body.length; at += MEBIBYTE) await writer.write(body.subarray(at, at + MEBIBYTE));
    await writer.close();
  })();
  const sizes: number[] = [];
  const got = new Uint8Array(body.length);
  let bytes = 0;
  const sink = new WritableStream<Uint8Array>({
    write(chunk) {
      sizes.push(chunk.byteLength);
      got.set(chunk, bytes);
      bytes += chunk.byteLength;
    },
  });
  const meter = new Meter();
  expect(await pump(readable, sink, meter, { length: body.length, beforeEnd: async () => true })).toBe("done");
  await given;
  expect(sizes).toEqual([...Array<number>(16).fill(MEBIBYTE / 16), ...Array<number>(6).fill(MEBIBYTE / 2)]);
  expect(got).toEqual(body);
  expect(meter.bytes).toBe(body.length);
  expect(meter.digest()).toBe(
    [...new Uint8Array(await crypto.subtle.digest("SHA-256", body))]
      .map((byte) => byte.toString(16).padStart(2, "0"))
      .join(""),
  );
});

test("a meter counts and digests what passed, and nothing after it was asked", () => {
  const meter = new Meter();
  meter.add(encoder.encode("ab"));
  meter.add(encoder.encode("c"));
  // SHA-256 of "abc", FIPS 180-2 appendix B.1.
  expect(meter.digest()).toBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  meter.add(encoder.encode("late"));
  expect(meter.bytes).toBe(3);
  expect(meter.digest()).toMatch(/^ba7816bf/);
});
