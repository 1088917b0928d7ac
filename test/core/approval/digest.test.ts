// What an approval is bound to: a changed byte of what changes meaning is another command.

import { createHmac } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { HttpCommand, MessageCommand } from "../../../core/approval/digest.ts";
import { changesMeaning, httpText, keyedDigest, messageText, targetText } from "../../../core/approval/digest.ts";
import type { ConnectionName, Digest } from "../../../core/ids.ts";

const SHA256 = "ab".repeat(32) as Digest;
const command: HttpCommand = {
  connection: "registry" as ConnectionName,
  method: "PUT",
  target: "/left-pad?tag=latest",
  headers: [
    ["accept", "*/*"],
    ["content-type", "application/json"],
    ["range", "bytes=0-9"],
  ],
  body: { sha256: SHA256, size: 12 },
};
const having = (...headers: [string, string][]): string => httpText({ ...command, headers });

describe("the digest of an HTTP command", () => {
  it.each([
    ["connection", { connection: "other" as ConnectionName }],
    ["method", { method: "POST" }],
    ["path", { target: "/left-pad%2f?tag=latest" }],
    ["query", { target: "/left-pad?tag=next" }],
    ["body", { body: { sha256: "ac".repeat(32) as Digest, size: 12 } }],
    ["body's size", { body: { sha256: SHA256, size: 13 } }],
    ["lack of a body", { body: null }],
    ["header", { headers: [["content-type", "text/plain"]] as const }],
  ])("is another with another %s", (_, change) => {
    expect(httpText({ ...command, ...change })).not.toBe(httpText(command));
  });

  it.each([
    "range",
    "destination",
    "depth",
    "overwrite",
    "if",
    "if-match",
    "if-none-match",
    "if-modified-since",
    "content-type",
    "content-encoding",
    "content-range",
    "content-disposition",
    "lock-token",
    "soapaction",
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
    "x-amz-copy-source",
    "x-amz-copy-source-range",
  ])("covers %s", (name) => {
    expect(changesMeaning(name)).toBe(true);
    expect(having([name, "a"])).not.toBe(having([name, "b"]));
    expect(having([name, "a"])).not.toBe(having());
    expect(having([name.toUpperCase(), "a"])).toBe(having([name, "a"]));
  });

  it.each(["content-length", "accept", "user-agent", "authorization", "date", "traceparent", "prefer"])(
    "leaves out %s, which a client may well write anew",
    (name) => expect(having([name, "a"])).toBe(having()),
  );

  it("does not depend on the order of different headers, but on that of equal ones", () => {
    expect(having(["range", "x"], ["depth", "1"])).toBe(having(["depth", "1"], ["range", "x"]));
    expect(having(["if-match", "x"], ["if-match", "y"])).not.toBe(having(["if-match", "y"], ["if-match", "x"]));
    expect(having(["if-match", "x, y"])).not.toBe(having(["if-match", "x"], ["if-match", "y"]));
  });

  it("is different for different commands, whatever they hold", () => {
    const text = fc.string({ unit: "binary", maxLength: 4 }).filter((one) => one.isWellFormed());
    const some = fc.record({
      connection: fc.constantFrom("a" as ConnectionName, "b" as ConnectionName),
      method: fc.constantFrom("PUT", "POST"),
      target: text,
      headers: fc.array(fc.tuple(fc.constantFrom("range", "if"), text), { maxLength: 2 }),
      body: fc.option(fc.record({ sha256: fc.constant(SHA256), size: fc.nat(1) })),
    });
    const shape = (one: HttpCommand): string =>
      JSON.stringify([
        one.connection,
        one.method,
        one.target,
        [...one.headers].sort((a, b) => (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0)),
        one.body?.size,
      ]);
    fc.assert(fc.property(some, some, (a, b) => (httpText(a) === httpText(b)) === (shape(a) === shape(b))));
  });
});

describe("the digest of a message", () => {
  const message: MessageCommand = {
    connection: "chat" as ConnectionName,
    method: "SEND",
    target: "/socket",
    type: "text",
    data: { sha256: SHA256, size: 3 },
  };

  it.each([
    ["connection", { connection: "other" as ConnectionName }],
    ["direction", { method: "RECEIVE" as const }],
    ["socket's target", { target: "/other" }],
    ["type", { type: "binary" as const }],
    ["data", { data: { sha256: "ac".repeat(32) as Digest, size: 3 } }],
  ])("is another with another %s", (_, change) => {
    expect(messageText({ ...message, ...change })).not.toBe(messageText(message));
  });
});

describe("the digest of a target", () => {
  it("is the same for other bodies and headers, and another for another query", () => {
    expect(targetText(command)).toBe(targetText({ ...command, target: "/left-pad?tag=latest" }));
    expect(targetText(command)).not.toBe(targetText({ ...command, target: "/left-pad" }));
    expect(targetText(command)).not.toBe(targetText({ ...command, method: "GET" }));
  });
});

describe("a keyed digest", () => {
  const mac = (key: string) => (bytes: Uint8Array) => createHmac("sha256", key).update(bytes).digest();

  it("is HMAC-SHA-256 over the UTF-8 text, and another under another key", () => {
    const text = '{"is":"é"}';
    expect(keyedDigest(text, mac("k"))).toBe(createHmac("sha256", "k").update(text, "utf8").digest("hex"));
    expect(keyedDigest(text, mac("k"))).not.toBe(keyedDigest(text, mac("l")));
  });

  it("takes nothing shorter for one", () => {
    expect(() => keyedDigest("x", () => new Uint8Array(16))).toThrow(TypeError);
  });
});
