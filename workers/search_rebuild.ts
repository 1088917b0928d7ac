// Builds the region's index again: walks the registry, newest session first, and has each session's
// object write its commands once more. For an index that was thrown away, or made by older code.

import type { SessionId } from "../core/ids.ts";
import { placed } from "../durable/jurisdiction.ts";
import { REGISTRY_SHARDS, registryShard } from "../durable/registry_client.ts";
import type { Env } from "./env.ts";

export interface Rebuilt {
  /** Sessions whose objects will write them within seconds, or go on trying. */
  readonly asked: number;
  /** To be given as `before` for the following page; null at the end. */
  readonly next: SessionId | null;
}

/** At most `limit` sessions: a call of the Worker may ask some hundred objects (developers.cloudflare.com/workers/platform/limits). */
export async function rebuildSearch(env: Env, before: SessionId | null, limit: number): Promise<Rebuilt> {
  const shards = await Promise.all(
    REGISTRY_SHARDS.map((shard) => registryShard(env, shard).list({ owner: null, before, limit })),
  );
  const page = shards
    .flat()
    .sort((a, b) => (a.sid < b.sid ? 1 : -1))
    .slice(0, limit);
  const objects = placed(env.SESSION, env);
  let asked = 0;
  for (const { sid, object } of page) {
    // False where the registry names a session that never began.
    if (await objects.get(objects.idFromString(object)).reindex(sid)) asked += 1;
  }
  return { asked, next: page.length === limit ? (page.at(-1)?.sid ?? null) : null };
}
