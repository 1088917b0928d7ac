// Named gateways: `config.json`, which holds no secret. Pure but for reading and writing that file.

import * as v from "valibot";
import { ok, refuse, type Result } from "../core/result.ts";
import type { CliRefusal } from "./refusal.ts";

/** Also names a file, so it has nothing that a path could have. */
export const CONTEXT_NAME = /^[a-z0-9][a-z0-9_-]{0,63}$/;

export interface Context {
  readonly gateway: string;
  readonly issuer?: string;
  readonly client_id?: string;
}

export interface Contexts {
  readonly current: string | null;
  readonly contexts: ReadonlyMap<string, Context>;
}

export const NO_CONTEXTS: Contexts = { current: null, contexts: new Map() };

const Text = v.pipe(v.string(), v.maxLength(2000));
const File = v.strictObject({
  current: v.optional(v.nullable(Text), null),
  contexts: v.record(
    v.pipe(v.string(), v.regex(CONTEXT_NAME)),
    v.strictObject({ gateway: Text, issuer: v.exactOptional(Text), client_id: v.exactOptional(Text) }),
  ),
});

export function parseContexts(text: string, path: string): Result<Contexts, CliRefusal> {
  try {
    const parsed = v.safeParse(File, JSON.parse(text) as unknown);
    if (parsed.success)
      return ok({ current: parsed.output.current, contexts: new Map(Object.entries(parsed.output.contexts)) });
  } catch {
    // Said below.
  }
  return refuse({ reason: "unreachable", what: `${path} is not what this program writes. Mend it, or remove it.` });
}

export function contextsText({ current, contexts }: Contexts): string {
  return `${JSON.stringify({ current, contexts: Object.fromEntries(contexts) }, null, 2)}\n`;
}

export function withContext(all: Contexts, name: string, context: Context): Contexts {
  return { current: all.current ?? name, contexts: new Map([...all.contexts, [name, context]]) };
}

export function withoutContext({ current, contexts }: Contexts, name: string): Contexts {
  const rest = new Map([...contexts].filter(([one]) => one !== name));
  return { current: current === name ? null : current, contexts: rest };
}

/** The name that a gateway gets when nobody gave it one: its host, as far as a name can have it. */
export function nameFor(gateway: string, all: Contexts): string {
  const { hostname, port } = new URL(gateway);
  const isLocal = ["127.0.0.1", "localhost", "[::1]"].includes(hostname);
  const base =
    (isLocal ? `local${port === "" || port === "8787" ? "" : `-${port}`}` : hostname)
      .toLowerCase()
      .replaceAll(/[^a-z0-9]+/g, "-")
      .replaceAll(/^-+|-+$/g, "")
      .slice(0, 60) || "gateway";
  const isFree = (name: string): boolean => {
    const there = all.contexts.get(name);
    return there === undefined || there.gateway === gateway;
  };
  let name = base;
  for (let count = 2; !isFree(name); count++) name = `${base}-${count}`;
  return name;
}
