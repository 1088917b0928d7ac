// Real tools that nobody here wrote, as child processes: the MCP reference server and a Verdaccio
// registry. They listen on loopback only, end with this process, and write their output to files.

import { type ChildProcess, fork } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { closeSync, mkdirSync, openSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const modules = join(dirname(fileURLToPath(import.meta.url)), "..", "node_modules");
const GUEST = new URL("./guest.ts", import.meta.url).href;
/** Verdaccio takes 3 s on a slow machine with a cold disk. */
const READY_MS = 60_000;
const GRACE_MS = 3_000;

export interface Tool {
  readonly name: string;
  /** Resolves when the process has ended, for whatever reason. */
  readonly ended: Promise<void>;
  readonly log: string;
  stop(): Promise<void>;
}

interface ToolOptions {
  readonly name: string;
  readonly program: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly folder: string;
  readonly logs: string;
  /** Answers, with whatever status, once the tool is ready. */
  readonly probe: string;
}

export interface Place {
  readonly port: number;
  readonly state: string;
  readonly logs: string;
}

/** The MCP reference server, over streamable HTTP at /mcp. */
export function startEverything({ port, state, logs }: Place): Promise<Tool> {
  const program = join(modules, "@modelcontextprotocol/server-everything/dist/index.js");
  return startTool({
    name: "everything",
    program,
    args: ["streamableHttp"],
    env: { PORT: String(port) },
    folder: state,
    logs,
    probe: `http://127.0.0.1:${port}/mcp`,
  });
}

/**
 * An npm registry without uplinks. Its one user is the gateway; `publicUrl` is where callers find it,
 * so that the tarball URLs it writes lead through the gateway.
 */
export function startRegistry({ port, state, logs }: Place, gatewayPassword: string, publicUrl: string): Promise<Tool> {
  const folder = join(state, "registry");
  mkdirSync(folder, { recursive: true });
  // Unsalted and fast is enough for a password of 256 random bits.
  const hash = createHash("sha1").update(gatewayPassword).digest("base64");
  writeFileSync(join(folder, "htpasswd"), `gateway:{SHA}${hash}\n`, { mode: 0o600 });
  const config = join(folder, "config.yaml");
  writeFileSync(config, registryConfig(publicUrl));
  return startTool({
    name: "registry",
    program: join(modules, "verdaccio/bin/verdaccio"),
    args: ["--config", config, "--listen", `127.0.0.1:${port}`],
    env: { VERDACCIO_PUBLIC_URL: new URL(publicUrl).origin },
    folder,
    logs,
    probe: `http://127.0.0.1:${port}/-/ping`,
  });
}

function registryConfig(publicUrl: string): string {
  return `# Written by npm start each time.
storage: ./storage
url_prefix: ${new URL(publicUrl).pathname}
web:
  enable: false
auth:
  htpasswd:
    file: ./htpasswd
    max_users: -1
uplinks: {}
packages:
  "@*/*": { access: gateway, publish: gateway, unpublish: gateway }
  "**": { access: gateway, publish: gateway, unpublish: gateway }
log: { type: stdout, format: pretty, level: info }
`;
}

async function startTool(options: ToolOptions): Promise<Tool> {
  const path = join(options.logs, `${options.name}.log`);
  const log = openSync(path, "a");
  const child = fork(options.program, [...options.args], {
    cwd: options.folder,
    env: { ...process.env, ...options.env },
    execArgv: ["--import", GUEST],
    // A group of its own: a terminal's Ctrl-C reaches `npm start` alone, which then ends its tools.
    detached: true,
    stdio: ["ignore", log, log, "ipc"],
  });
  closeSync(log);
  const ended = once(child, "exit").then(() => undefined);
  const tool: Tool = { name: options.name, ended, log: path, stop: () => stopChild(child, ended) };
  if (await isReady(options.probe, ended)) return tool;
  await tool.stop();
  throw new Error(`${options.name} did not start; see ${path}`);
}

/** False if the process ended or time ran out. */
async function isReady(probe: string, ended: Promise<void>): Promise<boolean> {
  let hasEnded = false;
  void ended.then(() => (hasEnded = true));
  for (const until = Date.now() + READY_MS; Date.now() < until && !hasEnded;) {
    try {
      const response = await fetch(probe);
      await response.body?.cancel();
      return !hasEnded;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
  return false;
}

async function stopChild(child: ChildProcess, ended: Promise<void>): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  if (child.connected) child.disconnect();
  const timer = setTimeout(() => child.kill("SIGKILL"), GRACE_MS);
  await ended;
  clearTimeout(timer);
}
