import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { MAX_JSON_LIMIT, MAX_JSON_VALUES, readJsonBody, type BodyView } from "../../../core/policy/body.ts";
import type { Header } from "../../../core/mask/mask_headers.ts";

const JSON_TYPE: readonly Header[] = [["content-type", "application/json"]];

function read(body: string | Uint8Array, headers: readonly Header[] = JSON_TYPE): BodyView {
  return readJsonBody(typeof body === "string" ? new TextEncoder().encode(body) : body, headers);
}

const refused = (reason: string): unknown => ({ kind: "refused", reason });

describe("a body that every parser reads alike is read", () => {
  test.each([
    ['{"a":1,"b":[true,false,null,"x"]}', { a: 1, b: [true, false, null, "x"] }],
    [" [1, 2.5, -0.001, 1e3, 1E-7, 0.1, 9007199254740991] ", [1, 2.5, -0.001, 1000, 1e-7, 0.1, 9007199254740991]],
    ["0", 0],
    ["0.0", 0],
    ["1.50", 1.5],
    ["100e-2", 1],
    ['"\\ud83d\\ude00 \\u0041 é \\n"', "😀 A é \n"],
    ["null", null],
    ['{"a":{"b":1},"c":{"b":2}}', { a: { b: 1 }, c: { b: 2 } }],
  ])("%s", (text, value) => {
    expect(read(text)).toEqual({ kind: "json", value });
  });

  test.each([
    "application/json",
    "Application/JSON; charset=utf-8",
    'application/json;charset="UTF-8"',
    "application/vnd.api+json",
    "application/merge-patch+json ; charset=utf-8 ",
  ])("declared as %s", (type) => {
    expect(read("{}", [["content-type", type]])).toEqual({ kind: "json", value: {} });
  });

  it("any JSON value that the platform writes, but for numbers past 2^53", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), (value) => {
        const text = JSON.stringify(value);
        const isLarge =
          JSON.stringify(value, (_, one: unknown) =>
            typeof one === "number" && Math.abs(one) > Number.MAX_SAFE_INTEGER ? "large" : one,
          ) !== text;
        if (isLarge || !text.isWellFormed() || /\\ud[89a-f]/i.test(text)) return;
        expect(read(text)).toEqual({ kind: "json", value: JSON.parse(text) as unknown });
      }),
    );
  });
});

it("an empty body is none, whatever it is declared to be", () => {
  expect(read("")).toEqual({ kind: "none" });
  expect(read("", [])).toEqual({ kind: "none" });
});

describe("a body that parsers may read differently is refused", () => {
  test.each([
    ["a member twice", '{"a":1,"a":2}'],
    ["a member twice, one of them escaped", '{"a":1,"\\u0061":2}'],
    ["a member twice, deep inside", '[{"x":{"a":1,"b":2,"a":3}}]'],
    ["a number past 2^53", "9007199254740993"],
    ["2^53, which 2^53 + 1 is rounded to", "9007199254740992"],
    ["a large negative number", "-9007199254740993"],
    ["a number past every double", "1e400"],
    ["a number that is rounded to nothing", "1e-400"],
    ["more digits than a double has", "0.1000000000000000055"],
    ["an integer written as a fraction, past 2^53", "90071992547409930.0"],
    ["a large number by its exponent", "1e20"],
    ["a lone surrogate, escaped", '"\\ud800"'],
    ["a lone surrogate in a name", '{"\\udc00":1}'],
    ["surrogates in the wrong order", '"\\udc00\\ud800"'],
    ["a byte order mark", "\ufeff{}"],
    ["65 levels", `${"[".repeat(65)}${"]".repeat(65)}`],
    ["100,000 levels", `${"[".repeat(100_000)}${"]".repeat(100_000)}`],
  ])("%s", (_, text) => {
    expect(read(text)).toEqual(refused("body_ambiguous"));
  });

  test.each([
    ["bytes that are no UTF-8", [0x22, 0xff, 0x22]],
    ["an overlong encoding", [0x22, 0xc0, 0xaf, 0x22]],
    ["an encoded surrogate", [0x22, 0xed, 0xa0, 0x80, 0x22]],
    ["a cut character", [0x22, 0xe2, 0x82]],
  ])("%s", (_, bytes) => {
    expect(read(Uint8Array.from(bytes))).toEqual(refused("body_ambiguous"));
  });

  it("two content types", () => {
    expect(read("{}", [...JSON_TYPE, ["content-type", "text/plain"]])).toEqual(refused("body_ambiguous"));
  });
});

describe("a body that is no JSON is refused", () => {
  test.each([
    "{",
    "{'a':1}",
    '{"a":1,}',
    "// x\n1",
    "NaN",
    "Infinity",
    "+1",
    "01",
    ".5",
    "1.",
    '"\t"',
    "1 2",
    "\u0000",
    " ",
  ])("%j", (text) => {
    expect(read(text)).toEqual(refused("body_not_json"));
  });

  test.each<readonly [string, readonly Header[]]>([
    ["without a content type", []],
    ["as text", [["content-type", "text/plain"]]],
    ["as a form", [["content-type", "application/x-www-form-urlencoded"]]],
    ["in another charset", [["content-type", "application/json; charset=utf-16"]]],
    ["with two charsets", [["content-type", "application/json; charset=utf-8; charset=utf-16"]]],
    ["as lines of JSON", [["content-type", "application/jsonl"]]],
    ["as two types in one", [["content-type", "text/plain, application/json"]]],
    ["compressed", [...JSON_TYPE, ["content-encoding", "gzip"]]],
  ])("declared %s", (_, headers) => {
    expect(read("{}", headers)).toEqual(refused("body_not_json"));
  });
});

describe("a body that is too large to decide on is refused", () => {
  it("by its bytes", () => {
    expect(read(`"${"a".repeat(MAX_JSON_LIMIT)}"`)).toEqual(refused("body_too_large_to_decide"));
    expect(read(`"${"a".repeat(MAX_JSON_LIMIT - 2)}"`)).toMatchObject({ kind: "json" });
  });

  it("by how many values it has", () => {
    expect(read(`[${Array.from({ length: 2 * MAX_JSON_VALUES }, () => "0").join()}]`)).toEqual(
      refused("body_too_large_to_decide"),
    );
    expect(read(`[${Array.from({ length: MAX_JSON_VALUES }, () => "0").join()}]`)).toMatchObject({ kind: "json" });
  });
});

it("any bytes are read or refused, never an exception", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      expect(["none", "json", "refused"]).toContain(read(bytes).kind);
    }),
  );
});
