// A server that answers as a gateway would not: every command ends, says so with its code, moves no
// terminal, and sends the token nowhere else.

import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sha256 } from "@noble/hashes/sha2.js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type CliRan, runCli } from "../support/cli.ts";
import { listen, stopServer } from "../support/loopback.ts";
import { atTerminal } from "../support/terminal.ts";
import { countingRandom, exportOf, SAMPLE, SID as SAMPLE_SID } from "../support/sample_session.ts";

const SID = "01935b6e-9999-7000-8000-0123456789ab";
const EVIL = "\u001b[2J\u001b]0;owned\u0007\u202egnp\u200b\u0085\u2028\u009b31m\r\nfake";
/** One of each way in which an answer is read. */
const READS: readonly string[][] = [
  ["whoami"],
  ["sessions"],
  ["show", SID],
  ["tail", SID],
  ["kill", SID, "--reason", "x"],
];
let folder = "";
let server: Server;
let other: Server;
let answer: (response: ServerResponse, path: string) => void = () => undefined;
const heard: string[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "sallyport-server-"));
  server = createServer((request, response) => {
    response.on("error", () => undefined);
    request.resume();
    answer(response, request.url ?? "");
  });
  other = createServer((request, response) => {
    heard.push(request.url ?? "");
    response.end("{}");
  });
  for (const one of [server, other]) await listen(one);
});
afterAll(async () => {
  await stopServer(server);
  await stopServer(other);
  rmSync(folder, { recursive: true });
});

const urlOf = (one: Server): string => `http://127.0.0.1:${(one.address() as AddressInfo).port}`;
const isPlain = ({ out, err }: CliRan): boolean =>
  !/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test((out + err).replaceAll("\n", ""));
const run = (args: readonly string[]): Promise<CliRan> =>
  runCli(args, { home: folder, env: { SALLYPORT_GATEWAY: urlOf(server), SALLYPORT_TOKEN: "secret.token" } });

describe("an answer", () => {
  test.each<[string, typeof answer]>([
    ["of no JSON", (response) => response.end(`<html>${EVIL}`)],
    ["of another shape", (response) => response.end(JSON.stringify({ items: [{ sid: EVIL }], size: -1, next: 5 }))],
    ["of 10 MB and more", (response) => response.end(`{"items":[],"next":null,"x":"${"a".repeat(10_000_000)}"}`)],
    [
      "that breaks off",
      (response) => (response.writeHead(200, { "content-length": "1000" }).write("{"), response.destroy()),
    ],
    ["that is empty", (response) => response.end()],
    ["that is a redirect elsewhere", (response) => response.writeHead(307, { location: urlOf(other) }).end()],
    ["that is deeply nested", (response) => response.end("[".repeat(200_000))],
    ["of 500 with a page", (response) => response.writeHead(500, { "content-type": "text/html" }).end(EVIL)],
  ])("%s is not believed", async (_, given) => {
    answer = given;
    const all = await Promise.all(READS.map(async (args) => ({ args, ran: await run(args) })));
    for (const { args, ran } of all) {
      // An export of no record is read, and found to be none.
      const codes = args[0] === "show" || args[0] === "tail" ? [1, 3, 4] : [3];
      expect([args, codes.includes(ran.code ?? -1), isPlain(ran), (ran.out + ran.err).includes("secret")]).toEqual([
        args,
        true,
        true,
        false,
      ]);
    }
    expect(heard).toEqual([]);
  });

  test.each([
    [400, 2],
    [401, 5],
    [403, 5],
    [404, 3],
    [409, 6],
    [412, 6],
    [421, 3],
    [429, 3],
    [503, 3],
  ])(
    "of %i ends with code %i, and says what the problem document says without moving the terminal",
    async (status, code) => {
      answer = (response) =>
        response
          .writeHead(status, { "content-type": "application/problem+json", "retry-after": "7" })
          .end(
            JSON.stringify({ status: 200, title: EVIL, detail: EVIL, errors: [{ parameter: EVIL, expected: EVIL }] }),
          );
      const ran = await run(["sessions"]);
      expect([ran.code, ran.out, isPlain(ran), ran.err.split("\n").length <= 3]).toEqual([code, "", true, true]);
      if (status === 429) expect(ran.err).toContain("in 7 s");
    },
  );
});

