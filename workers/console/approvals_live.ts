// The inbox as it happens, as server-sent events: how many approvals wait for the caller, each time that
// this may have changed.

import * as v from "valibot";
import { Changes } from "../approvals/changes.ts";
import { pageOf } from "../approvals/find.ts";
import { type Caller, callerOf } from "../caller.ts";
import type { Exchange } from "../http/exchange.ts";
import { type Route, route } from "./route.ts";
import { Limit } from "./schemas.ts";
import { orAborted, written } from "./written.ts";

/** Milliseconds after which a client whose connection broke comes back. */
const RETRY_MS = 2_000;
/** More are told as this many. */
export const COUNT_LIMIT = 100;

const live = route({
  id: "approvals-live",
  method: "GET",
  path: "/api/v1/inbox/live",
  who: "anyone",
  summary: "Follow the approvals that wait for the caller",
  description:
    "Server-sent events. `inbox`: how many wait for the caller, how many reviews the caller could sign off (100 at most each), and a number that grows with each change in the region; at once, and again after each change. Comments tell that the connection lives. With `events` the stream ends after so many.",
  query: v.strictObject({ events: v.optional(Limit) }),
  answers: { 200: { description: "The events", content: { "text/event-stream": null } } },
  answer: ({ query }, { exchange, caller }, signal) => inboxEvents(exchange, caller, signal, query.events),
});

export function inboxEvents(
  exchange: Exchange,
  caller: Caller,
  signal: AbortSignal,
  events: number = Infinity,
): Response {
  const headers = { "content-type": "text/event-stream", "x-accel-buffering": "no" };
  return written(exchange, signal, { headers }, async (write) => {
    await write(`retry: ${RETRY_MS}\n\n`);
    const changes = new Changes(exchange.gateway.env);
    await changes.begin();
    for (let no = 0; no < events; no++) {
      await write(
        `event: inbox\nid: ${no}\ndata: ${JSON.stringify({ no, ...(await countsOf(exchange, caller)) })}\n\n`,
      );
      while (no + 1 < events && !(await orAborted(changes.next(), signal))) await write(":\n\n");
    }
  });
}

/** By the policy that is in force now: who may decide changes with it. */
async function countsOf({ gateway, policy }: Exchange, caller: Caller): Promise<{ waiting: number; reviews: number }> {
  const now = gateway.control.current(Date.now()) ?? (await gateway.control.renew(Date.now()));
  const inForce = now?.policy ?? policy;
  const reader = callerOf(caller.authenticated, inForce, gateway.config);
  const [waiting, reviews] = await Promise.all(
    (["waiting", "reviews"] as const).map((view) => pageOf(gateway.env, reader, inForce, view, {}, null, COUNT_LIMIT)),
  );
  return { waiting: waiting?.items.length ?? 0, reviews: reviews?.items.length ?? 0 };
}

export const APPROVAL_LIVE_ROUTES: readonly Route[] = [live];
