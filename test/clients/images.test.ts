// The real skopeo against a real image registry (docker-registry): push, inspect, pull and delete by the
// names that the gateway gives images, `<host>/c/<connection>/<name>`, with the same result as directly.

import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { commandLine, commandsOf, tappedLine } from "../support/commands.ts";
import { eventually, startGateway, testPolicy, type TestGateway } from "../support/gateway.ts";
import { type ImageRegistry, startImageRegistry, writeImage } from "../support/image_registry.ts";
import { perimeterRecords } from "../support/perimeter.ts";
import { type Ran, runProgram } from "../support/program.ts";
import { startTap, type Tap } from "../support/tap.ts";

const MEBIBYTE = 1024 * 1024;

let folder: string;
let registry: ImageRegistry;
let tap: Tap;
let gateway: TestGateway;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "sallyport-skopeo-"));
  registry = await startImageRegistry();
  tap = await startTap(registry.url);
  gateway = await startGateway({ policy: testPolicy({ images: tap.url, other: "http://127.0.0.1:9" }) });
});
afterAll(async () => {
  await gateway?.stop();
  await tap?.stop();
  await registry?.stop();
  if (folder !== undefined) rmSync(folder, { recursive: true });
});

interface Side {
  /** What stands before an image's name. */
  readonly base: string;
  readonly credentials: readonly string[];
}

function direct(): Side {
  return { base: new URL(registry.url).host, credentials: [] };
}

async function through(person: string): Promise<Side> {
  const login = `${person}:${await gateway.token(person)}`;
  return { base: `${new URL(gateway.url).host}/c/images`, credentials: [login] };
}

function skopeo(...args: string[]): Promise<Ran> {
  return runProgram("skopeo", ["--insecure-policy", ...args], { folder });
}

function push({ base, credentials }: Side, layout: string, name: string): Promise<Ran> {
  const login = credentials.flatMap((one) => ["--dest-creds", one]);
  return skopeo(
    "copy",
    "--all",
    "--dest-tls-verify=false",
    ...login,
    `oci:${layout}:latest`,
    `docker://${base}/${name}`,
  );
}

function pull({ base, credentials }: Side, name: string, layout: string): Promise<Ran> {
  const login = credentials.flatMap((one) => ["--src-creds", one]);
  return skopeo(
    "copy",
    "--all",
    "--src-tls-verify=false",
    ...login,
    `docker://${base}/${name}`,
    `oci:${layout}:latest`,
  );
}

function look({ base, credentials }: Side, command: readonly string[], name: string): Promise<Ran> {
  const login = credentials.flatMap((one) => ["--creds", one]);
  return skopeo(...command, "--tls-verify=false", ...login, `docker://${base}/${name}`);
}

/** What `skopeo` says of an image, but for the registry's name in it. */
async function inspected(side: Side, name: string): Promise<unknown> {
  const { code, stdout, stderr } = await look(side, ["inspect"], name);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const { Name: full, ...rest } = JSON.parse(stdout.toString()) as { Name: string };
  expect(full).toBe(`${side.base}/${name.split(":")[0] ?? ""}`);
  return rest;
}

function blobs(layout: string): string[] {
  return readdirSync(join(folder, layout, "blobs/sha256")).sort();
}

/** The line cannot tell an empty body from none. */
function withoutEmptyDigests(line: string): string {
  return line.replaceAll(/ 0 [0-9a-f]{64}/g, " 0 -");
}

