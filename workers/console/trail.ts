// The trail beside the sessions: the registry's own log, which says which sessions there were, and the
// perimeter's, of calls without a valid identity.

import * as v from "valibot";
import { parseSessionId } from "../../core/ids.ts";
import { placed } from "../../durable/jurisdiction.ts";
import { PERIMETER_SHARDS } from "../../durable/perimeter_log.ts";
import { REGISTRY_SHARDS, registryShard } from "../../durable/registry_client.ts";
import type { Env } from "../env.ts";
import { problem } from "../problem.ts";
import { json } from "./answers.ts";
import { exported } from "./export.ts";
import { type Route, route } from "./route.ts";
import { Sid } from "./schemas.ts";

const NDJSON = { "application/x-ndjson": null } as const;

const registryRecords = route({
  id: "registry-records",
  method: "GET",
  path: "/api/v1/registry/{shard}/records",
  who: ["auditor"],
  summary: "Read a registry shard's records",
  description:
    "The chained log of which sessions were opened and closed, in a shard for each last hex digit of a session's id.",
  refusals: ["not_found"],
  answers: { 200: { description: "The records", content: NDJSON } },
  answer: async ({ path }, { exchange }, signal) => {
    const shard = path.get("shard") ?? "";
    if (!REGISTRY_SHARDS.includes(shard)) return problem("not_found", null);
    const registry = registryShard(exchange.gateway.env, shard);
    const summary = await registry.describe();
    return summary === null
      ? problem("not_found", null)
      : exported(exchange, signal, summary, (from, limit) => registry.read(from, limit));
  },
});

const perimeterSessions = route({
  id: "perimeter",
  method: "GET",
  path: "/api/v1/perimeter/{shard}",
  who: ["auditor"],
  summary: "List a perimeter shard's days",
  description: "Each day's calls without a valid identity are a session of their shard; there are 16.",
  refusals: ["not_found"],
  answers: {
    200: { description: "The sessions", content: { "application/json": v.object({ sessions: v.array(Sid) }) } },
  },
  answer: async ({ path }, { exchange }) => {
    const perimeter = perimeterOf(exchange.gateway.env, path.get("shard") ?? "");
    return perimeter === null ? problem("not_found", null) : json({ sessions: await perimeter.list() });
  },
});

const perimeterRecords = route({
  id: "perimeter-records",
  method: "GET",
  path: "/api/v1/perimeter/{shard}/{sid}/records",
  who: ["auditor"],
  summary: "Read a perimeter session's records",
  description: "A day of one shard, as an export that can be verified.",
  refusals: ["not_found"],
  answers: { 200: { description: "The records", content: NDJSON } },
  answer: async ({ path }, { exchange }, signal) => {
    const perimeter = perimeterOf(exchange.gateway.env, path.get("shard") ?? "");
    const sid = parseSessionId(path.get("sid") ?? "");
    const summary = perimeter === null || sid === null ? null : await perimeter.describe(sid);
    if (perimeter === null || sid === null || summary === null) return problem("not_found", null);
    return exported(exchange, signal, summary, (from, limit) => perimeter.read(sid, from, limit));
  },
});

function perimeterOf(env: Env, shard: string) {
  if (!/^\d{1,2}$/.test(shard) || Number(shard) >= PERIMETER_SHARDS) return null;
  const shards = placed(env.PERIMETER, env);
  return shards.get(shards.idFromName(`perimeter/${Number(shard)}`));
}

export const TRAIL_ROUTES: readonly Route[] = [registryRecords, perimeterSessions, perimeterRecords];
