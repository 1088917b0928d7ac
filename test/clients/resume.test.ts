// Clients that go on where a transfer broke off (RFC 9110 §14): curl -C - and wget -c, against a server
// that breaks off. What they have at the end is the file, directly as through the gateway.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { commandsOf } from "../support/commands.ts";
import { sha256 } from "../support/echo_upstream.ts";
import { eventually, startGateway, testPolicy, type TestGateway } from "../support/gateway.ts";
import { listen, stopServer } from "../support/loopback.ts";
import { noise } from "../support/npm.ts";
import { type Ran, runProgram } from "../support/program.ts";

const FILE = Buffer.from(noise(4 * 1024 * 1024));
const ETAG = '"one"';
/** The first answers to each path end here. */
const BREAKS_AT = 1_500_000;

let folder: string;
let server: Server;
let gateway: TestGateway;
let direct: string;
/** What was asked with which range, by path. */
let asked: string[];
const broken = new Map<string, number>();

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "sallyport-resume-"));
  server = createServer((request, response) => {
    const { url = "", headers } = request;
    asked.push(`${url} ${headers.range ?? "whole"}`);
    const isCurrent = headers["if-range"] === undefined || headers["if-range"] === ETAG;
    const from = isCurrent ? Number(/^bytes=(\d+)-$/.exec(headers.range ?? "")?.[1] ?? 0) : 0;
    if (from >= FILE.length) {
      response.writeHead(416, { "content-range": `bytes */${FILE.length}` }).end();
      return;
    }
    const body = FILE.subarray(from);
    response.writeHead(from === 0 ? 200 : 206, {
      "content-length": body.length,
      "accept-ranges": "bytes",
      etag: ETAG,
      ...(from === 0 ? {} : { "content-range": `bytes ${from}-${FILE.length - 1}/${FILE.length}` }),
    });
    const breaks = broken.get(url) ?? 0;
    if (breaks === 0) response.end(body);
    else {
      broken.set(url, breaks - 1);
      response.write(body.subarray(0, BREAKS_AT), () => response.destroy());
    }
  });
  direct = await listen(server);
  gateway = await startGateway({ policy: testPolicy({ files: direct }) });
});
afterAll(async () => {
  await gateway?.stop();
  if (server !== undefined) await stopServer(server);
  if (folder !== undefined) rmSync(folder, { recursive: true });
});
beforeEach(() => {
  asked = [];
});

interface Side {
  readonly name: string;
  readonly url: string;
  readonly header: readonly string[];
}

async function sides(): Promise<Side[]> {
  const header = ["--header", `Authorization: Bearer ${await gateway.token("alice")}`];
  return [
    { name: "direct", url: direct, header: [] },
    { name: "through", url: `${gateway.url}/c/files`, header },
  ];
}

function have(name: string): string {
  return sha256(readFileSync(join(folder, name)));
}

function curl(side: Side, path: string, file: string): Promise<Ran> {
  return runProgram("curl", ["-sS", "-f", "-C", "-", "-o", file, ...side.header, side.url + path], { folder });
}

function wget(side: Side, path: string, file: string): Promise<Ran> {
  const args = ["--no-config", "-q", "-c", "--tries=5", "--waitretry=0", "-O", file];
  return runProgram("wget", [...args, ...side.header, side.url + path], { folder });
}

describe("a transfer that broke off", () => {
  test("is gone on with by curl from where it was, and what broke off is recorded as such", async () => {
    for (const side of await sides()) {
      const path = `/curl-${side.name}`;
      const file = `curl ${side.name}`;
      broken.set(path, 2);
      // 18: fewer bytes than were stated.
      expect((await curl(side, path, file)).code).toBe(18);
      const kept = readFileSync(join(folder, file)).length;
      expect(kept).toBeGreaterThan(0);
      expect((await curl(side, path, file)).code).toBe(18);
      expect((await curl(side, path, file)).code).toBe(0);
      expect(have(file)).toBe(sha256(FILE));
      const [first, second, third] = asked.filter((one) => one.startsWith(`${path} `));
      expect([first, second]).toEqual([`${path} whole`, `${path} bytes=${kept}-`]);
      expect(third).toMatch(/ bytes=\d+-$/);
    }
    const ended = await eventually(
      async () => commandsOf(await gateway.records("alice", "files")),
      (commands) => commands.every(({ outcome }) => outcome !== null),
    );
    expect(ended.map(({ outcome }) => `${outcome?.kind ?? ""} ${String(outcome?.classes.status)}`)).toEqual([
      "command.failed 200",
      "command.failed 206",
      "command.completed 206",
    ]);
  });

  test("is gone on with by wget of its own accord", async () => {
    for (const side of await sides()) {
      const path = `/wget-${side.name}`;
      const file = `wget ${side.name}`;
      broken.set(path, 2);
      expect(await wget(side, path, file)).toMatchObject({ code: 0, stderr: "" });
      expect(have(file)).toBe(sha256(FILE));
      expect(asked.filter((one) => one.startsWith(`${path} `))).toHaveLength(3);
    }
  });

  test("that is complete already gets 416, which wget and curl take for the end", async () => {
    for (const side of await sides()) {
      writeFileSync(join(folder, `whole ${side.name}`), FILE);
      expect((await wget(side, "/whole", `whole ${side.name}`)).code).toBe(0);
      const { code, stdout } = await runProgram(
        "curl",
        ["-sS", "-C", "-", "-o", `whole ${side.name}`, "-w", "%{http_code}", ...side.header, `${side.url}/whole`],
        { folder },
      );
      // 33 in older ones: the server takes no ranges.
      expect([0, 33]).toContain(code);
      expect(stdout.toString()).toBe("416");
      expect(have(`whole ${side.name}`)).toBe(sha256(FILE));
    }
  });

  test.each([
    [ETAG, 206],
    ['"another"', 200],
  ])("is held together by If-Range: %s", async (etag, status) => {
    const answers = [];
    for (const side of await sides()) {
      const { stdout } = await runProgram(
        "curl",
        [
          ...["-sS", "-o", `range ${side.name}`, "-w", "%{http_code}", "-H", `If-Range: ${etag}`],
          ...["-H", "Range: bytes=4000000-", ...side.header, `${side.url}/range`],
        ],
        { folder },
      );
      answers.push(`${stdout.toString()} ${have(`range ${side.name}`)}`);
    }
    const body = status === 206 ? FILE.subarray(4_000_000) : FILE;
    expect(answers).toEqual([`${status} ${sha256(body)}`, `${status} ${sha256(body)}`]);
  });
});
