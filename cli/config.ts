// The contexts' file: found, read, changed.

import { join } from "node:path";
import { ok, refuse, type Result } from "../core/result.ts";
import { CONTEXT_NAME, type Contexts, contextsText, NO_CONTEXTS, parseContexts } from "./contexts.ts";
import { configFolder } from "./paths.ts";
import { readPrivate, writePrivate } from "./private_files.ts";
import type { CliRefusal } from "./refusal.ts";
import { shown } from "./terminal.ts";

type Env = Readonly<Record<string, string | undefined>>;

function configPath(env: Env): string {
  return join(configFolder(env), "config.json");
}

export function tokenPath(env: Env, context: string): string {
  return join(configFolder(env), "tokens", `${context}.json`);
}

export function readConfig(env: Env): Result<Contexts, CliRefusal> {
  const path = configPath(env);
  const read = readPrivate(path);
  if (!read.ok) return read;
  return read.value === null ? ok(NO_CONTEXTS) : parseContexts(read.value, path);
}

export function writeConfig(env: Env, contexts: Contexts): Result<null, CliRefusal> {
  return writePrivate(configPath(env), contextsText(contexts));
}

export function contextName(text: string): Result<string, CliRefusal> {
  return CONTEXT_NAME.test(text)
    ? ok(text)
    : refuse({
        reason: "usage",
        what: `a context is named by small letters, digits, - and _, not ${shown(JSON.stringify(text), 80)}.`,
      });
}

export function unknownContext(name: string): { ok: false } & CliRefusal {
  return refuse({
    reason: "usage",
    what: `there is no context ${shown(name, 64)}. \`sallyport context list\` lists them.`,
  });
}
