// test/vectors/record/read_vectors.py is written from docs/record_format.md alone, in another
// language. Where it and the gateway's own verifier disagree, one of them or the page is wrong.

import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { sha256 } from "@noble/hashes/sha2.js";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { verifyExport } from "../../core/verify/verify_session.ts";
import { APPROVALS } from "../support/sample_approvals.ts";
import { BODIES, DOWNLOAD } from "../support/sample_bodies.ts";
import { WRONG_APPROVALS, WRONG_USES } from "../support/wrong_approvals.ts";
import { commandId, countingRandom, exportOf, SAMPLE, withheldExport } from "../support/sample_session.ts";

const reader = fileURLToPath(new URL("../vectors/record/read_vectors.py", import.meta.url).href);
const hasPython = spawnSync("python3", ["--version"]).status === 0;
const folder = mkdtempSync(join(tmpdir(), "sallyport-reader-"));
const sample = exportOf(SAMPLE, countingRandom(), sha256);
const bodies = exportOf(BODIES, countingRandom(), sha256);

function read(...paths: readonly string[]): {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
} {
  const { status, stdout, stderr } = spawnSync("python3", [reader, ...paths], { encoding: "utf8" });
  return { code: status, out: stdout, err: stderr };
}

/** Reads each export, and prints a line for each: what is wrong with it. */
const EACH = `import sys, pathlib
sys.path.insert(0, sys.argv[1])
import read_vectors
for path in sys.argv[2:]:
    try:
        read_vectors.read_export(pathlib.Path(path).read_bytes())
        print("holds")
    except read_vectors.Wrong as wrong:
        print(wrong)`;

afterAll(() => rmSync(folder, { recursive: true }));

// Debian has Python, and CI installs it; a machine without can still run the other tests.
describe.skipIf(!hasPython)("the independent reader", () => {
  it("finds that all vectors and the sample session hold", () => {
    expect(read()).toEqual({
      code: 0,
      out: [
        "vectors.json: 76 vectors hold",
        "session.ndjson: 17 records hold",
        "bodies.ndjson: 23 records hold",
        "withheld.ndjson: 23 records hold, 3 fields withheld",
        "approvals.ndjson: 39 records hold",
        "payload.bin: 24130 bytes are those of the records",
        "",
      ].join("\n"),
      err: "",
    });
  });

  it.each([
    ["plain", sample.text],
    ["with bodies", bodies.text],
    ["with approvals", exportOf(APPROVALS, countingRandom(), sha256).text],
    ["with withheld fields", withheldExport(bodies, new Set(["pseudonyms", "payload", "headers"]), sha256)],
  ])("refuses altered exports %s as the verifier does", async (_, text) => {
    const bytes = new TextEncoder().encode(text);
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), async (at, by) => {
        const altered = bytes.slice();
        altered[at] = (altered[at] ?? 0) ^ by;
        const path = join(folder, "altered.ndjson");
        writeFileSync(path, altered);
        const ours = await verifyExport(altered);
        expect(ours.integrity.kind === "intact" && ours.completeness.kind === "shown").toBe(false);
        const theirs = read(path);
        expect([theirs.code, theirs.err.includes("altered.ndjson: line")]).toEqual([1, true]);
      }),
      { numRuns: 20 },
    );
  });

  it("holds a body against its records as the verifier does", () => {
    const [path, file] = [join(folder, "bodies.ndjson"), join(folder, "body")];
    writeFileSync(path, bodies.text);
    const readBody = (command: number, side: string, body: Uint8Array): ReturnType<typeof read> => {
      writeFileSync(file, body);
      return read("--payload", commandId(command), side, file, path);
    };
    expect(readBody(2, "response", DOWNLOAD)).toMatchObject({ code: 0 });
    expect(readBody(3, "request", new TextEncoder().encode("one two"))).toMatchObject({ code: 0 });
    expect(readBody(5, "request", new TextEncoder().encode("hi"))).toMatchObject({ code: 0 });
    expect(readBody(3, "request", new TextEncoder().encode("one too")).err).toContain(
      "record 13: these are not its bytes",
    );
    for (const at of [0, 20_000, 23_900, DOWNLOAD.length - 1]) {
      const altered = DOWNLOAD.slice();
      altered[at] = (altered[at] ?? 0) ^ 1;
      expect(readBody(2, "response", altered).err).toMatch(/record [5-7]: /);
    }
    expect(readBody(2, "response", DOWNLOAD.slice(0, -1)).code).toBe(1);
    expect(readBody(2, "response", Uint8Array.of(...DOWNLOAD, 0)).code).toBe(1);
  });

  it("refuses every session that an approval makes wrong, at the record at which the verifier does", () => {
    const wrong = [...WRONG_USES, ...WRONG_APPROVALS];
    const paths = wrong.map(([, drafts], n) => {
      const path = join(folder, `wrong-${n}.ndjson`);
      writeFileSync(path, exportOf(drafts, countingRandom(), sha256).text);
      return path;
    });
    // Starting Python is what costs here.
    const { stdout } = spawnSync("python3", ["-B", "-c", EACH, dirname(reader), ...paths], { encoding: "utf8" });
    const places = stdout.split("\n").map((line) => /\(record (\d+)\)/.exec(line)?.[1] ?? line);
    expect(wrong.map(([what], n) => `${what}: ${places[n]}`)).toEqual(
      wrong.map(([what, , found]) => `${what}: ${found.split(" ")[0]}`),
    );
  });
});
