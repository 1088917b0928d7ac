// Real WebDAV clients (the npm package `webdav`, and rclone) against a real server (rclone): the same steps
// directly and through the gateway, with the same answers and the same files at the end.
//
// A WebDAV server names its resources by their paths in what it answers, so it has to know the path that
// its clients use: both servers here are told that it is /c/files.

import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AuthType, createClient, type FileStat, type WebDAVClient, type WebDAVClientError } from "webdav";
import { commandsOf } from "../support/commands.ts";
import { eventually, freePort, startGateway, testPolicy, type TestGateway } from "../support/gateway.ts";
import { noise } from "../support/npm.ts";
import { runProgram } from "../support/program.ts";

const BASE = "/c/files";
const NAMES = ["plain.txt", "with space.txt", "ümläut und ß.txt", "50%25 & more+#?.txt", "日本.txt"];

interface Server {
  readonly url: string;
  readonly files: string;
  stop(): Promise<void>;
}

let folder: string;
const servers: Server[] = [];
let gateway: TestGateway;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "sallyport-webdav-"));
  for (const name of ["plain", "behind"]) servers.push(await startServer(name));
  gateway = await startGateway({ policy: testPolicy({ files: server("behind").url, other: "http://127.0.0.1:9" }) });
});
afterAll(async () => {
  await gateway?.stop();
  for (const one of servers) await one.stop();
  if (folder !== undefined) rmSync(folder, { recursive: true });
});

async function startServer(name: string): Promise<Server> {
  const files = join(folder, name);
  mkdirSync(files);
  const port = await freePort();
  const args = ["serve", "webdav", files, "--addr", `127.0.0.1:${port}`, "--baseurl", BASE, "--config", "/dev/null"];
  const child = spawn("rclone", args, { stdio: "ignore" });
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const url = `http://127.0.0.1:${port}${BASE}`;
  const answers = (): Promise<boolean> =>
    fetch(`${url}/`, { method: "OPTIONS" }).then(
      ({ status }) => status < 500,
      () => false,
    );
  if (!(await eventually(answers, (isUp) => isUp))) throw new Error("rclone does not serve");
  return {
    url,
    files,
    stop: async () => {
      child.kill();
      await ended;
    },
  };
}

function server(which: "plain" | "behind"): Server {
  const found = servers[which === "plain" ? 0 : 1];
  if (found === undefined) throw new Error(`no server ${which}`);
  return found;
}

/** Does the same on both sides, and gives what was the same. */
async function both<T>(work: (client: WebDAVClient) => Promise<T>): Promise<T> {
  const expected = await work(createClient(server("plain").url, { authType: AuthType.None }));
  const got = await work(await through());
  expect(got).toEqual(expected);
  return got;
}

async function through(person = "alice"): Promise<WebDAVClient> {
  const password = await gateway.token(person);
  return createClient(`${gateway.url}${BASE}`, { authType: AuthType.Password, username: person, password });
}

/** What does not depend on when a server wrote its file. */
function told(found: unknown): unknown {
  return (found as FileStat[]).map(({ filename, type, size }) => `${type} ${filename} ${size}`).sort();
}

function statusOf(work: Promise<unknown>): Promise<number | undefined> {
  return work.then(
    () => 200,
    (error: WebDAVClientError) => error.status,
  );
}

/** Every file below a folder with its bytes. */
function tree(root: string, below = ""): Readonly<Record<string, string>> {
  const files: Record<string, string> = {};
  for (const name of readdirSync(join(root, below)).sort()) {
    const path = join(below, name);
    if (statSync(join(root, path)).isDirectory()) Object.assign(files, { [`${path}/`]: "" }, tree(root, path));
    else files[path] = readFileSync(join(root, path), "latin1");
  }
  return files;
}

function expectSameFiles(): void {
  expect(tree(server("behind").files)).toEqual(tree(server("plain").files));
}

