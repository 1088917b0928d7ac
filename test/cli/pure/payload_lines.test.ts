import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hexLines } from "../../../cli/payload/hex_dump.ts";
import { jsonLines } from "../../../cli/payload/json_lines.ts";
import { payloadLines } from "../../../cli/payload/payload_lines.ts";
import { payloadOfRecord, type RecordLike, shortPayload } from "../../../cli/payload/record_payload.ts";
import { plainOf, styleOf } from "../../../cli/terminal.ts";

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const plain = styleOf(false);
const colored = styleOf(true);

function shownAs(text: string, format: string | null, places: { at: number; put: number }[] = []): string[] {
  return payloadLines({ bytes: bytesOf(text), format, places }, null, plain);
}

const MOVING = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cs}\p{Cn}]/u;

describe("JSON", () => {
  it("is laid out", () => {
    expect(shownAs('{"a":[1,-2.50e3,{}],"b":{"c":null,"d":[]},"e":"x: y"}', "json")).toEqual([
      "{",
      '  "a": [',
      "    1,",
      "    -2.50e3,",
      "    {}",
      "  ],",
      '  "b": {',
      '    "c": null,',
      '    "d": []',
      "  },",
      '  "e": "x: y"',
      "}",
    ]);
  });

  it("stays as it was written: numbers, escapes, doubled keys", () => {
    const text = '{"n":1.0000000000000000001,"n":"\\u0041\\/","big":9007199254740993}';
    expect(shownAs(text, "json").map((line) => line.trim())).toEqual([
      "{",
      '"n": 1.0000000000000000001,',
      '"n": "\\u0041\\/",',
      '"big": 9007199254740993',
      "}",
    ]);
  });

  it("that breaks off is laid out as far as it goes", () => {
    expect(shownAs('{"a":[1,{"b":"unfinis', "json")).toEqual([
      "{",
      '  "a": [',
      "    1,",
      "    {",
      '      "b": "unfinis',
    ]);
  });

  it("whatever stands in it, loses nothing but white space between its tokens", () => {
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string(), fc.string({ unit: "binary" })), (text) => {
        const kept = jsonLines(text).flatMap((line) => line.filter((piece) => piece.from !== null));
        let rest = text;
        for (const piece of kept) {
          expect(text.slice(piece.from ?? 0).startsWith(piece.text)).toBe(true);
          rest = rest.replace(piece.text, () => "");
        }
        expect(rest.trim().replaceAll(/\s/gu, "")).toBe("");
      }),
    );
  });

  it("takes a time that grows with its length, however it is made", () => {
    for (const text of ["[".repeat(200_000), '"'.repeat(200_001), '"\\'.repeat(100_000), "1e".repeat(100_000)])
      expect(jsonLines(text).length).toBeGreaterThan(0);
  });
});

describe("what was masked", () => {
  const PAINT = "\u001b[35m";

  it("is painted where it stands, also behind characters of several bytes and across tokens", () => {
    const before = '{"é🦆":"';
    const text = `${before}[masked:password]","b":1}`;
    const places = [{ at: bytesOf(before).length, put: 17 }];
    const lines = payloadLines({ bytes: bytesOf(text), format: "json", places }, null, colored);
    const painted = lines.join("\n").split(PAINT).slice(1);
    expect(painted.map((one) => one.slice(0, one.indexOf("\u001b")))).toEqual(["[masked:password]"]);
    expect(lines.map(plainOf).join("")).toContain('"é🦆": "[masked:password]"');
  });

  it("is not what a body says of itself", () => {
    const lines = payloadLines({ bytes: bytesOf("x [masked:password] y"), format: "text", places: [] }, null, colored);
    expect(lines.join("")).not.toContain(PAINT);
  });

  it("may be said to stand anywhere: places of a server that lies move nothing", () => {
    const places = fc.array(fc.record({ at: fc.integer(), put: fc.integer() }));
    fc.assert(
      fc.property(fc.string(), places, (text, list) => {
        const lines = payloadLines({ bytes: bytesOf(text), format: "text", places: list }, null, colored);
        expect(plainOf(lines.join(""))).not.toMatch(MOVING);
      }),
    );
  });
});

