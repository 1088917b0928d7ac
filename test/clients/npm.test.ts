// The real npm against a real registry (Verdaccio), by the demonstration's rules: what it does through
// the gateway is what it does directly, and the registry never learns who called with what.

import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { demoPolicy } from "../../local/demo.ts";
import { startRegistry, type Tool } from "../../local/tools.ts";
import { commandLine, commandsOf, tappedLine } from "../support/commands.ts";
import { eventually, freePort, startGateway, type TestGateway } from "../support/gateway.ts";
import { noise, NpmMachine, tree } from "../support/npm.ts";
import { perimeterRecords } from "../support/perimeter.ts";
import { startTap, type Tap } from "../support/tap.ts";
import { recordedCommand } from "../support/recorded_payload.ts";

/** The registry's one user, which is the gateway's. */
const PASSWORD = "the-registry's-own-password";
const CREDENTIAL = Buffer.from(`gateway:${PASSWORD}`).toString("base64");
const MEBIBYTE = 1024 * 1024;

let state: string;
const registries: Tool[] = [];
let tap: Tap;
let gateway: TestGateway;
/** The same person's machine at the registry itself, and at one behind the gateway. */
let direct: NpmMachine;
let through: NpmMachine;

beforeAll(async () => {
  state = mkdtempSync(join(tmpdir(), "sallyport registries "));
  const [plain, behind, port] = [await freePort(), await freePort(), await freePort()];
  const directUrl = `http://127.0.0.1:${plain}/`;
  const gatewayUrl = `http://127.0.0.1:${port}/c/registry/`;
  // Two, because a registry writes its own address into what it answers.
  registries.push(
    ...(await Promise.all([
      startRegistry({
        port: plain,
        state: join(state, "plain"),
        logs: state,
        password: PASSWORD,
        publicUrl: directUrl,
      }),
      startRegistry({
        port: behind,
        state: join(state, "behind"),
        logs: state,
        password: PASSWORD,
        publicUrl: gatewayUrl,
      }),
    ])),
  );
  tap = await startTap(`http://127.0.0.1:${behind}`);
  const ports = {
    gateway: port,
    provider: 1,
    everything: 1,
    registry: Number(new URL(tap.url).port),
    packages: 1,
    sink: 1,
  };
  gateway = await startGateway({
    port,
    policy: withoutApprovals(demoPolicy(ports)),
    secrets: { UPSTREAM_REGISTRY: `gateway:${PASSWORD}` },
  });
  direct = new NpmMachine({ url: directUrl, credential: ["_auth", CREDENTIAL] });
  through = new NpmMachine({ url: gatewayUrl, credential: ["_authToken", await gateway.token("bob")] });
});
afterAll(async () => {
  await gateway?.stop();
  await tap?.stop();
  for (const one of registries) await one.stop();
  for (const one of [direct, through]) one?.remove();
  if (state !== undefined) rmSync(state, { recursive: true });
});

/** The demonstration's policy, but that nobody has to approve anything: there is nobody to ask yet. */
function withoutApprovals(text: string): unknown {
  const { examples: _, ...policy } = parse(text) as { rules: { effect: string }[]; examples: unknown };
  const rules = policy.rules.filter(({ effect }) => effect !== "needs-approval");
  expect(rules.length).toBe(policy.rules.length - 2);
  return { ...policy, rules };
}

/** Does the same on both machines, and gives what was the same. */
async function both<T>(work: (machine: NpmMachine) => Promise<T>): Promise<T> {
  const expected = await work(direct);
  const got = await work(through);
  expect(got).toEqual(expected);
  return got;
}

function manifest(name: string, version: string, more: Readonly<Record<string, unknown>> = {}): string {
  return JSON.stringify({ name, version, description: "for a test", license: "MIT", main: "index.js", ...more });
}

const plain = (machine: NpmMachine, version: string): string =>
  machine.write(`plain-${version}`, {
    "package.json": manifest("sally-plain", version),
    "index.js": `module.exports = "plain ${version}";\n`,
    "large.bin": version === "1.0.0" ? noise(4 * MEBIBYTE) : "",
  });

const scoped = (machine: NpmMachine): string =>
  machine.write("scoped", {
    "package.json": manifest("@team/name", "1.0.0", { dependencies: { "sally-plain": "1.0.0" } }),
    "index.js": 'module.exports = require("sally-plain");\n',
  });

/** Targets that reached the registry behind the gateway, methods included. */
const asked = (): string[] => tap.exchanges.map((one) => `${one.method} ${one.url}`);

interface Published {
  readonly id: string;
  readonly size: number;
}

/** Newer npms say it below the package's name. */
function published(said: unknown): Published {
  const [first] = Object.values(said as object) as unknown[];
  return (typeof first === "object" ? first : said) as Published;
}

