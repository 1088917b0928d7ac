// `npm start`: a real OpenID provider, real tools and the gateway on the local Workers runtime,
// with storage that is kept; then the screen with commands to copy, and below it what approvers are told.
//
// Everything it starts ends with it: on Ctrl-C, on SIGTERM, when the terminal goes away, and when one
// of its parts dies, which it says.

import { mkdirSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { parseArgs } from "node:util";
import { applyPolicy } from "./apply_policy.ts";
import {
  ADMIN,
  browserOriginOf,
  consoleOriginOf,
  demoBindings,
  demoPolicy,
  originsOf,
  portsFrom,
  type Ports,
} from "./demo.ts";
import { login } from "./login.ts";
import { migrateD1 } from "./migrate_d1.ts";
import { PEOPLE } from "./oidc_people.ts";
import { startProvider } from "./oidc_provider.ts";
import { portProblem } from "./ports.ts";
import { readRunning, removeRunning, stateFolder, writeRunning } from "./running.ts";
import { startRuntime } from "./runtime.ts";
import { renderNotice, renderScreen, type Screen } from "./screen.ts";
import { loadSecrets } from "./secrets.ts";
import { type SinkNotice, startSink } from "./sink.ts";
import { startEverything, startPackagesPage, startRegistry } from "./tools.ts";

const HELP = `Usage: npm start -- [--port N] [--state FOLDER]

  --port N        the gateway's port; the provider, the tools and the sink of notices take the five after it
                  (8787, or SALLYPORT_PORT)
  --state FOLDER  where records, keys and logs are kept (.sallyport, or SALLYPORT_STATE)`;
const DEFAULT_PORT = 8787;
const LAST_PORT = 65_530;
/** How long an orderly end may take before the process leaves anyway. */
const GRACE_MS = 8_000;

interface Part {
  stop(): Promise<void>;
}

class Refusal extends Error {}

interface Options {
  readonly ports: Ports;
  readonly state: string;
}

/** Null if help was asked for. */
function readOptions(): Options | null {
  let values;
  try {
    ({ values } = parseArgs({
      options: {
        port: { type: "string" },
        state: { type: "string" },
        help: { type: "boolean", short: "h", default: false },
      },
    }));
  } catch (error) {
    throw new Refusal(`${error instanceof Error ? error.message : "Wrong arguments."}\n${HELP}`);
  }
  if (values.help) return null;
  const text = values.port ?? process.env.SALLYPORT_PORT ?? String(DEFAULT_PORT);
  const port = Number(text);
  if (!/^\d+$/.test(text) || port < 1 || port > LAST_PORT)
    throw new Refusal(`A port is a number from 1 to ${LAST_PORT}, not ${JSON.stringify(text)}.`);
  return { ports: portsFrom(port), state: resolve(values.state ?? stateFolder()) };
}

/** Starts all parts; those that started before one failed are in `parts` and get stopped. */
async function startAll(
  { ports, state }: Options,
  parts: Part[],
  onNotice: (notice: SinkNotice) => void,
  died: (what: string) => void,
): Promise<string> {
  const logs = join(state, "logs");
  mkdirSync(logs, { recursive: true, mode: 0o700 });
  const secrets = loadSecrets(state);
  const [origin] = originsOf(ports);
  const started = async <T extends Part>(starting: Promise<T>): Promise<T> => {
    const part = await starting;
    parts.push(part);
    return part;
  };
  const registry = { state, logs, password: secrets.registryPassword };
  const all = await Promise.allSettled([
    started(
      startProvider({
        port: ports.provider,
        people: PEOPLE,
        resources: originsOf(ports),
        returning: [consoleOriginOf(ports)],
        state,
      }),
    ),
    started(startSink({ port: ports.sink, secret: secrets.notifySecret, onNotice })),
    started(startEverything({ port: ports.everything, state, logs })),
    started(startRegistry({ port: ports.registry, ...registry, publicUrl: `${origin}/c/registry/` })),
    started(
      startPackagesPage({ port: ports.packages, ...registry, publicUrl: `${browserOriginOf("packages", ports)}/` }),
    ),
  ] as const);
  const failed = all.find((one) => one.status === "rejected");
  if (failed !== undefined) throw failed.reason;
  for (const one of all) {
    if (one.status === "fulfilled" && "ended" in one.value) {
      const { name, ended, log } = one.value;
      void ended.then(() => died(`The tool ${name} ended. Its last words: ${shownPath(log)}`));
    }
  }
  const issuer = `http://127.0.0.1:${ports.provider}`;
  const log = join(logs, "gateway.log");
  const onCrash = (): void => died(`The gateway's runtime died. Its last words: ${shownPath(log)}`);
  const runtime = await started(
    startRuntime({
      port: ports.gateway,
      state,
      bindings: demoBindings(ports, issuer, secrets),
      log,
      onCrash,
    }),
  );
  await migrateD1(runtime.miniflare);
  const health = await fetch(`${runtime.url}/healthz`);
  if (!health.ok) throw new Refusal(`The gateway answers ${health.status}: ${await health.text()}`);
  // As dan, whom FIRST_ADMIN names: an admin of the demonstration who applies another policy finds this one again at the next start.
  const token = await login(issuer, ADMIN, origin);
  await applyPolicy({ gateway: origin, token }, demoPolicy(ports));
  return issuer;
}

async function main(): Promise<void> {
  const options = readOptions();
  if (options === null) {
    console.log(HELP);
    return;
  }
  const { ports, state } = options;
  const other = readRunning(state);
  if (other !== null)
    throw new Refusal(
      `Sallyport runs already, at ${other.gateway} (process ${other.pid}). Two must not share one folder: end it, or npm start -- --state another-folder --port ${ports.gateway + 1000}`,
    );
  const problem = await portProblem(ports);
  if (problem !== null) throw new Refusal(problem);
  mkdirSync(state, { recursive: true, mode: 0o700 });

  const parts: Part[] = [];
  let isEnding = false;
  const end = (code: number): void => {
    if (isEnding) process.exit(code === 0 ? 130 : code);
    isEnding = true;
    setTimeout(() => process.exit(1), GRACE_MS).unref();
    removeRunning(state);
    void Promise.allSettled(parts.toReversed().map((part) => part.stop())).then(() => process.exit(code));
  };
  const died = (what: string): void => {
    if (isEnding) return;
    console.error(what);
    end(1);
  };
  endOnSignals(() => end(0));
  endWithParent(() => end(0));
  if (process.stdout.isTTY) console.log("Starting a login provider, tools and the gateway …");
  const [gateway] = originsOf(ports);
  try {
    const tell = (notice: SinkNotice): void => console.log(renderNotice(notice, isColored()));
    const issuer = await startAll(options, parts, tell, died);
    if (isEnding) return;
    endOnSignals(() => end(0));
    writeRunning(state, { gateway, issuer, pid: process.pid });
    const browser = {
      page: `${browserOriginOf("packages", ports)}/`,
      console: `${consoleOriginOf(ports)}/`,
      notices: `http://127.0.0.1:${ports.sink}/`,
    };
    console.log(screenOf(gateway, browser, issuer, state));
  } catch (error) {
    died(error instanceof Error ? error.message : String(error));
  }
}

/** The only listeners, once everything runs: Miniflare has its own, which leave at once and would orphan the tools. */
function endOnSignals(end: () => void): void {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.removeAllListeners(signal).on(signal, end);
}

/** npm killed outright passes nothing on; its death shows as another parent. */
function endWithParent(end: () => void): void {
  if (process.env.npm_lifecycle_event === undefined) return;
  const parent = process.ppid;
  setInterval(() => process.ppid !== parent && end(), 1000).unref();
}

function isColored(): boolean {
  const { stdout, env } = process;
  return stdout.isTTY && (env.NO_COLOR ?? "") === "" && env.TERM !== "dumb";
}

type InBrowser = Pick<Screen, "page" | "console" | "notices">;

function screenOf(gateway: string, browser: InBrowser, issuer: string, state: string): string {
  const { stdout, env } = process;
  const isUsual = env.SALLYPORT_STATE === undefined && state === stateFolder();
  return renderScreen({
    gateway,
    ...browser,
    issuer,
    state: `${shownPath(state)}/`,
    stateVariable: isUsual ? null : state,
    isColored: isColored(),
    width: stdout.columns ?? 100,
  });
}

function shownPath(path: string): string {
  const short = relative(process.cwd(), path);
  return short.startsWith("..") ? path : short;
}

// A terminal that has gone away must not turn a last message into a crash that leaves tools behind.
process.stdout.on("error", () => undefined);
process.stderr.on("error", () => undefined);
try {
  await main();
} catch (error) {
  if (!(error instanceof Refusal)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
