// Reading a body before anything is done with it: up to a limit, and not for ever. Runs inside workerd,
// whose streams these are.

import { describe, expect, test } from "vitest";
import { readBody } from "../../workers/http/read_body.ts";

const LONG = 60_000;

/** A request whose body comes as the test writes it. */
function open(headers: Readonly<Record<string, string>> = {}, signal?: AbortSignal) {
  const { readable, writable } = new IdentityTransformStream();
  const init = { method: "POST", body: readable, headers, ...(signal === undefined ? {} : { signal }) };
  return { request: new Request("http://gateway.example/", init), writer: writable.getWriter() };
}

function bytes(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => index % 251);
}

describe("a body", () => {
  test("that comes in many pieces is given as it was sent", async () => {
    const { request, writer } = open();
    const reading = readBody(request, 5_000, LONG);
    const sent = bytes(5_000);
    for (let at = 0; at < sent.length; at += 7) await writer.write(sent.slice(at, at + 7));
    await writer.close();
    expect(await reading).toEqual({ kind: "whole", bytes: sent });
  });

  test("that is none, or empty, is no bytes", async () => {
    const none = new Request("http://gateway.example/", { method: "POST" });
    expect(await readBody(none, 10, LONG)).toEqual({ kind: "whole", bytes: new Uint8Array(0) });
    const { request, writer } = open();
    const reading = readBody(request, 10, LONG);
    await writer.close();
    expect(await reading).toEqual({ kind: "whole", bytes: new Uint8Array(0) });
  });

  test("past the limit is too large at the first byte beyond it, though its end has not come", async () => {
    const { request, writer } = open();
    const reading = readBody(request, 10, LONG);
    writer.write(bytes(11)).catch(() => undefined);
    expect(await reading).toEqual({ kind: "too_large" });
  });

  test("too large by its stated length is not touched", async () => {
    const { request } = open({ "content-length": "11" });
    expect(await readBody(request, 10, LONG)).toEqual({ kind: "too_large" });
    expect(request.bodyUsed).toBe(false);
    const strange = open({ "content-length": "1e9999" });
    expect(await readBody(strange.request, 10, LONG)).toEqual({ kind: "too_large" });
  });

  test("shorter than its stated length is cut, and so is one that breaks off", async () => {
    const short = open({ "content-length": "5" });
    const reading = readBody(short.request, 10, LONG);
    await short.writer.write(bytes(4));
    await short.writer.close();
    expect(await reading).toEqual({ kind: "cut" });
    const broken = open();
    const breaking = readBody(broken.request, 10, LONG);
    await broken.writer.write(bytes(4)).catch(() => undefined);
    await broken.writer.abort(new Error("gone"));
    expect(await breaking).toEqual({ kind: "cut" });
  });

  test("that does not come in time is late", async () => {
    const { request } = open();
    expect(await readBody(request, 10, 20)).toEqual({ kind: "late" });
  });

  test("whose caller leaves is cut at once", async () => {
    const leaving = new AbortController();
    const { request } = open({}, leaving.signal);
    const reading = readBody(request, 10, LONG);
    leaving.abort();
    expect(await reading).toEqual({ kind: "cut" });
  });
});
