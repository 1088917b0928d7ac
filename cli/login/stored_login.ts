// A login as its file keeps it. The file is its owner's alone (cli/private_files.ts).

import * as v from "valibot";
import { ok, refuse, type Result } from "../../core/result.ts";
import { tokenPath } from "../config.ts";
import { readPrivate, removePrivate, writePrivate } from "../private_files.ts";
import type { CliRefusal } from "../refusal.ts";

type Env = Readonly<Record<string, string | undefined>>;

const Stored = v.strictObject({
  gateway: v.string(),
  issuer: v.string(),
  client_id: v.string(),
  scope: v.string(),
  /** What the token was asked for (RFC 8707); null if the provider was not told. */
  resource: v.nullable(v.string()),
  access_token: v.pipe(v.string(), v.regex(/^[A-Za-z0-9._~+/=-]+$/)),
  /** Seconds since 1970; null if the provider did not say. */
  expires: v.nullable(v.number()),
  refresh_token: v.nullable(v.string()),
});
export type StoredLogin = v.InferOutput<typeof Stored>;

/** Null if nobody is logged in there. */
export function readLogin(env: Env, context: string): Result<StoredLogin | null, CliRefusal> {
  const path = tokenPath(env, context);
  const read = readPrivate(path);
  if (!read.ok) return read;
  if (read.value === null) return ok(null);
  try {
    const parsed = v.safeParse(Stored, JSON.parse(read.value) as unknown);
    if (parsed.success) return ok(parsed.output);
  } catch {
    // Said below; never with what is in the file.
  }
  return refuse({
    reason: "unreachable",
    what: `${path} is not what this program writes. Remove it, and log in again.`,
  });
}

export function writeLogin(env: Env, context: string, login: StoredLogin): Result<null, CliRefusal> {
  return writePrivate(tokenPath(env, context), `${JSON.stringify(login, null, 2)}\n`);
}

export function removeLogin(env: Env, context: string): void {
  removePrivate(tokenPath(env, context));
}