describe("text of others", () => {
  const owner = { issuer: EVIL, subject: EVIL };
  const row = {
    id: EVIL,
    sid: EVIL,
    time: 1e300,
    ...owner,
    connection: EVIL,
    method: EVIL,
    path: EVIL,
    outcome: EVIL,
    reason: EVIL,
    rule: EVIL,
  };
  const answers: Record<string, unknown> = {
    whoami: {
      principal: { ...owner, name: EVIL, email: EVIL, groups: [EVIL], actors: [owner] },
      roles: [EVIL],
      expires: -1e300,
    },
    connections: { items: [{ name: EVIL, url: EVIL, region: EVIL, labels: [EVIL], upstream: EVIL }] },
    sessions: { items: [{ sid: EVIL, connection: EVIL, owner, opened: -1, closed: 1e300, reason: EVIL }], next: null },
    commands: { items: [row], next: null },
    health: {
      region: EVIL,
      version: EVIL,
      policy: { hash: EVIL, no: 1, age_ms: 1 },
      control: EVIL,
      history_lag: 1,
      search: EVIL,
    },
  };

  test.each(Object.keys(answers).flatMap((name) => [[name], [name, "--json"]]))(
    "in %s %s moves no terminal",
    async (...args) => {
      answer = (response) => response.end(JSON.stringify(answers[args[0] ?? ""]));
      const ran = await run(args);
      expect([ran.code, isPlain(ran), ran.out.includes("owned")]).toEqual([0, true, true]);
      if (args.includes("--json"))
        expect(JSON.stringify(JSON.parse(ran.out))).toContain(JSON.stringify(EVIL).slice(1, 20));
    },
  );

  const facts = {
    state: "recorded",
    type: EVIL,
    format: "json",
    coding: EVIL,
    bytes: 1e300,
    cut: 5,
    chunks: 1e9,
    masked: {
      count: 3,
      isCut: true,
      rules: [{ rule: EVIL, count: 3 }],
      places: [{ at: -5, put: 1e9, length: 0, rule: EVIL }],
    },
    size: 1e9,
    complete: false,
  };
  const command = (format: string): unknown => ({
    ...row,
    records: [{ leaf: EVIL, fields: [[EVIL, EVIL, EVIL]] }],
    payloads: { request: { ...facts, format }, response: { ...facts, state: "opaque" } },
  });

  test.each(["json", "text", "binary", EVIL])(
    "in a command, its records and its bodies (%j) moves no terminal",
    async (format) => {
      answer = (response, path) => {
        if (path.endsWith("/request")) response.end(`{"${EVIL}":"${EVIL}"}\n${EVIL}`);
        else if (path.includes("/sessions/")) response.writeHead(404).end();
        else response.end(JSON.stringify(command(format)));
      };
      for (const args of [
        ["show", SID],
        ["show", SID, "--all"],
      ]) {
        const ran = await run(args);
        expect([ran.code, isPlain(ran), ran.out.includes("a record that cannot be read")]).toEqual([0, true, true]);
        expect(ran.out).toContain(format === "binary" ? "|{" : "\\u{1b}[2J");
      }
      const asJson = await run(["show", SID, "--json"]);
      expect([asJson.code, isPlain(asJson)]).toEqual([0, true]);
    },
  );

  test("in a body on its way to a terminal moves it no more than its lines do", async () => {
    answer = (response, path) =>
      path.endsWith("/request") ? response.end(EVIL.repeat(3)) : response.end(JSON.stringify(command("text")));
    const program = [
      process.execPath,
      join(import.meta.dirname, "../../cli/sallyport.ts"),
      "show",
      SID,
      "--request",
      "--no-color",
    ];
    const env = { SALLYPORT_GATEWAY: urlOf(server), SALLYPORT_TOKEN: "secret.token", TERM: "xterm" };
    const { screen } = await atTerminal(program, [], { folder, env });
    expect(screen).toContain("\\u{1b}[2J");
    // What the program itself does is to take its own line of progress away.
    expect(screen.replaceAll("\r\x1b[K", "").replaceAll(/[\r\n]/g, "")).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
  });
});

test("a list whose pages never end is read as far as was asked", async () => {
  let asked = 0;
  const item = { sid: SID, connection: "x", owner: { issuer: "i", subject: "s" }, opened: 1, closed: null, size: null };
  answer = (response) => {
    asked += 1;
    response.end(JSON.stringify({ items: [item], next: "again" }));
  };
  const ran = await run(["sessions", "--limit", "5", "--json"]);
  expect([ran.code, asked, (JSON.parse(ran.out) as unknown[]).length]).toEqual([0, 5, 5]);
  asked = 0;
  answer = (response) => {
    asked += 1;
    response.end(JSON.stringify({ items: [], next: "again" }));
  };
  expect((await run(["sessions"])).code).toBe(0);
  expect(asked).toBe(50);
});

test("a list that begins with pages of nothing is read on", async () => {
  let asked = 0;
  const item = { sid: SID, connection: "x", owner: { issuer: "i", subject: "s" }, opened: 1, closed: null, size: null };
  answer = (response) => {
    asked += 1;
    response.end(JSON.stringify(asked < 4 ? { items: [], next: "on" } : { items: [item], next: null }));
  };
  const ran = await run(["sessions", "--json"]);
  expect([ran.code, (JSON.parse(ran.out) as unknown[]).length]).toEqual([0, 1]);
});

test("a record that is missing or no record ends tail with code 1", async () => {
  answer = (response, path) =>
    response.end(path.includes("/records") ? '{"leaf":"{}","fields":[]}\n' : JSON.stringify({ size: 3 }));
  expect(await run(["tail", "-f", SID])).toMatchObject({ code: 1, out: "" });
});

test("tail goes on where a connection broke, and shows each record once", async () => {
  const sample = exportOf(SAMPLE, countingRandom(), sha256);
  const asked: string[] = [];
  answer = (response, path) => {
    if (!path.includes("/records")) return response.end(JSON.stringify({ size: 0 }));
    asked.push(path);
    const from = Number(/from=(\d+)/.exec(path)?.[1]);
    const lines = sample.lines.slice(from, asked.length < 3 ? from + 2 : undefined);
    response.writeHead(200, { "content-type": "application/x-ndjson" });
    response.write(lines.map((line) => `${line}\n`).join(""), () =>
      asked.length < 3 ? response.destroy() : response.end(),
    );
  };
  const ran = await run(["tail", "-f", SAMPLE_SID]);
  expect([ran.code, ran.err.includes("the session is closed")]).toEqual([0, true]);
  expect(
    ran.out
      .trimEnd()
      .split("\n")
      .map((line) => Number(line.slice(0, 4))),
  ).toEqual([...Array(17).keys()]);
  expect(asked.map((path) => /from=\d+/.exec(path)?.[0])).toEqual(["from=0", "from=2", "from=4"]);
});
