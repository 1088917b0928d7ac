// Real tools that nobody here wrote, as child processes: the MCP reference server and a Verdaccio
// registry. They listen on loopback only, end with this process, and write their output to files.

import { type ChildProcess, fork } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const modules = join(dirname(fileURLToPath(import.meta.url)), "..", "node_modules");
const GUEST = new URL("./guest.ts", import.meta.url).href;
/** Verdaccio takes 3 s on a slow machine with a cold disk. */
const READY_MS = 60_000;
const GRACE_MS = 3_000;
/** How often the page's list of packages is looked at. */
const LIST_MS = 1_000;

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

export interface RegistryOptions extends Place {
  /** Of the gateway, the registry's one user. */
  readonly password: string;
  /** Where callers find it, so that the URLs it writes lead through the gateway. */
  readonly publicUrl: string;
}

/** An npm registry without uplinks, for npm's clients. */
export function startRegistry({ port, state, logs, password, publicUrl }: RegistryOptions): Promise<Tool> {
  const folder = join(state, "registry");
  const config = writeRegistry(folder, "config.yaml", password, publicUrl, false);
  return startTool(verdaccio({ name: "registry", port, folder, logs, publicUrl, config }));
}

/**
 * The same registry's page, for browsers: the same program over the same packages, since one process
 * writes the URLs of one place only. It reads the list of packages when it starts, so it starts anew when
 * that list changes. It has no credential.
 */
export async function startPackagesPage({ port, state, logs, password, publicUrl }: RegistryOptions): Promise<Tool> {
  const folder = join(state, "registry");
  const config = writeRegistry(folder, "page.yaml", password, publicUrl, true);
  const options = verdaccio({ name: "packages", port, folder, logs, publicUrl, config });
  const list = join(folder, "storage", ".verdaccio-db.json");
  const { promise: ended, resolve: end } = Promise.withResolvers<void>();
  let isStopping = false;
  let tool: Tool | null = null;
  const begin = async (): Promise<Tool> => {
    const one = await startTool(options);
    tool = one;
    void one.ended.then(() => (tool === one ? end() : undefined));
    return one;
  };
  let known = listIn(list);
  const { log } = await begin();
  const look = async (): Promise<void> => {
    const now = listIn(list);
    if (now === known || tool === null) return;
    known = now;
    const old: Tool = tool;
    tool = null;
    await old.stop();
    if (!isStopping) await begin().catch(end);
  };
  const timer = setInterval(() => void look(), LIST_MS);
  timer.unref();
  return {
    name: options.name,
    log,
    ended,
    stop: async () => {
      isStopping = true;
      clearInterval(timer);
      await tool?.stop();
    },
  };
}

/** The names of the packages, as one text. */
function listIn(path: string): string {
  try {
    return JSON.stringify((JSON.parse(readFileSync(path, "utf8")) as { list?: unknown }).list ?? []);
  } catch {
    return "[]";
  }
}

function verdaccio(
  options: Omit<ToolOptions, "program" | "args" | "env" | "probe"> & {
    readonly port: number;
    readonly publicUrl: string;
    readonly config: string;
  },
): ToolOptions {
  const { port, publicUrl, config, name, folder, logs } = options;
  return {
    name,
    folder,
    logs,
    program: join(modules, "verdaccio/bin/verdaccio"),
    args: ["--config", config, "--listen", `127.0.0.1:${port}`],
    env: { VERDACCIO_PUBLIC_URL: new URL(publicUrl).origin },
    probe: `http://127.0.0.1:${port}/-/ping`,
  };
}

function writeRegistry(folder: string, name: string, password: string, publicUrl: string, hasPage: boolean): string {
  mkdirSync(folder, { recursive: true });
  // Unsalted and fast is enough for a password of 256 random bits.
  const hash = createHash("sha1").update(password).digest("base64");
  writeFileSync(join(folder, "htpasswd"), `gateway:{SHA}${hash}\n`, { mode: 0o600 });
  const path = join(folder, name);
  writeFileSync(path, registryConfig(publicUrl, hasPage));
  return path;
}

function registryConfig(publicUrl: string, hasPage: boolean): string {
  // The page takes logins of its own only, and no password as clients send it: it shows what there is to
  // whoever reaches it on this machine, and changes nothing.
  const rights = hasPage ? "{ access: $all }" : "{ access: gateway, publish: gateway, unpublish: gateway }";
  return `# Written by npm start each time.
storage: ./storage
url_prefix: ${new URL(publicUrl).pathname}
web: { enable: ${hasPage}, login: false }
auth:
  htpasswd:
    file: ./htpasswd
    max_users: -1
uplinks: {}
packages:
  "@*/*": ${rights}
  "**": ${rights}
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
