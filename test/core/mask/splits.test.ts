// However a body is cut into pieces, what comes out is the same: the same bytes, the same spans. Bodies
// here are made of everything a carrier could stumble over, in any order.

import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { EVERY_SECRET } from "../../../core/mask/mask_plan.ts";
import { maskWhole } from "../../../core/mask/payload_masker.ts";
import { expectUntouchedOutside, maskedInPieces, SHAPED, shownPseudonym } from "../../support/masking.ts";

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

const PIECES = [
  ...[
    '{"',
    '":"',
    '","',
    '"}',
    "[",
    "]",
    "{",
    "}",
    ",",
    ":",
    '"',
    '\\"',
    "\\",
    "\\u0070",
    "\\n",
    "\\ud83d",
    "=",
    "&",
    ";",
    "?",
  ],
  ...[
    "%",
    "%22",
    "%70",
    "+",
    "'",
    "\n",
    "\r\n",
    " ",
    "\t",
    "data: ",
    "event: x\n",
    "\n\n",
    "<",
    ">",
    "</",
    "<!--",
    "-->",
  ],
  ...["<password>", "</password>", "<![CDATA[", "]]>", 'key="', 'value="', "//", "https://", "@", "--", "|", "`", "''"],
  ...[
    "password",
    "token",
    "api_key",
    "name",
    "value",
    "user",
    "hunter2",
    "${DB}",
    "{{ x }}",
    "password=",
    ": |\n",
    "secret",
    "--password ",
    "Bearer ",
    "export ",
    "Authorization: ",
  ],
  ...[
    "--XX\r\n",
    "\r\n--XX",
    "\n--XX--",
    "\r\n\r\n",
    'Content-Disposition: form-data; name="password"',
    'Content-Disposition: form-data; name="a"; filename="b"',
  ],
  ...['--XX\r\nContent-Disposition: form-data; name="password"\r\n\r\n', "\r\n--", "--YY--\r"],
  ...["Content-Type: application/json", "123456789", "-1.5e3", "true", "null", "\u00e9", "😀", "\0", "\u0001"],
  ...["x".repeat(300), " ".repeat(300), "a".repeat(1200), SHAPED.keyBegins, SHAPED.card],
  ...[SHAPED.accessKeyId, btoa('{"password":"hunter2","more":"of it"}'), btoa(`"${SHAPED.accessKeyId}" and some text`)],
];
const TYPES = [
  "application/json",
  "application/x-ndjson",
  "text/event-stream",
  "application/x-www-form-urlencoded",
  "multipart/form-data; boundary=XX",
  "text/xml",
  "text/plain",
  "application/json; charset=utf-16be",
  "text/plain; charset=shift_jis",
  "image/png",
  null,
];

const utf16 = (text: string): Uint8Array => {
  const bytes = new Uint8Array(2 * text.length);
  for (let i = 0; i < text.length; i++) new DataView(bytes.buffer).setUint16(2 * i, text.charCodeAt(i), true);
  return bytes;
};
const text = fc.array(fc.constantFrom(...PIECES), { maxLength: 40 }).map((pieces) => pieces.join(""));
const body = fc.oneof(
  { weight: 6, arbitrary: text.map(encode) },
  { weight: 1, arbitrary: text.map(utf16) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 64 }) },
);

it("any split gives the same bytes and the same spans, and outside of them nothing changes", () => {
  fc.assert(
    fc.property(fc.constantFrom(...TYPES), body, fc.array(fc.nat(), { maxLength: 40 }), (type, bytes, places) => {
      const whole = maskWhole(EVERY_SECRET, type, bytes, shownPseudonym);
      expect(whole.upto).toBe(bytes.length);
      expectUntouchedOutside(bytes, whole);
      const cuts = places.map((place) => place % (bytes.length + 1)).sort((a, b) => a - b);
      const { bytes: masked, spans, format } = maskedInPieces(type, bytes, cuts);
      expect(Buffer.compare(masked, whole.bytes)).toBe(0);
      expect(spans).toEqual(whole.spans);
      expect(format).toBe(whole.format);
    }),
    { numRuns: 1500 },
  );
});

const DOCUMENTS: readonly (readonly [type: string, document: string])[] = [
  // Two rules speak of what begins at one place, and which of them is known first depends on the cut.
  [
    "text/plain",
    `Authorization: ${btoa(`"${SHAPED.accessKeyId}" and some text`)}Content-Disposition: form-data; filename="b"%22`,
  ],
  [
    "application/json",
    '{"user":{"name":"bob","pass\\u0077ord":"hun\\"ter2"},"pin":12345,"u":"https://a:b@h/?token=c&d=e","s":"{\\"secret\\":\\"x\\"}"}',
  ],
  ["application/x-ndjson", '{"token":"a"}\n{"password":"b\n{"c":["d"],"secret":{"e":"f","g":[1]}}\r\n'],
  ["text/event-stream", 'event: m\r\ndata: {"token":\r\ndata: "abc"}\r\n\r\n: c\r\n\r\ndata: password=hunter2\n\n'],
  ["application/x-www-form-urlencoded", "a=b&user%5Bpassword%5D=h%20x&p=%7B%22token%22%3A%22x%22%7D&code=1&z"],
  [
    "text/xml",
    '<a><input name=password value=a/b%20c><d token=x=y><password>x</password><b token=\'y\'/><c key="ApiKey" value="z">t</c><secret><![CDATA[w]]></secret></a>',
  ],
  [
    "text/plain",
    "A_TOKEN=b c\nexport PASSWORD='d''e'\nurl: https://u:p@h/?sig=f&g=h\ncurl --token i -H 'X-Key: j k' l\nPassword=m;n;Database=o;\n",
  ],
  [
    "multipart/form-data; boundary=b",
    '--b\r\nContent-Disposition: form-data; name="password"\r\n\r\nx\r\n--bz\r\n--b\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\nA_TOKEN=x\n\r\n--b--',
  ],
  ["application/json", '{"token":"${A_TOKEN}","secret":"$1 not one","password":"{{ x }}","pin":"**","api_key":"***x"}'],
  ["text/plain", `Password=${"m".repeat(300)};n;Database=${"o".repeat(300)} p\nsecret: |\n  q\n r\n`],
  ["application/json", `{"a":[${SHAPED.card},-12345678,${SHAPED.card.slice(1)}],"b":"${SHAPED.accessKeyId}"}`],
];

describe("cut at each byte, and into single bytes", () => {
  test.each(DOCUMENTS)("%s", (type, document) => {
    const bytes = encode(document);
    const whole = maskWhole(EVERY_SECRET, type, bytes, shownPseudonym);
    expect(whole.spans.length).toBeGreaterThan(0);
    for (let cut = 0; cut <= bytes.length; cut++) {
      const { bytes: masked, spans } = maskedInPieces(type, bytes, [cut]);
      expect(Buffer.compare(masked, whole.bytes)).toBe(0);
      expect(spans).toEqual(whole.spans);
    }
    const single = maskedInPieces(
      type,
      bytes,
      Array.from(bytes, (_, i) => i),
    );
    expect(Buffer.compare(single.bytes, whole.bytes)).toBe(0);
    expect(single.spans).toEqual(whole.spans);
  });
});
