// `npm start` as a newcomer meets it: the program itself in a process of its own, and the commands as
// they are printed, run by a shell.

import { type ChildProcess, execFile, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { renderScreen, commandsOf } from "../../local/screen.ts";

const root = join(fileURLToPath(import.meta.url), "../../..");
const READY_MS = 45_000;

interface Started {
  readonly child: ChildProcess;
  readonly output: () => string;
  readonly exit: Promise<number | null>;
  readonly commands: readonly string[];
}

/** npm's environment for a script, without what another start may have left in it. */
function environment(): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = {
    ...process.env,
    PATH: `${join(root, "node_modules/.bin")}:${process.env.PATH ?? ""}`,
  };
  for (const name of Object.keys(env))
    if (name.startsWith("SALLYPORT_") || name.startsWith("npm_") || name === "NO_COLOR" || name === "FORCE_COLOR")
      delete env[name];
  return env;
}

/** A port with five free ones after it. */
async function freePorts(): Promise<number> {
  for (;;) {
    const first = 20_000 + Math.floor(Math.random() * 40_000);
    const servers: Server[] = [];
    let isFree = true;
    for (let port = first; port < first + 6 && isFree; port++) {
      const server = createServer();
      servers.push(server);
      isFree = await new Promise((resolve) =>
        server.once("error", () => resolve(false)).listen(port, "127.0.0.1", () => resolve(true)),
      );
    }
    await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
    if (isFree) return first;
  }
}

