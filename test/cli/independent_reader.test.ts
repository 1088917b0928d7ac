// test/vectors/record/read_vectors.py is written from docs/record_format.md alone, in another
// language. Where it and the gateway's own verifier disagree, one of them or the page is wrong.

import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { sha256 } from "@noble/hashes/sha2.js";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { verifyExport } from "../../core/verify/verify_session.ts";
import { countingRandom, exportOf, SAMPLE } from "../support/sample_session.ts";

const reader = fileURLToPath(new URL("../vectors/record/read_vectors.py", import.meta.url).href);
const hasPython = spawnSync("python3", ["--version"]).status === 0;
const folder = mkdtempSync(join(tmpdir(), "sallyport-reader-"));
const sample = exportOf(SAMPLE, countingRandom(), sha256);

function read(...paths: readonly string[]): {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
} {
  const { status, stdout, stderr } = spawnSync("python3", [reader, ...paths], { encoding: "utf8" });
  return { code: status, out: stdout, err: stderr };
}

afterAll(() => rmSync(folder, { recursive: true }));

// Debian has Python, and CI installs it; a machine without can still run the other tests.
describe.skipIf(!hasPython)("the independent reader", () => {
  it("finds that all vectors and the sample session hold", () => {
    expect(read()).toEqual({
      code: 0,
      out: "vectors.json: 76 vectors hold\nsession.ndjson: 17 records hold\n",
      err: "",
    });
  });

  it("refuses altered exports as the verifier does", async () => {
    const bytes = new TextEncoder().encode(sample.text);
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
      { numRuns: 40 },
    );
  });
});
