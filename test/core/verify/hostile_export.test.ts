// Exports that somebody wrote to break their reader.

import { sha256 } from "@noble/hashes/sha2.js";
import { describe, expect, it } from "vitest";
import { LINE_LIMIT } from "../../../core/verify/lines.ts";
import { verifyExport, verifySession } from "../../../core/verify/verify_session.ts";
import { countingRandom, draft, exportOf, SAMPLE } from "../../support/sample_session.ts";

const sample = exportOf(SAMPLE, countingRandom(), sha256);
const [first = ""] = sample.lines;

async function reason(input: string | Uint8Array): Promise<string> {
  const { integrity } = await verifyExport(input);
  return integrity.kind === "intact" ? "intact" : `${integrity.first.line} ${integrity.first.reason}`;
}

describe("hostile exports end in a verdict", () => {
  it.each<[string, string | Uint8Array, string]>([
    ["nothing", "", "1 no_records"],
    ["an empty line", "\n", "1 line_malformed"],
    ["a head alone", `${sample.lines.at(-1)}\n`, "1 no_records"],
    ["a truncated line", sample.text.slice(0, 100), "1 line_cut"],
    ["a last line without its end", sample.text.slice(0, -1), "18 line_cut"],
    ["CRLF", sample.text.replaceAll("\n", "\r\n"), "1 line_malformed"],
    ["a byte order mark", `\ufeff${sample.text}`, "1 line_malformed"],
    ["bad UTF-8", Uint8Array.of(0x7b, 0xff, 0x0a), "1 not_utf8"],
    ["overlong UTF-8", Uint8Array.of(0xc0, 0xaf, 0x0a), "1 not_utf8"],
    ["white space", `${first.replace('","fields"', '", "fields"')}\n`, "1 line_malformed"],
    ["a duplicate key", `${first.slice(0, -1)},"fields":[]}\n`, "1 line_malformed"],
    ["a further key", `${first.slice(0, -1)},"more":1}\n`, "1 line_malformed"],
    ["other escapes", `${first.replace("registry", "\\u0072egistry")}\n`, "1 line_malformed"],
    ["deep arrays", `${"[".repeat(400_000)}${"]".repeat(400_000)}\n`, "1 line_malformed"],
    [
      "deep arrays as fields",
      `{"leaf":"{}","fields":${"[".repeat(400_000)}${"]".repeat(400_000)}}\n`,
      "1 line_malformed",
    ],
    ["a leaf with white space", `{"leaf":"{ }","fields":[]}\n`, "1 leaf_malformed"],
    ["a prototype as key", `{"__proto__":{"leaf":1},"leaf":"{}","fields":[]}\n`, "1 line_malformed"],
    ["numbers, null and text", '1\nnull\n"x"\n', "1 line_malformed"],
  ])("%s", async (_, input, expected) => {
    expect(await reason(input)).toBe(expected);
  });

  it("refuses another version, and duplicate keys or floats in a leaf", async () => {
    const leaf = sample.records[0]?.leaf ?? "";
    const line = (text: string): string =>
      `{"leaf":${JSON.stringify(text)},"fields":${sample.records[0]?.disclosure}}\n`;
    for (const text of [
      leaf.replace('"v":1', '"v":2'),
      leaf.replace('"v":1', '"v":1,"v":1'),
      leaf.replace('"part":0', '"part":0.0'),
      leaf.replace('"part":0', '"part":-0'),
      leaf.replace('"seq":0', '"seq":0e0'),
    ]) {
      expect(text).not.toBe(leaf);
      expect(await reason(line(text))).toBe("1 leaf_malformed");
    }
  });

  it("refuses a lone surrogate in a field, which has no bytes to commit to", async () => {
    const line = first.replace('"registry"]', '"\\ud800"]');
    expect(await reason(`${line}\n`)).toBe("1 fields_malformed");
  });

  it("refuses fields out of order, doubled, or with a salt that is not 32 bytes", async () => {
    const text = (disclosure: string): string =>
      `{"leaf":${JSON.stringify(sample.records[0]?.leaf)},"fields":${disclosure}}\n`;
    const fields = JSON.parse(sample.records[0]?.disclosure ?? "") as [string, string, string][];
    const [a, b] = fields;
    if (a === undefined || b === undefined) throw new Error("the sample has two fields");
    for (const wrong of [
      [b, a],
      [a, a],
      [[a[0], a[1].slice(1), a[2]], b],
      [[a[0], `${a[1].slice(0, -1)}_`, a[2]], b],
      [["Name", a[1], a[2]], b],
    ]) {
      expect(await reason(text(JSON.stringify(wrong)))).toBe("1 fields_malformed");
    }
  });

  it("stops reading an endless line at the limit", async () => {
    let read = 0;
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (;;) {
        read += 65_536;
        yield new Uint8Array(65_536).fill(0x20);
      }
    }
    const verdict = await verifySession(endless(), { sha256 });
    expect(verdict.integrity).toMatchObject({ kind: "altered", first: { reason: "line_too_long", line: 1 } });
    expect(read).toBeLessThanOrEqual(LINE_LIMIT + 65_536);
  });

  it("stops at the first wrong line without reading on", async () => {
    let read = 0;
    async function* lines(): AsyncGenerator<string> {
      for (;;) {
        read += 1;
        yield "x\n";
      }
    }
    await verifySession(lines(), { sha256 });
    expect(read).toBe(1);
  });

  it("takes a line of exactly the limit and none longer", async () => {
    const bare = exportOf([draft("session.opened", null, {}, { text: "" })], countingRandom(), sha256).lines[0] ?? "";
    const fit = (more: number): string =>
      exportOf(
        [draft("session.opened", null, {}, { text: "x".repeat(LINE_LIMIT - 1 - bare.length + more) })],
        countingRandom(),
        sha256,
      ).text;
    expect(await reason(fit(0))).toBe("intact");
    expect(await reason(fit(1))).toBe("1 line_too_long");
  });

  it("counts thousands of findings but lists a bounded number", async () => {
    const drafts = [
      draft("session.opened", null, {}),
      ...Array.from({ length: 500 }, (_, i) => draft("command.requested", i, {})),
    ];
    const { findings } = await verifyExport(exportOf(drafts, countingRandom(), sha256).text);
    expect([findings.openCount, findings.open.length]).toEqual([500, 100]);
  });
});