async function start(args: readonly string[]): Promise<Started> {
  const child = spawn(process.execPath, [join(root, "local/start.ts"), ...args], {
    cwd: root,
    env: environment(),
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const exit = once(child, "close").then(([code]) => code as number | null);
  let hasEnded = false;
  void exit.then(() => (hasEnded = true));
  for (
    const until = Date.now() + READY_MS;
    !output.includes("Decide as Bob") && !hasEnded;
    await new Promise((resolve) => setTimeout(resolve, 50))
  ) {
    if (Date.now() > until) throw new Error(`not ready: ${output}`);
  }
  // What is to be copied stands at the margin; all else is indented.
  const commands = output.split("\n").filter((line) => /^(export|curl|npm) /.test(line));
  return { child, output: () => output, exit, commands };
}

/** Runs lines in one shell, as typed into a terminal. */
function shell(lines: readonly string[]): string {
  return execFileSync("bash", ["-c", lines.join("\n")], {
    cwd: root,
    env: environment(),
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
  });
}

/** Process ids of what descends from `pid`, by /proc. */
function descendants(pid: number): number[] {
  const children = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((one) => {
      try {
        return (
          Number(
            readFileSync(`/proc/${one}/stat`, "utf8")
              .replace(/^.*\) /s, "")
              .split(" ")[1],
          ) === pid
        );
      } catch {
        return false;
      }
    });
  return children.flatMap((one) => [one, ...descendants(one)]);
}

async function stopped(started: Started, signal: NodeJS.Signals): Promise<{ code: number | null; left: number[] }> {
  const all = started.child.pid === undefined ? [] : descendants(started.child.pid);
  expect(all.length).toBeGreaterThanOrEqual(3);
  started.child.kill(signal);
  const code = await started.exit;
  return { code, left: all.filter((pid) => existsSync(`/proc/${pid}`)) };
}

describe("npm start", () => {
  const running: Started[] = [];
  let state: string;
  let port: number;
  beforeAll(async () => {
    state = mkdtempSync(join(tmpdir(), "sallyport start "));
    port = await freePorts();
  });
  afterEach(async () => {
    for (const one of running.splice(0)) {
      if (one.child.exitCode === null) one.child.kill("SIGTERM");
      await one.exit;
    }
  });
  afterAll(() => rmSync(state, { recursive: true, force: true }));

  async function startHere(...more: string[]): Promise<Started> {
    const one = await start(["--port", String(port), "--state", state, ...more]);
    running.push(one);
    return one;
  }

  test("prints commands that make a recorded call and show its chain intact; after Ctrl-C a second start still does", async () => {
    const first = await startHere();
    expect(first.commands).toHaveLength(4);
    const [token = "", call = "", trail = ""] = first.commands;
    const seen = shell([token, call, trail]);
    expect(seen).toContain('"username": "gateway"');
    expect(seen).toMatch(/command\.requested .*GET \/-\/whoami .*allow by engineers-read-packages/);
    expect(seen).toMatch(/^intact: 3 records/m);
    // Colours are for terminals.
    expect(first.output() + seen).not.toContain("\x1b[");
    const kept = shell([token, 'echo "$SALLYPORT_TOKEN"']).trim();

    expect(await stopped(first, "SIGINT")).toEqual({ code: 0, left: [] });
    expect(first.output()).not.toMatch(/last words|Error/);
    expect(() => shell(["set -e", token])).not.toThrow();
    expect(() => shell([`SALLYPORT_STATE='${state}' npm run -s token alice`])).toThrow();

    const second = await startHere();
    // A token of before the restart, a session of before the restart.
    const again = shell([`export SALLYPORT_GATEWAY=http://127.0.0.1:${port} SALLYPORT_TOKEN=${kept}`, trail]);
    expect(again).toContain("GET /-/whoami");
    expect(again).toMatch(/^intact: \d+ records/m);
    expect(await stopped(second, "SIGTERM")).toEqual({ code: 0, left: [] });
  });

  test("shows the walk of two: Alice's call waits, the link comes to the terminal, Bob decides, her call returns", async () => {
    const one = await startHere();
    const [token = "", , , publish = ""] = one.commands;
    const calling = promisify(execFile)("bash", ["-c", `${token}\n${publish} -sS`], { cwd: root, env: environment() });
    const linkOf = async (): Promise<string> => {
      for (const until = Date.now() + READY_MS; Date.now() < until;) {
        const [, link] = /◆ requested .*PUT \/hello on registry, by Alice Archer\n +(\S+)\n/.exec(one.output()) ?? [];
        if (link !== undefined) return link;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      throw new Error(`no notice came: ${one.output()}`);
    };
    const link = await linkOf();
    expect(link).toMatch(new RegExp(`^http://console\\.localhost:${port}/approvals/[0-9a-f-]{36}$`));
    expect(await (await fetch(`http://127.0.0.1:${port + 5}/`)).text()).toContain(`href="${link}"`);
    const bob = shell([`SALLYPORT_STATE='${state}' npm run -s token bob`]).trim();
    const headers = { authorization: `Bearer ${bob}`, "content-type": "application/json" };
    // By the API: the page that the link opens is tried in a browser, in test/clients.
    const path = `http://127.0.0.1:${port}/api/v1${new URL(link).pathname}`;
    const { seen } = (await (await fetch(path, { headers })).json()) as { seen: string };
    const body = JSON.stringify({ decision: "approve", seen });
    expect((await fetch(`${path}/decision`, { method: "POST", headers, body })).status).toBe(200);
    expect((await calling).stdout).toContain("created new package");
    for (const until = Date.now() + READY_MS; !one.output().includes("◆ approved");)
      if (Date.now() > until) throw new Error("nobody was told of the decision");
      else await new Promise((resolve) => setTimeout(resolve, 100));
  });

  test("ends when its terminal goes away", async () => {
    const one = await startHere();
    expect(await stopped(one, "SIGHUP")).toEqual({ code: 0, left: [] });
  });

  test("says so and fails when one of its tools dies, and leaves nothing behind", async () => {
    const one = await startHere();
    const all = descendants(one.child.pid ?? 0);
    const victim = all.find((pid) => readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("verdaccio"));
    expect(victim).toBeDefined();
    process.kill(victim ?? 0, "SIGKILL");
    expect(await one.exit).toBe(1);
    expect(one.output()).toMatch(/The tool registry ended\. Its last words: .*registry\.log/);
    expect(all.filter((pid) => existsSync(`/proc/${pid}`))).toEqual([]);
  });

  test("says so and fails when the gateway's runtime dies", async () => {
    const one = await startHere();
    const victim = descendants(one.child.pid ?? 0).find((pid) =>
      readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("workerd"),
    );
    process.kill(victim ?? 0, "SIGKILL");
    expect(await one.exit).toBe(1);
    expect(one.output()).toMatch(/The gateway's runtime died/);
  });

  test("tells what to do about a port that is taken, and starts nothing", async () => {
    const taken = await freePorts();
    const server = createServer().listen(taken + 1, "127.0.0.1");
    await once(server, "listening");
    const one = await start(["--port", String(taken), "--state", join(state, "other")]);
    expect(await one.exit).toBe(1);
    expect(one.output()).toMatch(
      new RegExp(`^Port ${taken + 1}, for the provider, is taken\\. .* npm start -- --port \\d+\\n$`),
    );
    await new Promise((resolve) => server.close(resolve));
  });

  test("refuses to run twice over one folder", async () => {
    await startHere();
    const other = await start(["--port", String(await freePorts()), "--state", state]);
    expect(await other.exit).toBe(1);
    expect(other.output()).toMatch(/^Sallyport runs already, at http/);
  });
});

describe("the screen", () => {
  const usual = {
    gateway: "http://127.0.0.1:8787",
    page: "http://packages--local.localhost:8787/",
    console: "http://console.localhost:8787/",
    notices: "http://127.0.0.1:8792/",
    issuer: "http://127.0.0.1:8788",
    state: ".sallyport/",
    stateVariable: null,
    isColored: false,
    width: 80,
  };

  test.each([30, 40, 80, 200])("keeps each command whole at %i columns, and all else within them", (width) => {
    const screen = { ...usual, width };
    const lines = renderScreen(screen).split("\n");
    for (const command of commandsOf(screen)) expect(lines).toContain(command);
    const long = lines.filter(
      (line) => line.length > width && !/^(export|curl|npm) /.test(line) && !/^ .{10} ?https?:\S+$/.test(line),
    );
    expect(long).toEqual([]);
  });

  test("is the same text with colours as without", () => {
    // oxlint-disable-next-line no-control-regex
    expect(renderScreen({ ...usual, isColored: true }).replaceAll(/\x1b\[\d+m/g, "")).toBe(renderScreen(usual));
  });

  test("quotes a folder's name for the shell", () => {
    expect(commandsOf({ ...usual, stateVariable: "/tmp/it's here" })[0]).toContain(
      "SALLYPORT_STATE='/tmp/it'\\''s here' npm",
    );
  });
});
