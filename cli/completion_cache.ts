// Names that completion offers without asking a gateway: those of the last `connections`. No secret,
// and of no consequence: what cannot be read or written is left.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseConnectionName } from "../core/ids.ts";
import { cacheFolder } from "./paths.ts";

type Env = Readonly<Record<string, string | undefined>>;

const LIMIT = 500;

function pathOf(env: Env): string {
  return join(cacheFolder(env), "connections.json");
}

function readAll(env: Env): Record<string, unknown> {
  try {
    const value = JSON.parse(readFileSync(pathOf(env), "utf8")) as unknown;
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : {};
  } catch {
    return {};
  }
}

/** Only what may be a connection's name: a shell is what reads it next. */
export function rememberConnections(env: Env, gateway: string, names: readonly string[]): void {
  const kept = names.filter((name) => parseConnectionName(name) !== null).slice(0, LIMIT);
  const others = Object.entries(readAll(env))
    .filter(([key]) => key !== gateway)
    .slice(-20);
  try {
    mkdirSync(cacheFolder(env), { recursive: true, mode: 0o700 });
    writeFileSync(pathOf(env), JSON.stringify(Object.fromEntries([...others, [gateway, kept]])), { mode: 0o600 });
  } catch {
    // Completion then knows fewer names.
  }
}

export function rememberedConnections(env: Env, gateway: string): readonly string[] {
  const found = readAll(env)[gateway];
  if (!Array.isArray(found)) return [];
  return found.filter((one): one is string => typeof one === "string" && parseConnectionName(one) !== null);
}
