// Runs the built Worker on the local Workers runtime (workerd, by Miniflare's API): for `npm start`
// and the end-to-end tests. Requests reach the Worker's own socket, not Miniflare's proxy, which
// would gzip and buffer streams.

import { appendFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare } from "miniflare";
import { migrateSearch } from "./migrate_d1.ts";
import { buildWorker } from "../scripts/build.ts";

export interface RuntimeOptions {
  /** 0 picks a free port. */
  readonly port: number;
  /** Ports of further Workers over the same objects, each in an isolate of its own, as a region has many. */
  readonly beside?: readonly number[];
  /** Folder that keeps the objects' storage and D1; null keeps nothing. */
  readonly state: string | null;
  /** Text variables and secrets of the Worker; see workers/env.ts. */
  readonly bindings: Readonly<Record<string, string>>;
  /** How often one person may call the API; as often as they like if not given. */
  readonly apiLimit?: { readonly calls: number; readonly seconds: 10 | 60 };
  /** File that takes what the runtime and the Worker say; standard output and error if not given. */
  readonly log?: string;
  /** Called after the runtime died and Miniflare started it anew. */
  readonly onCrash?: () => void;
  /** Folder of the Worker's `index.js`; the one that is built here if not given. */
  readonly bundle?: string;
}

export interface Runtime {
  /** `http://127.0.0.1:<port>`, without a slash at the end. */
  readonly url: string;
  readonly miniflare: Miniflare;
  stop(): Promise<void>;
}

/** The Worker whose script has the objects. */
const MAIN = "sallyport";

export async function startRuntime(options: RuntimeOptions): Promise<Runtime> {
  process.env.CLOUDFLARE_CF_FETCH_ENABLED = "false";
  const bundle = options.bundle ?? buildWorker();
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      cf: false,
      logRequests: false,
      ...logging(options.log),
      ...(options.onCrash === undefined ? {} : { unsafeHandleRuntimeRestart: options.onCrash }),
      // The one setting that keeps anything: Miniflare 5 takes `durableObjectsPersist` and `d1Persist` and ignores them.
      ...(options.state === null ? {} : { resourcePersistencePath: join(options.state, "storage") }),
      workers: [
        workerOf(MAIN, options.port, bundle, options),
        ...(options.beside ?? []).map((port, index) => workerOf(`beside-${index}`, port, bundle, options)),
      ],
    }),
  );
  await miniflare.ready;
  // Here, so that wherever the gateway runs its index has its tables.
  await migrateSearch(miniflare);
  const url = (await miniflare.unsafeGetDirectURL(MAIN)).origin;
  return { url, miniflare, stop: () => miniflare.dispose() };
}

function rateLimits(limit: RuntimeOptions["apiLimit"]) {
  if (limit === undefined) return {};
  const simple = { limit: limit.calls, period: limit.seconds };
  return { ratelimits: { API_LIMIT: { namespace_id: "1", simple } } };
}

function workerOf(name: string, port: number, bundle: string, { bindings, apiLimit }: RuntimeOptions) {
  const object = (className: string) => ({
    className,
    useSQLite: true,
    ...(name === MAIN ? {} : { scriptName: MAIN }),
  });
  const path = join(bundle, "index.js");
  return {
    name,
    modulesRoot: bundle,
    modules: [{ type: "ESModule" as const, path, contents: readFileSync(path, "utf8") }],
    compatibilityDate: "2026-10-30",
    compatibilityFlags: ["nodejs_compat", "enable_request_signal"],
    bindings: { ...bindings },
    ...rateLimits(apiLimit),
    durableObjects: {
      SESSION: object("SessionObject"),
      REGISTRY: object("RegistryObject"),
      PERIMETER: object("PerimeterObject"),
      CONTROL: object("ControlObject"),
    },
    d1Databases: { DB: "sallyport-local", SEARCH: "sallyport-local-search" },
    unsafeDirectSockets: [{ host: "127.0.0.1", port }],
  };
}

function logging(path: string | undefined): {
  log: Log;
  handleStructuredLogs?: (entry: { level: string; message: string }) => void;
} {
  if (path === undefined) return { log: new Log(LogLevel.WARN) };
  return {
    log: new FileLog(path),
    handleStructuredLogs: ({ level, message }) => appendFileSync(path, `${level}: ${message}\n`),
  };
}

class FileLog extends Log {
  readonly #path: string;

  constructor(path: string) {
    super(LogLevel.WARN);
    this.#path = path;
  }

  protected override log(message: string): void {
    appendFileSync(this.#path, `${message}\n`);
  }
}
