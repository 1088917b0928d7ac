// Runs one Worker on plain `workerd serve`, without Miniflare's proxy, which costs more than what is
// measured. Objects keep their storage in a folder that the caller names.

import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, relative } from "node:path";
import type { Readable } from "node:stream";
import { pinned } from "./pin.ts";

export interface WorkerModule {
  readonly name: string;
  readonly kind: "esModule";
  /** A file that the configuration embeds. */
  readonly path: string;
}

export interface WorkerSpec {
  readonly name: string;
  /** The first is the entry. */
  readonly modules: readonly WorkerModule[];
  readonly bindings: Readonly<Record<string, string>>;
  /** Binding name → class with SQLite storage. */
  readonly objects: Readonly<Record<string, string>>;
  /** Folder for the objects' SQLite files. */
  readonly storage: string;
  readonly inspector: string | null;
}

export interface RunningWorker {
  readonly port: number;
  readonly pid: number;
  stop(): Promise<void>;
}

/** The platform's runtime as the lock file pins it; the package's own export is the binary's path. */
export function workerdBinary(): string {
  const found: unknown = createRequire(import.meta.url)("workerd");
  const path = typeof found === "object" && found !== null && "default" in found ? found.default : null;
  if (typeof path !== "string") throw new Error("the workerd package names no binary");
  return path;
}

export async function startWorker(spec: WorkerSpec, folder: string): Promise<RunningWorker> {
  mkdirSync(spec.storage, { recursive: true });
  const config = join(folder, `${spec.name}.capnp`);
  writeFileSync(config, configText(spec, folder));
  const inspector = spec.inspector === null ? [] : ["--inspector-addr", spec.inspector];
  const [command, args] = pinned("runtime", workerdBinary(), ["serve", "--control-fd=3", ...inspector, config]);
  const child = spawn(command, args, { stdio: ["ignore", 2, 2, "pipe"] });
  const port = await listeningPort(child, spec.name);
  return { port, pid: child.pid ?? 0, stop: () => stopped(child) };
}

function listeningPort(child: ChildProcess, name: string): Promise<number> {
  const control = child.stdio[3] as Readable;
  let text = "";
  return new Promise((resolve, reject) => {
    control.on("data", (chunk: Buffer) => {
      text += chunk.toString();
      const port = /"event":"listen","socket":"http","port":(\d+)/.exec(text)?.[1];
      if (port !== undefined) resolve(Number(port));
    });
    child.on("error", reject);
    child.on("exit", (code) => reject(new Error(`workerd for ${name} ended with ${code} before it listened`)));
  });
}

function stopped(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.once("exit", () => resolve());
    child.kill("SIGTERM");
  });
}

function configText({ name, modules, bindings, objects, storage }: WorkerSpec, folder: string): string {
  // Cap'n Proto text has JSON's string escapes.
  const text = (value: string): string => JSON.stringify(value);
  const moduleLines = modules.map(
    (one) => `(name = ${text(one.name)}, ${one.kind} = embed ${text(relative(folder, one.path))})`,
  );
  const bindingLines = [
    ...Object.entries(bindings).map(([key, value]) => `(name = ${text(key)}, text = ${text(value)})`),
    ...Object.entries(objects).map(
      ([key, className]) => `(name = ${text(key)}, durableObjectNamespace = ${text(className)})`,
    ),
  ];
  const objectLines = Object.values(objects).map(
    (className) => `(className = ${text(className)}, uniqueKey = ${text(`bench-${className}`)}, enableSql = true)`,
  );
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = .main),
    (name = "internet", network = (allow = ["public", "private"])),
    (name = "storage", disk = (path = ${text(storage)}, writable = true)),
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);
# ${name}
const main :Workerd.Worker = (
  modules = [${moduleLines.join(",\n    ")}],
  bindings = [${bindingLines.join(",\n    ")}],
  durableObjectNamespaces = [${objectLines.join(", ")}],
  durableObjectStorage = (localDisk = "storage"),
  compatibilityDate = "2026-10-30",
  compatibilityFlags = ["enable_request_signal"],
);
`;
}