describe("npm", () => {
  test("knows who it is at the registry, and that this is there", async () => {
    expect(await both((machine) => machine.json(["whoami"]))).toBe("gateway");
    await both((machine) => machine.json(["ping"]).then((pong) => Object.keys(pong as object).sort()));
  });

  test("publishes a package of several megabytes and a scoped one", async () => {
    const large = published(await both((machine) => machine.json(["publish"], plain(machine, "1.0.0"))));
    expect(large).toMatchObject({ id: "sally-plain@1.0.0" });
    expect(large.size).toBeGreaterThan(4 * MEBIBYTE);
    const small = published(await both((machine) => machine.json(["publish"], scoped(machine))));
    expect(small.id).toBe("@team/name@1.0.0");
    // The slash of a scope is part of a name, and no separator.
    expect(asked()).toContain("PUT /sally-plain");
    expect(asked()).toContain("PUT /@team%2fname");
  });

  test("is refused the same version a second time, for the same reason", async () => {
    await both((machine) => machine.failure(["publish"], plain(machine, "1.0.0")));
    // Without npm's own look at what there is, the registry's refusal is what it hears.
    expect(await both((machine) => machine.failure(["publish", "--force"], plain(machine, "1.0.0")))).toBe("E409");
  });

  test("views packages, and gets the same sums", async () => {
    const view = (await both((machine) => machine.json(["view", "sally-plain"]))) as Record<string, unknown>;
    expect(view).toMatchObject({ name: "sally-plain", version: "1.0.0" });
    expect(JSON.stringify(view)).toContain("<registry>/sally-plain/-/sally-plain-1.0.0.tgz");
    await both((machine) => machine.json(["view", "@team/name"]));
    expect(await both((machine) => machine.failure(["view", "sally-nowhere"]))).toBe("E404");
  });

  test("installs both, the one because of the other, byte for byte the same", async () => {
    const before = tap.exchanges.length;
    const trees = await both(async (machine) => {
      // What npm has published it also has in its cache.
      machine.forget();
      const project = machine.write("project", { "package.json": JSON.stringify({ name: "project", private: true }) });
      await machine.json(["install", "@team/name"], project);
      return { files: tree(join(project, "node_modules")), lock: machine.read("project/package-lock.json") };
    });
    expect(trees.files.map((line) => line.split(" ")[0])).toEqual(
      expect.arrayContaining(["@team/name/index.js", "sally-plain/large.bin"]),
    );
    expect(
      readFileSync(join(through.folder, "project/node_modules/sally-plain/large.bin")).equals(noise(4 * MEBIBYTE)),
    ).toBe(true);
    // Where the metadata says tarballs are is where the gateway is.
    const targets = tap.exchanges.slice(before).map((one) => `${one.method} ${one.url}`);
    expect(targets).toEqual(
      expect.arrayContaining([
        "GET /@team%2fname",
        "GET /sally-plain",
        "GET /@team/name/-/name-1.0.0.tgz",
        "GET /sally-plain/-/sally-plain-1.0.0.tgz",
      ]),
    );
    expect(JSON.stringify(trees.lock)).toContain("<registry>/@team/name/-/name-1.0.0.tgz");
  });

  test("installs from a lock file with an empty cache, and checks the sums", async () => {
    const again = await both(async (machine) => {
      machine.forget();
      await machine.json(["ci"], join(machine.folder, "project"));
      return tree(join(machine.folder, "project/node_modules"));
    });
    expect(again.length).toBeGreaterThan(4);
  });

  test("tags, deprecates, and takes a version back", async () => {
    await both((machine) => machine.json(["publish"], plain(machine, "1.1.0")));
    const tags = await both(async (machine) => {
      const added = await machine.run(["dist-tag", "add", "sally-plain@1.0.0", "stable"]);
      const scopedTag = await machine.run(["dist-tag", "add", "@team/name@1.0.0", "stable"]);
      const listed = await machine.run(["dist-tag", "ls", "sally-plain"]);
      const removed = await machine.run(["dist-tag", "rm", "@team/name", "stable"]);
      return [added, scopedTag, listed, removed].map(({ code, stdout }) => `${code} ${stdout.trim()}`);
    });
    expect(tags[2]).toBe("0 latest: 1.1.0\nstable: 1.0.0");
    expect(asked()).toContain("PUT /-/package/@team%2fname/dist-tags/stable");
    expect(asked()).toContain("DELETE /-/package/@team%2fname/dist-tags/stable");
    const deprecated = await both(async (machine) => {
      await machine.json(["deprecate", "sally-plain@1.0.0", "use 1.1"]).catch((error: unknown) => String(error));
      return machine.json(["view", "sally-plain@1.0.0", "deprecated"]);
    });
    expect(deprecated).toBe("use 1.1");
    const left = await both(async (machine) => {
      const { code } = await machine.run(["unpublish", "sally-plain@1.1.0"]);
      return { code, versions: await machine.json(["view", "sally-plain", "versions"]) };
    });
    expect(left).toMatchObject({ code: 0, versions: ["1.0.0"] });
  });

  test("searches and audits, and fails alike where the registry has nothing to say", async () => {
    const found = await both((machine) => machine.json(["search", "sally"]));
    expect(JSON.stringify(found)).toContain("sally-plain");
    const audit = await both(async (machine) => {
      const { code, stdout } = await machine.run(["audit", "--json"], join(machine.folder, "project"));
      const { statusCode } = JSON.parse(stdout) as { statusCode?: number };
      return { code, statusCode };
    });
    expect(audit).toEqual({ code: 1, statusCode: 404 });
    expect(asked().some((one) => one.startsWith("POST /-/npm/v1/security/"))).toBe(true);
  });
});

