// The real git over smart HTTP, against git's own server: what it clones and pushes through the gateway
// is what it clones and pushes directly, an object of 200 MB among it.

import { chmodSync, createWriteStream, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { pieces } from "../support/byte_server.ts";
import { commandLine, commandsOf, tappedLine } from "../support/commands.ts";
import { eventually, startGateway, type TestGateway } from "../support/gateway.ts";
import { GitMachine } from "../support/git.ts";
import { type GitServer, startGitServer } from "../support/git_http_backend.ts";
import { startTap, type Tap } from "../support/tap.ts";

const LARGE = 200_000_000;
const UPSTREAM_CREDENTIAL = "gateway:the-git-server's-own";

/** Engineers do everything; auditors may clone and fetch. */
function policyFor(upstream: string): unknown {
  const rule = (id: string, role: string, methods: string[], routes: string[]): unknown => ({
    id,
    effect: "allow",
    who: { roles: [role] },
    connections: ["git"],
    methods,
    routes,
  });
  return {
    version: 1,
    roles: { engineer: { groups: ["engineers"] }, auditor: { groups: ["auditors"] } },
    connections: {
      git: { protocol: "http", region: "local", upstream, credential: { as: "basic", secret: "UPSTREAM_GIT" } },
    },
    rules: [
      rule("engineers-all", "engineer", ["*"], ["/**"]),
      rule("auditors-look", "auditor", ["GET"], ["/*/HEAD", "/*/info/refs"]),
      rule("auditors-fetch", "auditor", ["POST"], ["/*/git-upload-pack"]),
    ],
  };
}

const machines: GitMachine[] = [];
let host: GitMachine;
let server: GitServer;
let tap: Tap;
let gateway: TestGateway;

beforeAll(async () => {
  host = new GitMachine(["core.compression=0"]);
  machines.push(host);
  mkdirSync(join(host.folder, "repositories"));
  await makeRepository();
  const basic = Buffer.from(UPSTREAM_CREDENTIAL).toString("base64");
  server = await startGitServer(join(host.folder, "repositories"), `Basic ${basic}`);
  tap = await startTap(server.url);
  gateway = await startGateway({ policy: policyFor(tap.url), secrets: { UPSTREAM_GIT: UPSTREAM_CREDENTIAL } });
}, 120_000);
afterAll(async () => {
  await gateway?.stop();
  await tap?.stop();
  await server?.stop();
  for (const machine of machines) machine.remove();
});

/** A history with branches, tags, a merge, names that need care, and one object of 200 MB that does not compress. */
async function makeRepository(): Promise<void> {
  const work = (name: string): string => join(host.folder, "work", name);
  await host.git(["init", "-q", "-b", "main", "work"]);
  writeFileSync(work("README"), "first\n");
  writeFileSync(work("é ü.txt"), "a name beyond ASCII\n");
  await commit("first");
  await pipeline(Readable.from(pieces(LARGE), { objectMode: false }), createWriteStream(work("large.bin")));
  await commit("large");
  await host.git(["tag", "-a", "v1", "-m", "annotated"], "work");
  await host.git(["checkout", "-q", "-b", "side", "HEAD~1"], "work");
  writeFileSync(work("side"), "side\n");
  await commit("side");
  await host.git(["checkout", "-q", "main"], "work");
  await host.git(["merge", "-q", "--no-edit", "side"], "work");
  // So that each push sends the large object as it is, and does not compress it again.
  await host.git(["repack", "-q", "-a", "-d"], "work");
  for (const name of ["source.git", "direct.git", "through.git"]) {
    await host.git(["init", "-q", "--bare", "-b", "main", name], "repositories");
  }
  await host.git(["push", "-q", "--mirror", "../repositories/source.git"], "work");
}

async function commit(message: string): Promise<void> {
  await host.git(["add", "-A"], "work");
  await host.git(["commit", "-q", "-m", message], "work");
}

/** At the server itself, with its own credential. */
function directMachine(): GitMachine {
  return machine([`http.extraHeader=Authorization: Basic ${Buffer.from(UPSTREAM_CREDENTIAL).toString("base64")}`]);
}

function machine(settings: readonly string[], env: Readonly<Record<string, string>> = {}): GitMachine {
  const one = new GitMachine(settings, env);
  machines.push(one);
  return one;
}

/** Waits until each exchange that the server saw is a command with its end. */
async function commands(person: string): Promise<string[]> {
  const records = await eventually(
    () => gateway.records(person, "git"),
    (all) => commandsOf(all).every((one) => one.outcome !== null),
  );
  return commandsOf(records).map(commandLine(gateway, tap.exchanges));
}

const through = (repository: string): string => `${gateway.url}/c/git/${repository}`;

describe("git", () => {
  test("clones through the gateway what it clones directly", async () => {
    const direct = directMachine();
    await direct.git(["clone", "-q", "--mirror", `${server.url}/source.git`, "copy"]);
    const alice = machine([`http.extraHeader=Authorization: Bearer ${await gateway.token("alice")}`]);
    await alice.git(["clone", "-q", "--mirror", through("source.git"), "copy"]);
    const contents = await alice.contents("copy");
    expect(contents).toEqual(await direct.contents("copy"));
    expect(contents).toEqual(await host.contents("repositories/source.git"));
    const large = await alice.git(["cat-file", "-s", "v1^{commit}:large.bin"], "copy");
    expect(Number(large)).toBe(LARGE);
  }, 180_000);

  test("pushes through the gateway what it pushes directly, and the server's hooks and refusals come back", async () => {
    const alice = machine([`http.extraHeader=Authorization: Bearer ${await gateway.token("alice")}`]);
    const direct = directMachine();
    const source = join(host.folder, "work");
    for (const [one, url] of [
      [direct, `${server.url}/direct.git`],
      [alice, through("through.git")],
    ] as const) {
      await one.git(["clone", "-q", "--shared", "--no-checkout", source, "mine"]);
      await one.git(["push", "-q", url, "main", "origin/side:refs/heads/side", "v1"], "mine");
    }
    const contents = await host.contents("repositories/through.git");
    expect(contents).toEqual(await host.contents("repositories/direct.git"));
    // A second push that is no descendant is refused, for the same reason.
    const refusals = await Promise.all(
      (
        [
          [direct, `${server.url}/direct.git`],
          [alice, through("through.git")],
        ] as const
      ).map(async ([one, url]) => {
        const { code, stderr } = await one.run(["push", url, "origin/side:refs/heads/main"], "mine");
        return { code, stderr: stderr.replaceAll(url, "<repository>") };
      }),
    );
    expect(refusals[0]?.code).toBe(1);
    expect(refusals[0]?.stderr).toContain("rejected");
    expect(refusals[1]).toEqual(refusals[0]);
    // And taking a branch away is a push like any other.
    await alice.git(["push", "-q", through("through.git"), ":side"], "mine");
    expect(await host.git(["ls-remote", "repositories/through.git", "refs/heads/side"])).toBe("");
  }, 180_000);

  test("each exchange is a command of the caller's, with the sizes and digests that the server saw", async () => {
    expect(tap.exchanges.length).toBeGreaterThan(8);
    expect(await commands("alice")).toEqual(tap.exchanges.map(tappedLine));
    const sizes = tap.exchanges.map((one) => Math.max(one.request.bytes, one.response.bytes));
    expect(sizes.filter((size) => size > LARGE).length).toBe(2);
  });

  test("the server sees its own credential with each request, and the caller's token never", async () => {
    const token = await gateway.token("alice");
    for (const { sent } of tap.exchanges) {
      expect(sent.authorization).toBe(`Basic ${Buffer.from(UPSTREAM_CREDENTIAL).toString("base64")}`);
      expect(JSON.stringify(sent)).not.toContain(token);
    }
  });
});

describe("git without a header of its own", () => {
  const later = (url: string): string[] => ["ls-remote", url, "refs/heads/main"];

  test("asks for a password when the gateway says Basic, and a token will do as one", async () => {
    const ask = join(host.folder, "ask");
    writeFileSync(ask, '#!/bin/sh\ncase "$1" in Username*) echo alice ;; *) echo "$TOKEN" ;; esac\n');
    chmodSync(ask, 0o700);
    const alice = machine([`core.askPass=${ask}`], { TOKEN: await gateway.token("alice") });
    expect(await alice.git(later(through("source.git")))).toBe(await host.git(later("repositories/source.git")));
  });

  test("takes it from a credential helper", async () => {
    const helper = '!f() { test "$1" = get && echo username=x && echo "password=$TOKEN"; }; f';
    const alice = machine([`credential.helper=${helper}`], { TOKEN: await gateway.token("alice") });
    expect(await alice.git(later(through("source.git")))).toBe(await host.git(later("repositories/source.git")));
  });

  test("is refused when it has none", async () => {
    const { code, stderr } = await machine([]).run(later(through("source.git")));
    expect(code).toBe(128);
    expect(stderr).toContain("could not read Username");
  });
});

describe("a person who may only read", () => {
  test("clones and fetches, and hears 403 on a push, which is recorded and never reaches the server", async () => {
    const carol = machine([`http.extraHeader=Authorization: Bearer ${await gateway.token("carol")}`]);
    await carol.git(["clone", "-q", "--depth", "1", "--branch", "side", through("source.git"), "copy"]);
    writeFileSync(join(carol.folder, "copy", "mine"), "mine\n");
    await carol.git(["add", "-A"], "copy");
    await carol.git(["commit", "-q", "-m", "mine"], "copy");
    const before = tap.exchanges.length;
    const { code, stderr } = await carol.run(["push", "origin", "HEAD:refs/heads/mine"], "copy");
    expect(code).toBe(1);
    expect(stderr).toContain("The requested URL returned error: 403");
    expect(tap.exchanges.slice(before).filter((one) => one.method !== "GET")).toEqual([]);
    expect(await host.git(["ls-remote", "repositories/source.git", "refs/heads/mine"])).toBe("");
    const denied = (await gateway.records("carol", "git")).filter((one) => one.kind === "command.denied");
    expect(denied.map((one) => [one.fields.target, one.classes.reason])).toEqual([
      ["POST /source.git/git-receive-pack", "no_rule"],
    ]);
  });
});
