// `sallyport apply` and `policy history|show|rollback|diff` against a gateway that this test plays, so
// that it can be slower, wrong or hostile. The real one is asked in policy_gateway.test.ts.

import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type CliRan, runCli } from "../support/cli.ts";
import { listen, stopServer } from "../support/loopback.ts";
import { isSafe } from "../support/safe_text.ts";
import { atTerminal } from "../support/terminal.ts";

const PROGRAM = fileURLToPath(new URL("../../cli/sallyport.ts", import.meta.url).href);
const EVIL = "\u001b[2J\u202egnp.\u2028\u009b";

function policyText(methods: readonly string[], parts: object = {}): string {
  const rule = { id: "read", effect: "allow", who: "anyone", connections: ["registry"], methods, routes: ["/**"] };
  const connections = { registry: { protocol: "http", upstream: "https://registry.example", region: "eu" } };
  return `${JSON.stringify({ version: 1, connections, rules: [rule], ...parts }, null, 2)}\n`;
}
const FIRST = policyText(["GET"]);
const SECOND = policyText(["GET", "PUT"]);
const hashOf = (text: string): string => createHash("sha256").update(text).digest("hex");

interface Version {
  readonly no: number;
  readonly hash: string;
  readonly previous: string | null;
  readonly time: number;
  readonly by: { readonly issuer: string; readonly subject: string };
  readonly command: string;
  readonly comment: string;
}

/** What the gateway keeps, newest last. */
let texts: string[] = [];
let versions: Version[] = [];
/** Run once before the next change is looked at: what somebody else does meanwhile. */
let meanwhile: () => void = () => undefined;
/** Answers in place of the gateway if it returns true. */
let instead: (request: IncomingMessage, response: ServerResponse) => boolean = () => false;
let asked: string[] = [];
let server: Server;
let folder = "";
let env: Record<string, string> = {};

function keep(text: string, subject: string, comment: string): Version {
  const previous = versions.at(-1)?.hash ?? null;
  const by = { issuer: "https://id", subject };
  const no = versions.length + 1;
  const version = { no, hash: hashOf(text), previous, time: 1_764_000_000_000 + no, by, command: "c", comment };
  texts.push(text);
  versions.push(version);
  return version;
}

const current = (): string => texts.at(-1) ?? "";

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks).toString();
  const url = new URL(request.url ?? "/", "http://gateway");
  asked.push(`${request.method} ${url.pathname}`);
  if (request.headers.authorization !== "Bearer abc.def.ghi") return void response.writeHead(401).end("{}");
  if (instead(request, response)) return;
  const json = (status: number, value: unknown): void =>
    void response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
  const change = (text: string, comment: string): void => {
    meanwhile();
    meanwhile = () => undefined;
    if (request.headers["if-match"] !== `"${hashOf(current())}"`) json(412, { title: "stale", reason: "policy_stale" });
    else json(200, { version: keep(text, "dan", comment), diff: "" });
  };
  switch (`${request.method} ${url.pathname}`) {
    case "GET /api/v1/policy":
      return void response.writeHead(200, { etag: `"${hashOf(current())}"` }).end(current());
    case "PUT /api/v1/policy":
      return change(body, url.searchParams.get("comment") ?? "");
    case "POST /api/v1/policy/rollback": {
      const { hash, comment } = JSON.parse(body) as { hash: string; comment: string };
      return change(texts.find((text) => hashOf(text) === hash) ?? "", comment);
    }
    case "POST /api/v1/policy/check":
      return json(200, { ok: true, problems: [], warnings: [], diff: "" });
    case "GET /api/v1/policies":
      return json(200, { items: versions.toReversed(), next: null });
    default: {
      const text = texts.find((one) => url.pathname === `/api/v1/policies/${hashOf(one)}`);
      return text === undefined ? json(404, { title: "gone" }) : void response.writeHead(200).end(text);
    }
  }
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "sallyport-apply-"));
  server = createServer((request, response) => void answer(request, response));
  const gateway = await listen(server);
  env = { SALLYPORT_GATEWAY: gateway, SALLYPORT_TOKEN: "abc.def.ghi" };
});
afterAll(async () => {
  await stopServer(server);
  rmSync(folder, { recursive: true });
});
beforeEach(() => {
  texts = [];
  versions = [];
  asked = [];
  meanwhile = () => undefined;
  instead = () => false;
  keep(FIRST, "carol", "the first one");
});