describe("behind npm's back", () => {
  test("the registry sees its own credential with each request and the caller's token never", async () => {
    const token = await gateway.token("bob");
    expect(tap.exchanges.length).toBeGreaterThan(20);
    for (const { sent, url } of tap.exchanges) {
      expect(sent.authorization).toBe(`Basic ${CREDENTIAL}`);
      expect(`${url} ${JSON.stringify(sent)}`).not.toContain(token.slice(-40));
    }
    const logs = readFileSync(registries[1]?.log ?? "", "utf8");
    expect(logs).toContain("@team");
    expect(logs).not.toContain(token.slice(-40));
  });

  test("a package that was published stands in the record masked and complete: its tarball is there, its token is not", async () => {
    const token = await gateway.token("bob");
    const command = await recordedCommand(gateway, "bob", "registry", "PUT /sally-plain", 0);
    const seen = tap.exchanges.find(({ method, url }) => method === "PUT" && url === "/sally-plain");
    expect(command.outcome.classes).toMatchObject({ req_bytes: seen?.request.bytes, status: 201 });
    const text = (await command.payload("request")).toString();
    const document = JSON.parse(text) as {
      versions: Record<string, { dist: { integrity: string } }>;
      _attachments: Record<string, { data: string; length: number }>;
    };
    // oxlint-disable-next-line no-underscore-dangle -- npm's own name
    const [attachment] = Object.values(document._attachments);
    const tarball = Buffer.from(attachment?.data ?? "", "base64");
    expect(tarball.length).toBe(attachment?.length);
    const sum = `sha512-${createHash("sha512").update(tarball).digest("base64")}`;
    expect(document.versions["1.0.0"]?.dist.integrity).toBe(sum);
    for (const { fields } of command.records) {
      expect(JSON.stringify(fields)).not.toContain(token.slice(-40));
      expect(JSON.stringify(fields)).not.toContain(CREDENTIAL);
    }
    expect(text).not.toContain(token.slice(-40));
  });

  test("each request is a command of the caller's, with the sizes and digests that the registry saw", async () => {
    const commands = await eventually(
      async () => commandsOf(await gateway.records("bob", "registry")),
      (all) => all.every((one) => one.outcome !== null),
    );
    expect(commands.map(commandLine(gateway, tap.exchanges)).sort()).toEqual(tap.exchanges.map(tappedLine).sort());
    const large = commands.filter((one) => Number(one.outcome?.classes.req_bytes) > 4 * MEBIBYTE);
    expect(large.map((one) => one.target)).toContain("PUT /sally-plain");
  });
});

describe("a person without the right", () => {
  let machine: NpmMachine;
  afterEach(() => machine.remove());

  async function machineOf(token: string): Promise<NpmMachine> {
    machine = new NpmMachine({ url: `${gateway.url}/c/registry/`, credential: ["_authToken", token] });
    return machine;
  }

  test("to publish hears E403 and why, small package or large, and leaves a record and no trace at the registry", async () => {
    const alice = await machineOf(await gateway.token("alice"));
    const before = tap.exchanges.length;
    expect(await alice.json(["view", "sally-plain", "version"])).toBe("1.0.0");
    for (const version of ["2.0.0", "1.0.0"]) {
      const folder = plain(alice, version);
      expect(await alice.failure(["publish", "--force"], folder)).toBe("E403");
    }
    const { stderr } = await alice.run(["dist-tag", "add", "sally-plain@1.0.0", "mine"]);
    expect(stderr).toContain("403 Forbidden");
    expect(tap.exchanges.slice(before).filter((one) => one.method !== "GET")).toEqual([]);
    const denied = (await gateway.records("alice", "registry")).filter((one) => one.kind === "command.denied");
    expect(denied.map((one) => one.fields.target)).toEqual([
      "PUT /sally-plain",
      "PUT /sally-plain",
      "PUT /-/package/sally-plain/dist-tags/mine",
    ]);
    for (const { classes } of denied)
      expect(classes).toMatchObject({ effect: "deny", reason: "no_rule", status: 403, verb: "write" });
  });

  test("to anything at all hears E403 as well", async () => {
    const stranger = await machineOf(await gateway.token("mallory"));
    expect(await stranger.failure(["view", "sally-plain"])).toBe("E403");
    expect(await stranger.failure(["install", "sally-plain"])).toBe("E403");
  });

  test("with a token that is none hears E401, and is recorded at the perimeter", async () => {
    const nobody = await machineOf("no-token");
    expect(await nobody.failure(["view", "sally-plain"])).toBe("E401");
    const seen = await eventually(
      async () => (await perimeterRecords(gateway)).filter((one) => one.fields.target === "GET /sally-plain"),
      (some) => some.length > 0,
    );
    expect(seen[0]?.classes).toMatchObject({ reason: "token_malformed", status: 401 });
  });
});
