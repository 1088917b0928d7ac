// Exports of a running gateway, whose logs were written by the objects and not by test code: each
// is held by the verifier and by the independent reader.

import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { PayloadVerifier } from "../../core/verify/verify_payload.ts";
import { verifyExport } from "../../core/verify/verify_session.ts";
import { eventually, startGateway, type TestGateway, testPolicy } from "../support/gateway.ts";
import { listen, stopServer } from "../support/loopback.ts";

const root = fileURLToPath(new URL("../../", import.meta.url).href);
const hasPython = spawnSync("python3", ["--version"]).status === 0;
let folder = "";
let upstream: Server;
let gateway: TestGateway;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "sallyport-exports-"));
  upstream = createServer((request, response) => {
    // Both with Content-Length: the small one is folded into one record, the large one streamed.
    // Binary: of a text an end that stalls would be committed to undecided, and no digest of the whole be told.
    response.end(request.url === "/large" ? Buffer.alloc(100_000) : "xxxxx");
  });
  gateway = await startGateway({ policy: testPolicy({ demo: await listen(upstream) }) });
  for (const [person, path] of [
    ["alice", "/c/demo/small"],
    ["alice", "/c/demo/large"],
    ["bob", "/c/demo/small"],
    ["mallory", "/c/demo/small"],
  ] as const) {
    await (await gateway.fetch(person, path)).arrayBuffer();
  }
  await (await fetch(`${gateway.url}/c/demo/small`)).arrayBuffer();
});

afterAll(async () => {
  await gateway.stop();
  await stopServer(upstream);
  rmSync(folder, { recursive: true });
});

async function readAs(person: string, path: string): Promise<string> {
  const response = await gateway.fetch(person, path);
  expect([path, response.status]).toEqual([path, 200]);
  return response.text();
}

async function expectHolds(text: string, log: string): Promise<void> {
  expect(await verifyExport(text)).toMatchObject({
    integrity: { kind: "intact" },
    completeness: { kind: "shown", by: "head" },
    log,
  });
  if (!hasPython) return;
  const path = join(folder, "export.ndjson");
  writeFileSync(path, text);
  const read = spawnSync("python3", [join(root, "test/vectors/record/read_vectors.py"), path], { encoding: "utf8" });
  expect([read.status, read.stderr]).toEqual([0, ""]);
}