describe("an image through the gateway", () => {
  test.each([
    ["of one platform", "one", ["amd64"]],
    ["of several platforms", "several", ["amd64", "arm64"]],
  ])("%s is pushed, inspected and pulled as it is directly", async (_, name, platforms) => {
    const digest = writeImage(join(folder, name), [3 * MEBIBYTE, 100], platforms);
    const pushed = await push(await through("alice"), name, `team/${name}:1`);
    expect({ code: pushed.code, stderr: pushed.stderr }).toEqual({ code: 0, stderr: "" });
    expect(await inspected(await through("alice"), `team/${name}:1`)).toEqual(
      await inspected(direct(), `team/${name}:1`),
    );
    const stored = await fetch(`${registry.url}/v2/team/${name}/manifests/1`, {
      method: "HEAD",
      headers: { accept: "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json" },
    });
    expect(stored.headers.get("docker-content-digest")).toBe(digest);
    for (const [side, layout] of [
      [await through("alice"), `${name}-through`],
      [direct(), `${name}-direct`],
    ] as const) {
      expect((await pull(side, `team/${name}:1`, layout)).code).toBe(0);
      expect(blobs(layout)).toEqual(blobs(name));
      for (const blob of blobs(name))
        expect(readFileSync(join(folder, layout, "blobs/sha256", blob))).toEqual(
          readFileSync(join(folder, name, "blobs/sha256", blob)),
        );
    }
  });

  test("is recorded exchange by exchange, under the path that the registry was asked for", async () => {
    const commands = commandsOf(await gateway.records("alice", "images"));
    const seen = tap.exchanges.filter(({ sent }) => sent.via !== undefined);
    expect(commands.length).toBeGreaterThan(20);
    expect(commands.map(commandLine(gateway, seen)).map(withoutEmptyDigests)).toEqual(
      seen.map(tappedLine).map(withoutEmptyDigests),
    );
    expect(commands.every(({ target }) => /^[A-Z]+ \/v2\/team\//.test(target))).toBe(true);
  });

  test("is deleted, and then gone", async () => {
    writeImage(join(folder, "short"), [100], ["amd64"]);
    expect((await push(await through("alice"), "short", "short:1")).code).toBe(0);
    expect((await look(await through("alice"), ["delete"], "short:1")).code).toBe(0);
    const listed = await look(await through("alice"), ["list-tags"], "short");
    expect(JSON.parse(listed.stdout.toString())).toMatchObject({ Tags: [] });
    expect((await look(await through("alice"), ["inspect"], "short:1")).stderr).toContain("manifest unknown");
  });
});

describe("who may not", () => {
  test("a person whom no rule lets is told so, and the refusal is recorded", async () => {
    const { code, stderr } = await look(await through("mallory"), ["inspect"], "team/one:1");
    expect(code).not.toBe(0);
    expect(stderr).toMatch(/denied|403|forbidden/i);
    const records = await gateway.records("mallory", "images");
    expect(records.map(({ kind, fields }) => `${kind} ${fields.target ?? ""}`)).toContain(
      "command.denied GET /v2/team/one/manifests/1",
    );
  });

  test("a wrong token gets one Basic challenge, and the perimeter hears of it", async () => {
    const side = { ...(await through("alice")), credentials: ["alice:wrong"] };
    const { code, stderr } = await look(side, ["inspect"], "team/one:1");
    expect(code).not.toBe(0);
    expect(stderr).toMatch(/unauthorized|authentication required/i);
    const ping = await fetch(`${gateway.url}/v2/`);
    expect(ping.status).toBe(401);
    expect(ping.headers.get("www-authenticate")).toBe('Basic realm="sallyport", charset="UTF-8"');
    // Without a token is how skopeo always asks first.
    const reasons = await eventually(
      async () => new Set((await perimeterRecords(gateway)).map(({ classes }) => classes.reason)),
      (found) => found.has("token_malformed") && found.has("token_missing"),
    );
    expect([...reasons]).toEqual(expect.arrayContaining(["token_malformed", "token_missing"]));
  });
});

describe("the root of image registries", () => {
  test("says to whoever is known that it is one, as a command of theirs", async () => {
    const answer = await gateway.fetch("alice", "/v2/");
    expect(answer.status).toBe(200);
    expect(answer.headers.get("docker-distribution-api-version")).toBe("registry/2.0");
    expect(await answer.text()).toBe("{}\n");
    const records = await gateway.records("alice", "console");
    expect(records.some(({ classes, fields }) => fields.target === "GET /v2/" && classes.rule === "images-ping")).toBe(
      true,
    );
  });

  test.each([
    ["POST", "/v2/", 405],
    ["GET", "/v2", 404],
    ["GET", "/v2/team/one/manifests/1", 404],
    ["GET", "/v2/_catalog", 404],
    ["GET", "/v2/c/images/../other/x", 400],
    ["GET", "/v2/c/images/%2e%2e/%2e%2e/etc", 400],
    ["GET", "/v2/c/nothing/x", 403],
    ["GET", "/v2/c/", 404],
  ])("%s %s gets %d", async (method, path, status) => {
    const { port } = new URL(gateway.url);
    const { stdout } = await runProgram(
      "curl",
      [
        ...["-sS", "--path-as-is", "-o", "/dev/null", "-w", "%{http_code}", "-X", method],
        ...["-H", `Authorization: Bearer ${await gateway.token("alice")}`, `http://127.0.0.1:${port}${path}`],
      ],
      { folder },
    );
    expect(Number(stdout.toString())).toBe(status);
  });
});
