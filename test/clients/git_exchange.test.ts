// What the real git does beside a first clone and push: fetching what is new in every protocol version,
// compressed and chunked requests, and asking a person at a terminal.

import { randomBytes } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { commandLine, commandsOf, tappedLine } from "../support/commands.ts";
import { eventually, startGateway, type TestGateway } from "../support/gateway.ts";
import { GitMachine } from "../support/git.ts";
import { type GitServer, startGitServer } from "../support/git_http_backend.ts";
import { perimeterRecords } from "../support/perimeter.ts";
import { startTap, type Tap, type Tapped } from "../support/tap.ts";
import { atTerminal } from "../support/terminal.ts";

const HOST_CREDENTIAL = "gateway:the-git-server's-own";
const HOST_BASIC = `Basic ${Buffer.from(HOST_CREDENTIAL).toString("base64")}`;
/** With so many wants or haves git compresses its request. */
const BRANCHES: readonly string[] = Array.from({ length: 60 }, (_, at) => `topic/${at}`);

/** Engineers do everything. Auditors do, too, but for pushing, which a rule denies by name. */
function policyFor(upstream: string): unknown {
  const rule = { connections: ["git"], methods: ["*"] };
  const auditors = { roles: ["auditor"] };
  return {
    version: 1,
    roles: { engineer: { groups: ["engineers"] }, auditor: { groups: ["auditors"] } },
    connections: {
      git: { protocol: "http", region: "local", upstream, credential: { as: "basic", secret: "UPSTREAM_GIT" } },
    },
    rules: [
      { ...rule, id: "all", effect: "allow", who: { roles: ["engineer", "auditor"] }, routes: ["/**"] },
      { ...rule, id: "no-push", effect: "deny", who: auditors, routes: ["/{repository}/git-receive-pack"] },
    ],
  };
}

const machines: GitMachine[] = [];
let host: GitMachine;
let server: GitServer;
let tap: Tap;
let gateway: TestGateway;
let direct: GitMachine;
let alice: GitMachine;

beforeAll(async () => {
  host = machine([]);
  mkdirSync(join(host.folder, "repositories"));
  await host.git(["init", "-q", "-b", "main", "work"]);
  await commit("first");
  for (const name of ["source.git", "direct.git", "through.git"])
    await host.git(["init", "-q", "--bare", "-b", "main", name], "repositories");
  await host.git(["config", "uploadpack.allowFilter", "true"], "repositories/source.git");
  await publish();
  server = await startGitServer(join(host.folder, "repositories"), HOST_BASIC);
  tap = await startTap(server.url);
  gateway = await startGateway({ policy: policyFor(tap.url), secrets: { UPSTREAM_GIT: HOST_CREDENTIAL } });
  direct = machine([`http.extraHeader=Authorization: ${HOST_BASIC}`]);
  alice = machine([`http.extraHeader=Authorization: Bearer ${await gateway.token("alice")}`]);
});
afterAll(async () => {
  await gateway?.stop();
  await tap?.stop();
  await server?.stop();
  for (const one of machines) one.remove();
});

function machine(settings: readonly string[], env: Readonly<Record<string, string>> = {}): GitMachine {
  const one = new GitMachine(settings, env);
  machines.push(one);
  return one;
}

async function commit(message: string): Promise<void> {
  writeFileSync(join(host.folder, "work", "file"), randomBytes(100_000));
  await host.git(["add", "-A"], "work");
  await host.git(["commit", "-q", "-m", message], "work");
}

async function publish(): Promise<void> {
  await host.git(["push", "-q", "--mirror", "../repositories/source.git"], "work");
}

function urlOf(one: GitMachine, repository: string): string {
  return `${one === direct ? server.url : `${gateway.url}/c/git`}/${repository}`;
}

/** Does the same directly and through the gateway, and gives what was the same. */
async function both<T>(work: (one: GitMachine) => Promise<T>): Promise<T> {
  const expected = await work(direct);
  const got = await work(alice);
  expect(got).toEqual(expected);
  return got;
}

