import { spawn, spawnSync } from "node:child_process";
import { createServer, type Server } from "node:http";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { sha256 } from "@noble/hashes/sha2.js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { APPROVALS, asks, LIVE_APPROVALS } from "../support/sample_approvals.ts";
import { SAMPLE, SID, commandId, countingRandom, draft, exportOf } from "../support/sample_session.ts";
import { listen, stopServer } from "../support/loopback.ts";
import { atTerminal } from "../support/terminal.ts";

const root = fileURLToPath(new URL("../../", import.meta.url).href);
const sample = exportOf(SAMPLE, countingRandom(), sha256);
const TOKEN = "abc.def.ghi";
let folder = "";
let server: Server;
let gateway = "";

interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Asynchronous, because the server that it may call lives in this process. */
function run(args: readonly string[], env: Readonly<Record<string, string>> = {}, input = ""): Promise<Ran> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [join(root, "cli/sallyport.ts"), ...args], {
      env: { PATH: process.env.PATH ?? "", HOME: folder, ...env },
    });
    let out = "";
    let err = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (out += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (err += text));
    child.on("close", (code) => resolve({ code, out, err }));
    child.stdin.on("error", () => undefined).end(input);
  });
}

function file(text: string): string {
  const path = join(folder, `${Math.random().toString(36).slice(2)}.ndjson`);
  writeFileSync(path, text);
  return path;
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "sallyport-cli-"));
  server = createServer((request, response) => {
    const list = {
      items: [
        { sid: "01935b6e-9999-7000-8000-0123456789ab", connection: "console" },
        { sid: SID, connection: "registry\u001b[31m" },
      ].map((one) => ({
        ...one,
        owner: { issuer: "https://id", subject: "alice" },
        opened: 1,
        closed: null,
        size: null,
      })),
      next: null,
    };
    if (request.headers.authorization !== `Bearer ${TOKEN}`) response.writeHead(401).end("{}");
    else if (request.url?.startsWith("/api/v1/sessions?") === true) response.end(JSON.stringify(list));
    else if (request.url === `/api/v1/sessions/${SID}/records`) response.end(sample.text);
    else if (request.url === "/api/v1/whoami")
      response.end(
        JSON.stringify({
          principal: {
            issuer: "https://id",
            subject: "alice",
            name: "A\u202elice",
            email: null,
            groups: [],
            actors: [],
          },
          roles: ["engineer"],
          expires: 1732410000,
        }),
      );
    else response.writeHead(404).end("{}");
  });
  gateway = await listen(server);
});

afterAll(async () => {
  await stopServer(server);
  rmSync(folder, { recursive: true });
});