describe("the npm package webdav", () => {
  test("finds folders and files whatever their names", async () => {
    await both(async (client) => {
      await client.createDirectory("/a folder/ünter", { recursive: true });
      for (const name of NAMES) await client.putFileContents(`/a folder/${name}`, `what is in ${name}`);
      await client.putFileContents("/a folder/ünter/large.bin", Buffer.from(noise(2 * 1024 * 1024)));
    });
    const deep = await both(async (client) => told(await client.getDirectoryContents("/", { deep: true })));
    expect(deep).toHaveLength(NAMES.length + 3);
    await both(async (client) => told(await client.getDirectoryContents("/a folder")));
    await both(async (client) => told([await client.stat(`/a folder/${NAMES[3] ?? ""}`)]));
    for (const name of NAMES) {
      const text = await both((client) => client.getFileContents(`/a folder/${name}`, { format: "text" }));
      expect(text).toBe(`what is in ${name}`);
    }
  });

  test("reads a part of a file", async () => {
    const read = async (client: WebDAVClient): Promise<string> => {
      const chunks: Buffer[] = [];
      const range = { start: 1_000_000, end: 1_500_000 };
      // The package says less of its stream than there is.
      const part: unknown = client.createReadStream("/a folder/ünter/large.bin", { range });
      for await (const chunk of part as AsyncIterable<Buffer>) chunks.push(chunk);
      return Buffer.concat(chunks).toString("latin1");
    };
    expect(await both(read)).toHaveLength(500_001);
  });

  test("moves and copies by Destination, over what is there or not", async () => {
    await both(async (client) => {
      await client.copyFile("/a folder/plain.txt", "/a folder/copy of it.txt");
      await client.moveFile("/a folder/ünter", "/moved, ünd so");
      await client.copyFile("/a folder/plain.txt", "/a folder/日本.txt");
    });
    const kept = await both((client) =>
      statusOf(client.moveFile("/a folder/plain.txt", "/a folder/copy of it.txt", { overwrite: false })),
    );
    expect(kept).toBe(412);
    expectSameFiles();
    expect(Object.keys(tree(server("behind").files))).toContain("moved, ünd so/large.bin");
  });

  test("locks, writes under its lock, and unlocks", async () => {
    const refused = await both(async (client) => {
      const { token } = await client.lock("/a folder/plain.txt");
      const byAnother = await statusOf(client.putFileContents("/a folder/plain.txt", "by another"));
      const headers = { If: `(<${token}>)` };
      await client.putFileContents("/a folder/plain.txt", "under the lock", { headers });
      await client.unlock("/a folder/plain.txt", `<${token}>`);
      await client.deleteFile("/a folder/copy of it.txt");
      return byAnother;
    });
    expect(refused).toBe(423);
    expectSameFiles();
  });

  test("each step stands in the trail under its own method", async () => {
    const commands = commandsOf(await gateway.records("alice", "files"));
    const methods = new Set(commands.map(({ target }) => target.split(" ")[0]));
    for (const method of ["COPY", "DELETE", "GET", "LOCK", "MKCOL", "MOVE", "PROPFIND", "PUT", "UNLOCK"])
      expect(methods).toContain(method);
    expect(commands.every(({ outcome }) => outcome?.kind === "command.completed")).toBe(true);
  });

  test.each([
    ["another connection", (base: string) => `${base}/c/other/x`],
    ["another host", () => "http://127.0.0.1:9/c/files/x"],
    ["a place above", (base: string) => `${base}/c/files/../other/x`],
  ])("a Destination at %s is refused, and the refusal recorded", async (_, destination) => {
    const client = await through();
    const before = tree(server("behind").files);
    const status = await statusOf(
      client.customRequest("/a folder/plain.txt", {
        method: "MOVE",
        headers: { Destination: destination(gateway.url) },
      }),
    );
    expect(status).toBe(400);
    expect(tree(server("behind").files)).toEqual(before);
    const denied = (await gateway.records("alice", "files")).filter(({ kind }) => kind === "command.denied");
    expect(denied.at(-1)?.classes.reason).toBe("destination_outside");
  });
});

describe("rclone", () => {
  const rclone = (url: string, token: string | null, ...args: string[]) =>
    runProgram("rclone", [...args, "--config", "/dev/null", "--retries", "1"], {
      folder,
      env: { RCLONE_WEBDAV_URL: url, ...(token === null ? {} : { RCLONE_WEBDAV_BEARER_TOKEN: token }) },
    });
  const sides = async (): Promise<readonly (readonly [string, string | null])[]> => [
    [server("plain").url, null],
    [`${gateway.url}${BASE}`, await gateway.token("alice")],
  ];

  test("synchronises a folder there and back, and finds no difference", async () => {
    const source = join(folder, "source");
    mkdirSync(join(source, "below/it"), { recursive: true });
    for (const name of NAMES.slice(0, 3)) writeFileSync(join(source, "below/it", name), noise(300_000));
    for (const [index, [url, token]] of (await sides()).entries()) {
      const back = join(folder, `back ${index}`);
      for (const args of [
        ["sync", source, ":webdav:synced"],
        ["check", "--download", source, ":webdav:synced"],
        ["moveto", ":webdav:synced/below", ":webdav:synced/moved here"],
        ["sync", ":webdav:synced", back],
        ["deletefile", `:webdav:synced/moved here/it/${NAMES[0] ?? ""}`],
      ]) {
        const { code, stderr } = await rclone(url, token, ...args);
        expect({ args, code, stderr: code === 0 ? "" : stderr }).toEqual({ args, code: 0, stderr: "" });
      }
      expect(tree(join(back, "moved here"))).toEqual(tree(join(source, "below")));
    }
    expectSameFiles();
  });

  test("is told when a person may not", async () => {
    const url = `${gateway.url}${BASE}`;
    const { code, stderr } = await rclone(url, await gateway.token("mallory"), "lsf", ":webdav:synced");
    expect(code).not.toBe(0);
    expect(stderr).toContain("403");
  });
});