describe("what was masked in a chunk", () => {
  const chunk = (at: number, text: string, spans: unknown[]): RecordLike => ({
    leaf: { kind: "stream.chunk", seq: 1, classes: { side: "response", at, format: "text" } },
    fields: [
      { name: "payload", salt: new Uint8Array(32), value: text },
      { name: "spans", salt: new Uint8Array(32), value: JSON.stringify(spans) },
    ],
  });

  it("is found by how much the chunks before it moved", () => {
    const span = (at: number): unknown => ({ at, length: 4, put: 12, rule: "jwt" });
    // Plain: "a ssss b ssss c ssss", in three chunks.
    const first = payloadOfRecord(chunk(0, "a [masked:jwt]", [span(2)]));
    expect(first?.places).toEqual([{ at: 2, put: 12 }]);
    const second = payloadOfRecord(chunk(14, " b [masked:jwt]", [span(9)]), first?.moved ?? null);
    expect(second?.places).toEqual([{ at: 3, put: 12 }]);
    const third = payloadOfRecord(chunk(29, " c [masked:jwt]", [span(16)]), second?.moved ?? null);
    expect(third?.places).toEqual([{ at: 3, put: 12 }]);
  });

  it("is not painted where nobody knows by how much", () => {
    const found = payloadOfRecord(chunk(14, " b [masked:jwt]", [{ at: 9, length: 4, put: 12, rule: "jwt" }]));
    expect([found?.places, found?.moved]).toEqual([[], null]);
    const cut = payloadOfRecord(chunk(0, "x", [{ cut: 5 }]));
    expect([cut?.places, cut?.moved]).toEqual([[], null]);
  });

  it("may be said in any form, by a server that lies", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.string(), (spans, text) => {
        const record = chunk(0, text.toWellFormed(), []);
        const lying = {
          ...record,
          fields: record.fields.map((one) => (one.name === "spans" ? { ...one, value: JSON.stringify(spans) } : one)),
        };
        const payload = payloadOfRecord(lying);
        if (payload !== null) expect(plainOf(shortPayload(payload, 40, colored))).not.toMatch(MOVING);
      }),
    );
  });
});

describe("text", () => {
  it("keeps its lines, whatever ends them, and moves no terminal", () => {
    expect(shownAs("a\r\nb\rc\n\n\td\u001b[2J\u202e", "text")).toEqual(["a", "b", "c", "", "    d\\u{1b}[2J\\u{202e}"]);
  });

  it("of any format moves no terminal", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.constantFrom("json", "text", "xml", null), (text, format) => {
        for (const line of shownAs(text.toWellFormed(), format)) expect(line).not.toMatch(MOVING);
      }),
    );
  });

  it("that is cut within a character is shown up to it", () => {
    const bytes = bytesOf("ab🦆").subarray(0, 5);
    expect(payloadLines({ bytes, format: "text", places: [] }, null, plain)).toEqual(["ab"]);
  });
});

describe("bytes", () => {
  it("are dumped in hexadecimal, in a narrow terminal eight a line", () => {
    const bytes = Uint8Array.from({ length: 18 }, (_, n) => 0x3c + n * 5);
    expect(hexLines(bytes, null)).toEqual([
      "00000000  3c 41 46 4b 50 55 5a 5f  64 69 6e 73 78 7d 82 87  |<AFKPUZ_dinsx}..|",
      "00000010  8c 91                                             |..|",
    ]);
    expect(hexLines(bytes, 60)[0]).toBe("00000000  3c 41 46 4b 50 55 5a 5f  |<AFKPUZ_|");
  });

  it("that are called binary and read as text are shown as text", () => {
    expect(shownAs("just text\n", "binary")).toEqual(["just text"]);
    expect(shownAs("a\0b", "binary")[0]).toMatch(/^00000000 {2}61 00 62 /);
  });

  it("that are no UTF-8 are dumped, whatever they are called", () => {
    const bytes = Uint8Array.of(0x7b, 0xff);
    expect(payloadLines({ bytes, format: "json", places: [] }, null, plain)).toEqual([
      `00000000  7b ff${" ".repeat(43)}  |{.|`,
    ]);
  });
});