describe("verify-session", () => {
  it("says intact and complete with exit code 0, from a file and from standard input", async () => {
    for (const ran of [
      await run(["verify-session", file(sample.text)]),
      await run(["verify-session", "-"], {}, sample.text),
    ]) {
      expect(ran).toMatchObject({ code: 0, err: "" });
      expect(ran.out).toContain(`intact: 17 records, chain and tree verified (root ${sample.root.slice(0, 16)}…)`);
      expect(ran.out).toContain("complete: all 17 records");
      expect(ran.out).not.toContain("\x1b");
    }
  });

  it("names the first wrong record with exit code 1", async () => {
    const ran = await run(["verify-session", file(sample.text.replace("GET /slow", "GET /slaw"))]);
    expect(ran.code).toBe(1);
    expect(ran.out).toContain("ALTERED: record 10 (line 11) is the first wrong one");
    expect(ran.out).toContain("completeness not shown");
  });

  it("names approvals that are live, and reviews that are owed", async () => {
    const unsigned = LIVE_APPROVALS.map((one) => {
      const { step_up: _, ...classes } = one.classes;
      return { ...one, classes };
    });
    const live = [...unsigned, asks(13, LIVE_APPROVALS.length)];
    const ran = await run(["verify-session", file(exportOf(live, countingRandom(), sha256).text)]);
    expect(ran).toMatchObject({ code: 0, err: "" });
    expect(ran.out).toContain(`1 approval not over yet: ${commandId(13)}`);
    expect(ran.out).toContain(`1 command that broke the glass, not reviewed yet: ${commandId(8)}`);
  });

  it("names a decision that was not signed as its record says, with exit code 1, of an intact log", async () => {
    const signed = await run(["verify-session", file(exportOf(APPROVALS, countingRandom(), sha256).text)]);
    expect([signed.code, signed.out]).toEqual([0, expect.stringMatching(/^signed: 1 decision as the records say$/m)]);
    const forged = APPROVALS.map((one) =>
      one.fields.assertion === undefined ? one : { ...one, fields: { ...one.fields, assertion: `{"signature":"AA"}` } },
    );
    const path = file(exportOf(forged, countingRandom(), sha256).text);
    const ran = await run(["verify-session", path]);
    expect(ran).toMatchObject({ code: 1, err: "" });
    expect(ran.out).toMatch(/^intact: /m);
    expect(ran.out).toMatch(/^NOT SIGNED: the decision of record \d+: the assertion cannot be read$/m);
    const { out } = await run(["verify-session", path, "--json"]);
    expect(JSON.parse(out)).toMatchObject({ integrity: { kind: "intact" }, signatures: { holding: 0, wrongCount: 1 } });
  });

  it("says that completeness is not shown with exit code 4, until a head is brought", async () => {
    const path = file(`${sample.lines.slice(0, -1).join("\n")}\n`);
    expect(await run(["verify-session", path])).toMatchObject({ code: 4 });
    expect(await run(["verify-session", path, "--head", `17:${sample.root}`])).toMatchObject({ code: 0 });
    expect(await run(["verify-session", path, "--head", `17:${"0".repeat(64)}`])).toMatchObject({ code: 1 });
  });

  it("gives one JSON value on request", async () => {
    const ran = await run(["verify-session", file(sample.text), "--json"]);
    expect(JSON.parse(ran.out)).toMatchObject({
      integrity: { kind: "intact" },
      completeness: { kind: "shown" },
      records: 17,
    });
  });

  it("reads a session or the latest one from a gateway with the token of the environment or of a file", async () => {
    const env = { SALLYPORT_GATEWAY: gateway, SALLYPORT_TOKEN: TOKEN };
    expect(await run(["verify-session", SID], env)).toMatchObject({ code: 0 });
    expect((await run(["verify-session", "latest"], env)).out).toContain("intact: 17 records");
    expect(
      await run(["verify-session", "latest", "--gateway", gateway, "--token-file", file(`${TOKEN}\n`)]),
    ).toMatchObject({ code: 0 });
  });

  it("says what to do when it cannot read", async () => {
    const env = { SALLYPORT_GATEWAY: gateway, SALLYPORT_TOKEN: TOKEN };
    const cases: [string[], Record<string, string>, number, string][] = [
      [["verify-session"], {}, 2, 'needs a file, "-"'],
      [["verify-session", "missing.ndjson"], {}, 2, "there is no file missing.ndjson"],
      [["verify-session", SID], {}, 2, "SALLYPORT_GATEWAY"],
      [["verify-session", SID], { SALLYPORT_GATEWAY: gateway }, 5, "SALLYPORT_TOKEN"],
      [
        ["verify-session", SID],
        { SALLYPORT_GATEWAY: "http://gateway.example", SALLYPORT_TOKEN: TOKEN },
        2,
        "Use https",
      ],
      [["verify-session", SID], { ...env, SALLYPORT_TOKEN: "wrong" }, 5, "Get a new one"],
      [["verify-session", SID.replace("0123", "0124")], env, 3, "no such session"],
      [["verify-session", SID], { ...env, SALLYPORT_GATEWAY: "http://127.0.0.1:9" }, 3, "cannot be reached"],
      [["verify-session", "x", "--head", "1"], {}, 2, "--head takes"],
      [["nonsense"], {}, 2, "no command nonsense"],
      [["show", "--token", TOKEN], {}, 2, "--token"],
      [[], {}, 2, "Usage"],
    ];
    for (const [args, given, code, text] of cases) {
      const ran = await run(args, given);
      expect([args, ran.code, ran.err.includes(text), ran.out]).toEqual([args, code, true, ""]);
      expect(ran.err).not.toContain(TOKEN);
    }
  });
});