const run = (args: readonly string[]): Promise<CliRan> => runCli(args, { home: folder, env });

let files = 0;
function file(text: string): string {
  const path = join(folder, `${(files += 1)}.yaml`);
  writeFileSync(path, text);
  return path;
}

describe("apply", () => {
  it("shows what changes, applies what was seen, and says which version that made", async () => {
    const ran = await run(["apply", "-f", file(SECOND), "--yes", "--comment", "let them publish & more"]);
    expect(ran).toMatchObject({ code: 0, err: "" });
    expect(ran.out).toContain('\n+        "PUT"\n');
    expect(ran.out).toMatch(/\nrules\n {2}~ read\n {6}methods +\+ PUT\n/);
    expect(ran.out).toContain(`applied: version 2, ${hashOf(SECOND)}\n`);
    expect(current()).toBe(SECOND);
    expect(versions.at(-1)).toMatchObject({ comment: "let them publish & more", previous: hashOf(FIRST) });
  });

  it("asks on a terminal, and takes nothing but yes for it", async () => {
    const path = file(SECOND);
    const ask = (reply: string) =>
      atTerminal([process.execPath, PROGRAM, "apply", "-f", path], [[/\[y\/N\]/, reply]], { folder, env });
    expect(await ask("")).toMatchObject({ code: 1, screen: expect.stringContaining("Nothing was changed.") as string });
    expect(current()).toBe(FIRST);
    expect(await ask("y")).toMatchObject({ code: 0, screen: expect.stringContaining("version 2") as string });
    expect(current()).toBe(SECOND);
  });

  it("does nothing where nobody can be asked", async () => {
    const ran = await run(["apply", "-f", file(SECOND)]);
    expect(ran.code).toBe(2);
    expect(ran.err).toContain("give --yes");
    expect(current()).toBe(FIRST);
  });

  it("says who was first, and changes nothing, if somebody was", async () => {
    const theirs = policyText(["DELETE"]);
    meanwhile = () => keep(theirs, `eve${EVIL}`, EVIL);
    const ran = await run(["apply", "-f", file(SECOND), "--yes"]);
    expect(ran.code).toBe(6);
    expect(ran.err).toMatch(/ {2}version 2 by eve.* at \d{4}-/);
    expect(ran.err).toContain("not applied: 1 change meanwhile");
    expect(isSafe(ran.err)).toBe(true);
    expect(current()).toBe(theirs);
  });

  it("sends nothing that is no policy, or whose examples fail", async () => {
    const example = { name: "it", as: { subject: "eve" }, on: "registry", do: "PUT /", expect: "allow" };
    const failing = await run(["apply", "-f", file(policyText(["GET"], { examples: [example] })), "--yes"]);
    expect(failing).toMatchObject({ code: 1 });
    expect(failing.out).toMatch(/:\d+: ✗ it\n {4}expected allow, got: denied by default/);
    const broken = await run(["apply", "-f", file(policyText(["get"])), "--yes"]);
    expect(broken).toMatchObject({ code: 1 });
    expect(broken.out).toContain("[rules[0].methods[0]]");
    expect(asked).toEqual([]);
  });

  it("lets the gateway look at it and changes nothing, if that is all that is wanted", async () => {
    const ran = await run(["apply", "-f", file(SECOND), "--dry-run"]);
    expect(ran).toMatchObject({ code: 0 });
    expect(ran.out).toContain("The gateway would take it. Nothing was changed.");
    expect(asked).toContain("POST /api/v1/policy/check");
    expect(current()).toBe(FIRST);
    instead = ({ url }, response) => {
      if (url !== "/api/v1/policy/check") return false;
      const problem = {
        path: "connections.registry.upstream",
        line: 5,
        column: 7,
        expected: `not the gateway ${EVIL}`,
      };
      response.end(JSON.stringify({ ok: false, problems: [problem] }));
      return true;
    };
    const refused = await run(["apply", "-f", file(SECOND), "--dry-run"]);
    expect(refused.code).toBe(1);
    expect(refused.out).toContain(":5:7: error: expected not the gateway");
    expect(isSafe(refused.out)).toBe(true);
  });

  it("tells what the gateway finds wrong with it, line by line", async () => {
    instead = ({ method }, response) => {
      if (method !== "PUT") return false;
      const errors = [{ path: "connections.registry.region", line: 6, column: 7, expected: "another region" }];
      response.writeHead(422).end(JSON.stringify({ title: "not a policy", reason: "policy_invalid", errors }));
      return true;
    };
    const ran = await run(["apply", "-f", file(SECOND), "--yes"]);
    expect(ran.code).toBe(1);
    expect(ran.out).toMatch(/:6:7: error: expected another region \[connections\.registry\.region\]/);
    expect(current()).toBe(FIRST);
  });

  it("is content with a policy that is in force already", async () => {
    const ran = await run(["apply", "-f", file(FIRST)]);
    expect(ran).toMatchObject({ code: 0, out: `This policy is in force already: ${hashOf(FIRST)}\n` });
  });

  it("applies the first policy of a gateway that has none", async () => {
    texts = [];
    versions = [];
    expect(await run(["apply", "-f", file(FIRST), "--yes"])).toMatchObject({ code: 0 });
    expect(versions).toMatchObject([{ no: 1, previous: null }]);
  });

  it("refuses a text that is not the one its hash names", async () => {
    instead = (_, response) => {
      response.writeHead(200, { etag: `"${hashOf(SECOND)}"` }).end(FIRST);
      return true;
    };
    const ran = await run(["apply", "-f", file(SECOND), "--yes"]);
    expect(ran).toMatchObject({ code: 3, out: "" });
    expect(ran.err).toContain("is not the one that its hash names");
  });

  it("gives JSON on request, and nothing else on standard output", async () => {
    const ran = await run(["apply", "-f", file(SECOND), "--yes", "--json"]);
    expect(JSON.parse(ran.out)).toMatchObject({ applied: true, version: { no: 2, hash: hashOf(SECOND) } });
  });
});