/** What the server was asked while `work` ran. */
async function during(work: () => Promise<unknown>): Promise<Tapped[]> {
  const before = tap.exchanges.length;
  await work();
  return tap.exchanges.slice(before);
}

describe("fetching", () => {
  test("what is new, by a request that git compressed", async () => {
    await both((one) => one.git(["clone", "-q", urlOf(one, "source.git"), "copy"]));
    for (const branch of BRANCHES) {
      await commit(branch);
      await host.git(["branch", branch], "work");
    }
    await publish();
    const exchanges = await during(() =>
      both(async (one) => {
        await one.git(["fetch", "-q"], "copy");
        return one.git(["for-each-ref", "--format=%(objectname) %(refname)"], "copy");
      }),
    );
    expect(exchanges.map((one) => one.sent["content-encoding"])).toContain("gzip");
    const refs = await alice.git(["for-each-ref", "refs/remotes/origin/topic"], "copy");
    expect(refs.trim().split("\n")).toHaveLength(BRANCHES.length);
    await alice.git(["fsck", "--full", "--strict"], "copy");
  });

  test.each(["0", "1", "2"])("everything, in protocol version %s", async (version) => {
    const clone = (one: GitMachine): Promise<unknown> =>
      one
        .git(["-c", `protocol.version=${version}`, "clone", "-q", "--mirror", urlOf(one, "source.git"), `v${version}`])
        .then(() => one.contents(`v${version}`));
    const exchanges = await during(async () => {
      expect(await both(clone)).toEqual(await host.contents("repositories/source.git"));
    });
    const asked = version === "0" ? undefined : `version=${version}`;
    expect(new Set(exchanges.map((one) => one.sent["git-protocol"]))).toEqual(new Set([asked]));
  });

  test("the last commit first and the others later, and files when they are needed", async () => {
    const shallow = await both(async (one) => {
      await one.git(["clone", "-q", "--depth", "1", urlOf(one, "source.git"), "shallow"]);
      const first = await one.git(["rev-list", "--count", "HEAD"], "shallow");
      await one.git(["fetch", "-q", "--unshallow"], "shallow");
      return [first, await one.git(["rev-list", "--count", "HEAD"], "shallow")].map(Number);
    });
    expect(shallow).toEqual([1, BRANCHES.length + 1]);
    const partial = await both(async (one) => {
      await one.git(["clone", "-q", "--filter=blob:none", "--no-checkout", urlOf(one, "source.git"), "partial"]);
      const missing = await one.git(["rev-list", "--objects", "--missing=print", "HEAD"], "partial");
      await one.git(["checkout", "-q", "topic/7"], "partial");
      return [missing.match(/^\?/gm)?.length, await one.git(["hash-object", "file"], "partial")];
    });
    expect(partial).toEqual([BRANCHES.length + 1, await host.git(["rev-parse", "topic/7:file"], "work")]);
  });

  test("from where there is nothing fails as it does directly", async () => {
    const said = await both(async (one) => {
      const { code, stderr } = await one.run(["clone", "-q", urlOf(one, "nowhere.git"), "nowhere"]);
      return [code, stderr.replaceAll(urlOf(one, "nowhere.git"), "<repository>")];
    });
    expect(said).toEqual([128, expect.stringContaining("not found")]);
  });
});

