// How the gateway is, for those who run it: `/healthz` says only that it runs.

import * as v from "valibot";
import { controlOf } from "../control_client.ts";
import type { Env } from "../env.ts";
import { VERSION } from "../version.ts";
import { json } from "./answers.ts";
import { type Route, route } from "./route.ts";
import { Count, Hash } from "./schemas.ts";

const health = route({
  id: "health",
  method: "GET",
  path: "/api/v1/health",
  who: "anyone",
  summary: "Say how the gateway is",
  description:
    "The policy is the one that decides where this call was answered; another that was just applied counts there within a second.",
  answers: {
    200: {
      description: "How it is",
      content: {
        "application/json": v.object({
          region: v.string(),
          version: v.string(),
          policy: v.object({
            hash: v.pipe(Hash, v.description("Of no text where none was ever applied")),
            no: v.pipe(v.nullable(Count), v.description("Its version; null where none was ever applied")),
            age_ms: v.pipe(Count, v.description("Since the control object was asked")),
            state: v.pipe(
              v.picklist(["in_force", "unreadable"]),
              v.description("unreadable: this code cannot use the policy in force, and refuses what it would decide"),
            ),
          }),
          control: v.literal("ok"),
          history_lag: v.pipe(Count, v.description("Rows that the history database has not taken yet")),
          search: v.picklist(["ok", "absent", "down"]),
        }),
      },
    },
  },
  answer: async (_call, { exchange }) => {
    const { gateway } = exchange;
    const now = Date.now();
    const known = gateway.control.current(now) ?? (await gateway.control.renew(now));
    if (known === null) throw new Error("the control object cannot be reached");
    const [search] = await Promise.all([searchState(gateway.env), controlOf(gateway.env).snapshot()]);
    return json({
      region: gateway.config.region,
      version: VERSION,
      policy: {
        hash: known.inForce?.hash ?? known.policy.hash,
        no: known.inForce?.no ?? null,
        age_ms: Math.max(0, now - known.asked),
        state: known.isUnreadable ? "unreadable" : "in_force",
      },
      control: "ok",
      history_lag: known.historyLag,
      search,
    });
  },
});

async function searchState({ SEARCH }: Env): Promise<"ok" | "absent" | "down"> {
  if (SEARCH === undefined) return "absent";
  try {
    await SEARCH.prepare("SELECT 1").first();
    return "ok";
  } catch {
    return "down";
  }
}

export const HEALTH_ROUTES: readonly Route[] = [health];