describe("what is printed", () => {
  it("says who waited for what, who decided, and what went on by it", async () => {
    const { out } = await run(["show", file(exportOf(APPROVALS, countingRandom(), sha256).text)]);
    for (const line of [
      /approval\.requested +\S+ +PUT \/left-pad +waits by publish/,
      /approval\.decided +\S+ +PUT \/left-pad +approve by carol@example\.org: approved/,
      /approval\.decided +\S+ +PUT \/left-pad +deny by bob@example\.org: denied/,
      /approval\.expired +\S+ +PUT \/left-pad +unanswered/,
      new RegExp(`command\\.requested .* grant ${commandId(2)}`),
      new RegExp(`command\\.requested .* approval ${commandId(1)}`),
      /approval\.decided .* review by bob@example\.org/,
    ])
      expect(out).toMatch(line);
  });

  it("shows each record on one line, and no control, escape or direction change from it", async () => {
    const target = "GET /\u001b[2J\u001b]0;owned\u0007\r\n\u202egnp.\u200b\u0085\u2028";
    const text = exportOf(
      [
        draft("session.opened", null, { protocol: "http" }),
        draft("command.denied", 1, { reason: "no_rule", status: 403 }, { target }),
      ],
      countingRandom(),
      sha256,
    ).text;
    const ran = await run(["show", file(text)]);
    expect(ran.code).toBe(0);
    expect(ran.out).toContain("GET /\\u{1b}[2J");
    expect(ran.out.replaceAll("\n", "")).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
    expect(ran.out.split("\n").filter((line) => line.includes("command.denied"))).toHaveLength(1);
  });

  it("escapes what a gateway says, too", async () => {
    const env = { SALLYPORT_GATEWAY: gateway, SALLYPORT_TOKEN: TOKEN };
    expect((await run(["sessions"], env)).out).toContain("registry\\u{1b}[31m");
    expect((await run(["whoami"], env)).out).toContain("A\\u{202e}lice");
  });

  it("is coloured only where colour is wanted", async () => {
    const path = file(sample.text);
    expect((await run(["verify-session", path], { FORCE_COLOR: "1" })).out).toContain("\x1b[32m");
    expect((await run(["verify-session", path], { FORCE_COLOR: "1", NO_COLOR: "1" })).out).not.toContain("\x1b");
    expect((await run(["verify-session", path, "--no-color"], { FORCE_COLOR: "1" })).out).not.toContain("\x1b");
  });

  it("tells a person at a terminal how far it is, and nobody else", async () => {
    const many = Array.from({ length: 2500 }, () => draft("gap", null, { reason: "outcome_not_recorded" }));
    const path = file(exportOf([...SAMPLE.slice(0, 1), ...many], countingRandom(), sha256).text);
    const program = [process.execPath, join(root, "cli/sallyport.ts"), "verify-session", path];
    const { screen } = await atTerminal(program, [], { folder, env: { TERM: "xterm" } });
    expect(screen).toContain("2000 records …");
    const piped = await run(["verify-session", path]);
    expect(piped.out + piped.err).not.toContain("records …");
  });

  it("ends quietly when the reader has seen enough", () => {
    const ran = spawnSync(
      "sh",
      ["-c", `"${process.execPath}" "${join(root, "cli/sallyport.ts")}" show "${file(sample.text)}" | head -n 1`],
      { encoding: "utf8" },
    );
    expect([ran.stderr, ran.stdout.split("\n").length]).toEqual(["", 2]);
  });

  it("has help and a version", async () => {
    expect((await run(["help"])).out).toContain("Exit codes");
    expect((await run(["--version"])).out).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});
