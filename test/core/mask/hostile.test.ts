// Whatever a body is made of, masking it neither throws nor remembers without bound, and takes time in
// proportion to its length. Time itself is not asserted: what would be quadratic here does not end.

import { describe, expect, it, test } from "vitest";
import { EVERY_SECRET } from "../../../core/mask/mask_plan.ts";
import { maskWhole, PayloadMasker, UNDECIDED_LIMIT } from "../../../core/mask/payload_masker.ts";
import { maskedText, shownPseudonym } from "../../support/masking.ts";

const MILLION = 1_000_000;
const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

describe("10^6 levels", () => {
  test.each([
    ["JSON lists", "application/json", "[", '{"password":"x"}', "]"],
    ["JSON objects", "application/json", '{"a":', '{"password":"x"}', "}"],
    ["JSON that is never closed", "application/json", '{"a":[', '{"password":"x"}', ""],
    ["XML elements", "text/xml", "<a>", "<password>x</password>", "</a>"],
    ["XML that is never closed", "text/xml", "<a b='", "'><password>x</password>", ""],
  ])("of %s are read through", (_, type, open, inner, close) => {
    const { text, spans } = maskedText(type, open.repeat(MILLION) + inner + close.repeat(MILLION));
    expect(spans.length).toBe(1);
    expect(text.length).toBe(
      open.length * MILLION +
        inner.length +
        spans.reduce((n, { put, length }) => n + put - length, 0) +
        close.length * MILLION,
    );
  });

  it("within a secret are masked to the last, and what follows is not", () => {
    const body = `{"secret":${"[".repeat(MILLION)}"x"${"]".repeat(MILLION)},"a":"b"}`;
    const { text, spans } = maskedText("application/json", body);
    expect(spans.length).toBe(1);
    expect(text.endsWith('],"a":"b"}')).toBe(true);
  });
});

/** One line of 2 MiB, in chunks made as they are asked for. */
function long(
  type: string | null,
  first: string,
  unit: string,
  last: string,
): { waiting: number; held: number; spans: number; upto: number; size: number } {
  const masker = new PayloadMasker(EVERY_SECRET, type, shownPseudonym);
  const chunk = encode(unit.repeat(Math.ceil(65536 / unit.length)));
  let size = 0;
  let waiting = 0;
  let spans = 0;
  let out = 0;
  const push = (bytes: Uint8Array): void => {
    const piece = masker.push(bytes);
    size += bytes.length;
    waiting = Math.max(waiting, size - piece.upto);
    spans += piece.spans.length;
    out += piece.bytes.length;
  };
  push(encode(first));
  for (let i = 0; i < 32; i++) push(chunk);
  push(encode(last));
  const end = masker.end();
  return { waiting, held: size - out, spans: spans + end.spans.length, upto: end.upto, size };
}

describe("a line without an end", () => {
  test.each([
    ["JSON string", "application/json", '{"a":"', "x", '","token":"y"}', 1],
    ["JSON string of escapes", "application/json", '{"a":"', "\\u0041", '","token":"y"}', 1],
    ["JSON string of backslashes", "application/json", '{"a":"', "\\\\", '","token":"y"}', 1],
    ["JSON string of base64", "application/json", '{"a":"', "VGhpcyBpcyBhIHRl", '","token":"y"}', 1],
    ["secret of JSON", "application/json", '{"token":"', "x", '","a":"y"}', 1],
    ["number of JSON", "application/json", '{"a":', "1", ',"token":"y"}', 1],
    ["secret number of JSON", "application/json", '{"pin":', "1", ',"a":"y"}', 1],
    ["name of JSON", "application/json", '{"', "token", '":"x","token":"y"}', 1],
    ["white space of JSON", "application/json", '{"secret":["a"', " ", ',"b"]}', 2],
    ["string within a secret of JSON", "application/json", '{"secret":["', "x", '"],"a":"y"}', 1],
    ["form value", "application/x-www-form-urlencoded", "a=", "%41", "&token=y", 1],
    ["form name", "application/x-www-form-urlencoded", "", "a", "=b&token=y", 1],
    ["secret of a form", "application/x-www-form-urlencoded", "token=", "y", "", 1],
    ["event", "text/event-stream", "data: ", "x", "\n\ndata: TOKEN=y", 1],
    ["field name of an event", "text/event-stream", "", "data", "\n\ndata: TOKEN=y", 1],
    ["element name", "text/xml", "<", "token", "><token>y</token>", 1],
    ["attribute", "text/xml", "<a b='", "x", "'/><token>y</token>", 1],
    ["comment", "text/xml", "<!--", "-", "--><token>y</token>", 1],
    ["secret element", "text/xml", "<token>", "]]", "</token>", 1],
    ["head of a part", "multipart/form-data; boundary=B", "--B\r\n", "a", "\r\n\r\nx\r\n--B--", 1],
    ["part", "multipart/form-data; boundary=B", "--B\r\n\r\n", "\r\n--", "TOKEN=y\r\n--B--", 1],
    ["word", "text/plain", "", "x", "\nTOKEN=y", 1],
    ["value", "text/plain", "TOKEN=", "y", "", 1],
    ["value of semicolons", "text/plain", "TOKEN=", "y;", "", 1],
    ["value of words", "text/plain", "TOKEN=", "y ", "", 1],
    ["run of spaces", "text/plain", "TOKEN=y", " ", "z\nTOKEN=a", 2],
    ["run of signs", "text/plain", "", "password=", "", 1],
    ["run of colons", "text/plain", "", "token:", "", 1],
    ["authority", "text/plain", "http://", "a:", "\nTOKEN=y", 1],
    ["run of quotes", "text/plain", "", "password '", "", 1],
    ["run of options", "text/plain", "", " --token", "", 0],
  ] as const)("%s", (_, type, first, unit, last, atLeast) => {
    const { waiting, upto, size, spans } = long(type, first, unit, last);
    expect(waiting).toBeLessThanOrEqual(UNDECIDED_LIMIT);
    expect(upto).toBe(size);
    expect(spans).toBeGreaterThanOrEqual(atLeast);
  });
});

it("a million secrets in one body are all taken out", () => {
  const { spans } = maskWhole(
    EVERY_SECRET,
    "application/json",
    encode(`[${'{"pin":1},'.repeat(MILLION)}0]`),
    shownPseudonym,
  );
  expect(spans.length).toBe(MILLION);
});

it("names that are never the same twice are judged, and not remembered without bound", () => {
  const body = `{${Array.from({ length: 50_000 }, (_, i) => `"token_${i}x":"y","pinned${i}":"n"`).join(",")}}`;
  expect(maskedText("application/json", body).spans.length).toBe(50_000);
});
