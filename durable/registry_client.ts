// How session objects and the Worker reach the registry's shards.

import type { Env } from "../workers/env.ts";
import { placed } from "./jurisdiction.ts";
import { run, rows, type Sql } from "./migrate.ts";
import type { RegistryObject } from "./registry.ts";
import type { SessionClosing } from "./registry_rpc.ts";

/** A shard a last hex digit of the session id, which is random. */
export const REGISTRY_SHARDS: readonly string[] = [..."0123456789abcdef"];

type RegistryBinding = Pick<Env, "REGISTRY" | "JURISDICTION">;

export function registryShard(env: RegistryBinding, shard: string): DurableObjectStub<RegistryObject> {
  const shards = placed(env.REGISTRY, env);
  return shards.get(shards.idFromName(`registry/${shard}`));
}

export function registryOf(env: RegistryBinding, sid: string): DurableObjectStub<RegistryObject> {
  return registryShard(env, sid.slice(-1));
}

/** True if there are closed sessions that the registry has not been told of. */
export function hasClosings(sql: Sql): boolean {
  return rows(sql, "SELECT 1 AS one FROM registry_outbox LIMIT 1").length > 0;
}

/** Tells the registry of closed sessions. False if some could not be told: they stay in the outbox for the next alarm. */
export async function sendClosings(env: RegistryBinding, sql: Sql): Promise<boolean> {
  let isAllSent = true;
  for (const { sid, entry } of rows<{ sid: string; entry: string }>(sql, "SELECT sid, entry FROM registry_outbox")) {
    try {
      await registryOf(env, sid).closed(JSON.parse(entry) as SessionClosing);
    } catch {
      isAllSent = false;
      continue;
    }
    // A crash before this line sends the entry twice; the registry takes it once.
    run(sql, "DELETE FROM registry_outbox WHERE sid = ?", sid);
  }
  return isAllSent;
}