describe("pushing", () => {
  test("goes in chunks where it is more than git keeps, and in one piece where it is less", async () => {
    const small = await during(() =>
      both((one) => one.git(["push", "-q", urlOf(one, repositoryOf(one)), "main"], "copy")),
    );
    // With all that git fetched, which is 6 MB.
    const large = await during(() =>
      both((one) =>
        one.git(["push", "-q", urlOf(one, repositoryOf(one)), "refs/remotes/origin/topic/*:refs/heads/*"], "copy"),
      ),
    );
    const pushes = (exchanges: readonly Tapped[]): unknown[] =>
      exchanges
        .filter(({ method }) => method === "POST")
        .map(({ sent, request }) => [sent["transfer-encoding"], request.bytes > 1_000_000]);
    expect(pushes(small)).toEqual([[undefined, false]]);
    expect(pushes(large).at(-1)).toEqual(["chunked", true]);
    expect(await host.contents("repositories/through.git")).toEqual(await host.contents("repositories/direct.git"));
  });

  test("is refused by a rule, however much it is, and the rule is in the record", async () => {
    const carol = machine([`http.extraHeader=Authorization: Bearer ${await gateway.token("carol")}`]);
    await carol.git(["clone", "-q", urlOf(carol, "source.git"), "copy"]);
    const refused = async (size: number): Promise<void> => {
      writeFileSync(join(carol.folder, "copy", "mine"), randomBytes(size));
      await carol.git(["add", "-A"], "copy");
      await carol.git(["commit", "-q", "-m", "mine"], "copy");
      const { code, stderr } = await carol.run(["push", "origin", "HEAD:refs/heads/mine"], "copy");
      expect(code).not.toBe(0);
      expect(stderr).toContain("The requested URL returned error: 403");
    };
    const exchanges = await during(async () => {
      for (const size of [10, 4_000_000]) await refused(size);
    });
    expect(exchanges.map((one) => one.method)).toEqual(["GET", "GET"]);
    const denied = (await gateway.records("carol", "git")).filter((one) => one.kind === "command.denied");
    expect(denied.length).toBeGreaterThanOrEqual(2);
    for (const { fields, classes } of denied) {
      expect(fields.target).toBe("POST /source.git/git-receive-pack");
      expect(classes).toMatchObject({ reason: "rule_denies", rule: "no-push", status: 403, verb: "write" });
    }
  });
});

function repositoryOf(one: GitMachine): string {
  return one === direct ? "direct.git" : "through.git";
}

describe("a person at a terminal", () => {
  const env = { GIT_CONFIG_NOSYSTEM: "1" };

  test("is asked for a name and a password, and the token is one", async () => {
    const { folder } = machine([]);
    const url = `${gateway.url}/c/git/source.git`;
    const { code, screen } = await atTerminal(
      ["git", "clone", "-q", url, "copy"],
      [
        [/Username for '.*': $/, "alice"],
        [/Password for '.*': $/, await gateway.token("alice")],
      ],
      { folder, env },
    );
    expect(screen).toContain("Password for");
    expect(screen).not.toContain((await gateway.token("alice")).slice(-40));
    expect(code).toBe(0);
  });

  test("hears that it is no token, and the attempt stands at the perimeter", async () => {
    const { folder } = machine([]);
    const { code, screen } = await atTerminal(
      ["git", "ls-remote", `${gateway.url}/c/git/source.git`],
      [
        [/Username for '.*': $/, "alice"],
        [/Password for '.*': $/, "a password"],
      ],
      { folder, env },
    );
    expect(code).toBe(128);
    expect(screen).toContain("Authentication failed");
    const reasons = await eventually(
      async () => (await perimeterRecords(gateway)).map((one) => one.classes.reason),
      (all) => all.includes("token_malformed"),
    );
    // Git's first try comes without a credential.
    expect(reasons).toEqual(expect.arrayContaining(["token_missing", "token_malformed"]));
  });

  test("is not asked again where the token is kept", async () => {
    const kept = machine(["credential.helper=store"]);
    const at = new URL(gateway.url);
    at.username = "alice";
    at.password = await gateway.token("alice");
    writeFileSync(join(kept.folder, ".git-credentials"), `${at.href}\n`, { mode: 0o600 });
    const refs = await kept.git(["ls-remote", `${gateway.url}/c/git/source.git`, "refs/heads/main"]);
    expect(refs).toBe(await host.git(["ls-remote", "repositories/source.git", "refs/heads/main"]));
  });
});

test("each exchange is a command with the sizes and digests that the server saw", async () => {
  // Carol, who audits, reads everybody's.
  const commands = await eventually(
    async () => commandsOf(await gateway.records("carol", "git")),
    (all) => all.every((one) => one.outcome !== null),
  );
  expect(commands.map(commandLine(gateway, tap.exchanges)).sort()).toEqual(tap.exchanges.map(tappedLine).sort());
});