describe("exports of a running gateway", () => {
  it("are intact and complete, for sessions with answers, streams and refusals", async () => {
    for (const [person, connection] of [
      ["alice", "demo"],
      ["mallory", "demo"],
      ["alice", "console"],
    ] as const) {
      const exports = await gateway.exports(person, connection);
      expect(exports).toHaveLength(1);
      for (const text of exports) await expectHolds(text, "session");
    }
  });

  it("are intact and complete for the registry, which names every session", async () => {
    const { items: sessions } = JSON.parse(await readAs("carol", "/api/v1/sessions")) as { items: { sid: string }[] };
    expect(sessions.length).toBeGreaterThanOrEqual(4);
    for (const { sid } of sessions) {
      const text = await readAs("carol", `/api/v1/registry/${sid.slice(-1)}/records`);
      expect(text).toContain(`"${sid}"]`);
      await expectHolds(text, "registry");
    }
  });

  it("are intact and complete for the perimeter", async () => {
    const found = await eventually(
      async () => {
        const lists = await Promise.all(
          Array.from({ length: 16 }, async (_, shard) => ({
            shard,
            list: await readAs("carol", `/api/v1/perimeter/${shard}`),
          })),
        );
        return lists.flatMap(({ shard, list }) =>
          (JSON.parse(list) as { sessions: string[] }).sessions.map((sid) => ({ shard, sid })),
        );
      },
      (some) => some.length > 0,
    );
    expect(found.length).toBeGreaterThan(0);
    for (const { shard, sid } of found)
      await expectHolds(await readAs("carol", `/api/v1/perimeter/${shard}/${sid}/records`), "perimeter");
  });

  it("can be read however large the records are that a caller makes", async () => {
    // Quotes are escaped twice on their way into a disclosure: 500 such records are over 32 MiB, more than one RPC carries.
    const headers = Object.fromEntries(["a", "b", "c", "d"].map((name) => [`x-${name}`, '"'.repeat(4000)]));
    const person = { subject: "loud", groups: [] };
    for (let sent = 0; sent < 520; sent += 20) {
      await Promise.all(
        Array.from({ length: 20 }, async () =>
          (await gateway.fetch(person, `/c/demo/small?${"x".repeat(12_000)}`, { headers })).arrayBuffer(),
        ),
      );
    }
    const sizes = [];
    const { items: sessions } = JSON.parse(await readAs("carol", "/api/v1/sessions")) as {
      items: { sid: string; owner: { subject: string } }[];
    };
    for (const { sid } of sessions.filter(({ owner }) => owner.subject === "loud")) {
      const text = await readAs("carol", `/api/v1/sessions/${sid}/records`);
      sizes.push(text.length);
      expect(await verifyExport(text)).toMatchObject({
        integrity: { kind: "intact" },
        completeness: { kind: "shown" },
        records: 521,
      });
    }
    expect(sizes).toHaveLength(1);
    expect(Math.max(...sizes)).toBeGreaterThan(32 * 1024 * 1024);
  });

  it("commit to the bodies that are asked for apart, masked as they are", async () => {
    const password = `not-${Math.random()}`;
    const lines = Array.from({ length: 3_000 }, (_, n) => JSON.stringify({ n, name: "Zoë", password, pin: n }));
    const body = `[${lines.join(",\n")}]`;
    const headers = { "content-type": "application/json" };
    const person = { subject: "sender", groups: ["engineers"] };
    await (await gateway.fetch(person, "/c/demo/large", { method: "POST", body, headers })).arrayBuffer();
    const { items } = JSON.parse(await readAs("carol", "/api/v1/sessions")) as {
      items: { sid: string; owner: { subject: string } }[];
    };
    const sid = items.find(({ owner }) => owner.subject === "sender")?.sid ?? "";
    const path = `/api/v1/sessions/${sid}`;
    const text = await readAs("carol", `${path}/records`);
    writeFileSync(join(folder, "export.ndjson"), text);
    const command = /"cmd\\":\\"([0-9a-f-]{36})/.exec(text)?.[1] ?? "";
    for (const side of ["request", "response"] as const) {
      const response = await gateway.fetch("carol", `${path}/payload/${command}/${side}`);
      const recorded = new Uint8Array(await response.arrayBuffer());
      const verifier = new PayloadVerifier(command, side);
      await verifyExport(text, { onRecord: (record) => verifier.take(record) });
      verifier.push(recorded);
      expect(verifier.verdict()).toEqual({ kind: "holds", size: recorded.length, whole: side === "response" });
      if (side === "request") expect(new TextDecoder().decode(recorded)).not.toContain(password);
      else expect(recorded.length).toBe(100_000);
      if (!hasPython) continue;
      const file = join(folder, "body");
      writeFileSync(file, recorded);
      const reader = join(root, "test/vectors/record/read_vectors.py");
      const args = [reader, "--payload", command, side, file, join(folder, "export.ndjson")];
      const read = spawnSync("python3", args, { encoding: "utf8" });
      expect([read.status, read.stderr]).toEqual([0, ""]);
    }
  });

  it("are fetched and verified by the command line", async () => {
    const env = {
      PATH: process.env.PATH ?? "",
      SALLYPORT_GATEWAY: gateway.url,
      SALLYPORT_TOKEN: await gateway.token("alice"),
    };
    const child = spawn(process.execPath, [join(root, "cli/sallyport.ts"), "show", "latest"], { env });
    let out = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (out += text));
    const code = await new Promise((resolve) => child.on("close", resolve));
    expect(code).toBe(0);
    expect(out).toMatch(/intact: \d+ records, chain and tree verified/);
    expect(out).toContain("GET /large");
    expect(out).toContain("98 KiB");
  });
});