describe("what was applied", () => {
  it("is listed, newest first, with who and why", async () => {
    keep(SECOND, `dan${EVIL}`, EVIL);
    const ran = await run(["policy", "history"]);
    expect(ran).toMatchObject({ code: 0, err: "" });
    const [second = "", first = ""] = ran.out.split("\n");
    expect(second).toMatch(new RegExp(`^●    2  \\S+ \\S+  dan.*${hashOf(SECOND)}`));
    expect(first).toMatch(new RegExp(`^○    1  \\S+ \\S+  carol  ${hashOf(FIRST)}  the first one$`));
    expect(isSafe(ran.out)).toBe(true);
    expect(JSON.parse((await run(["policy", "history", "--json"])).out)).toHaveLength(2);
  });

  it("is printed as it was applied, current and earlier", async () => {
    keep(SECOND, "dan", "");
    expect(await run(["policy", "show"])).toMatchObject({ code: 0, out: SECOND });
    expect(await run(["policy", "show", hashOf(FIRST)])).toMatchObject({ code: 0, out: FIRST });
    expect(await run(["policy", "show", hashOf("other")])).toMatchObject({ code: 3 });
    expect(await run(["policy", "show", "../policy"])).toMatchObject({ code: 2 });
  });

  it("is compared with a file", async () => {
    keep(SECOND, "dan", "");
    const path = file(FIRST);
    expect((await run(["policy", "diff", path])).out).toMatch(/^--- current\n.*\n@@[^]*\n {6}methods +- PUT\n$/);
    expect((await run(["policy", "diff", "--against", hashOf(FIRST), path])).code).toBe(0);
  });

  it("comes back by a rollback, which is shown and confirmed like any change", async () => {
    keep(SECOND, "dan", "");
    expect(await run(["policy", "rollback", hashOf(FIRST)])).toMatchObject({ code: 2 });
    const ran = await run(["policy", "rollback", hashOf(FIRST), "--yes"]);
    expect(ran).toMatchObject({ code: 0 });
    expect(ran.out).toMatch(/\n {6}methods +- PUT\n/);
    expect(ran.out).toContain(`applied: version 3, ${hashOf(FIRST)}`);
    expect(versions.at(-1)?.comment).toBe(`rollback to ${hashOf(FIRST).slice(0, 16)}`);
    expect(await run(["policy", "rollback", "1234"])).toMatchObject({ code: 2 });
  });
});
