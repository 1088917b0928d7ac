// Notices that are not sent yet, and those that nobody took: for those who see to it that people are told.

import * as v from "valibot";
import { REGISTRY_SHARDS, registryOf, registryShard } from "../../durable/registry_client.ts";
import type { NoticeEntry } from "../../durable/notice_rpc.ts";
import type { Policy } from "../../core/policy/policy.ts";
import type { Notice } from "../../durable/approval_rpc.ts";
import { problem } from "../problem.ts";
import { changeText, json, nextPage } from "./answers.ts";
import { Cursors } from "./cursor.ts";
import { type Route, route } from "./route.ts";
import { CommandIdText, Count, Cursor, Limit, page, Time } from "./schemas.ts";

const DEFAULT_LIMIT = 100;
/** `<approval>_<event>_<name>`; its shard is that of the approval. */
const NOTICE_ID = /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})_[a-z_]{1,16}_[a-z][a-z0-9_-]{0,63}$/;

const NoticeItem = v.object({
  id: v.pipe(v.string(), v.description("The same as `webhook-id`, however often it is sent")),
  approval: CommandIdText,
  connection: v.string(),
  title: v.pipe(v.string(), v.description("Method and target, masked and cut")),
  event: v.picklist(["requested", "break_glass", "approved", "denied", "expired", "cancelled"]),
  time: v.pipe(Count, v.description("When that was; milliseconds since 1970")),
  to: v.pipe(v.string(), v.description("A name of the policy's `notify`")),
  format: v.picklist(["webhook", "slack"]),
  state: v.picklist(["waiting", "dead"]),
  tries: Count,
  due: v.pipe(v.nullable(Count), v.description("When it is sent next; null of one that was given up")),
  tried: v.pipe(v.nullable(Time), v.description("The last time")),
  failure: v.pipe(
    v.nullable(v.string()),
    v.description(
      "Why it was not taken then: `timeout`, `unreachable`, `status_<n>`, `secret_missing`, `secret_invalid` or `address_refused`",
    ),
  ),
});

function itemOf(entry: NoticeEntry): v.InferOutput<typeof NoticeItem> {
  return { ...entry, state: entry.due === null ? "dead" : "waiting" };
}

const listNotices = route({
  id: "notices",
  method: "GET",
  path: "/api/v1/notices",
  who: ["auditor", "admin"],
  summary: "List notices",
  description:
    "Newest approval first. `waiting`: those that are not sent yet. `dead`: those that nobody took, kept for a month after the last try.",
  query: v.strictObject({
    state: v.optional(v.picklist(["waiting", "dead"], "waiting or dead")),
    limit: v.optional(Limit),
    cursor: v.optional(Cursor),
  }),
  refusals: ["cursor_invalid"],
  answers: {
    200: { description: "A page of notices", content: { "application/json": page(NoticeItem) }, headers: ["link"] },
  },
  prepare: async ({ caller, exchange, query: { cursor, state = "dead" } }) => {
    const scope = { list: ["notices"], filters: { state } };
    const cursors = new Cursors(caller, exchange.gateway.config);
    const before = cursor === undefined ? null : cursors.read(cursor, scope);
    if (cursor !== undefined && before === null) return { ok: false, reason: "cursor_invalid" };
    return { ok: true, value: { fields: {}, data: { cursors, scope, state, before } } };
  },
  answer: async (call, { exchange }, _signal, { cursors, scope, state, before }) => {
    const { limit = DEFAULT_LIMIT } = call.query;
    // One more than wanted tells whether there is more.
    const asked = { state, before, limit: limit + 1 };
    const { env } = exchange.gateway;
    const shards = await Promise.all(REGISTRY_SHARDS.map((shard) => registryShard(env, shard).listNotices(asked)));
    const all = shards.flat().sort((a, b) => (a.id < b.id ? 1 : -1));
    const items = all.slice(0, limit);
    const { next, headers } = nextPage(call, cursors, scope, all.length > limit ? (items.at(-1)?.id ?? null) : null);
    return json({ items: items.map(itemOf), next }, 200, headers);
  },
});

const retryNotice = route({
  id: "notice-retry",
  method: "POST",
  path: "/api/v1/notices/{id}/retry",
  who: ["admin"],
  summary: "Send a notice again",
  description:
    "Now, and with all its tries again: to where the policy in force has its receiver, which may be elsewhere than when it was queued.",
  refusals: ["not_found", "notify_unknown"],
  answers: { 202: { description: "It is being sent", content: { "application/json": NoticeItem } } },
  prepare: async ({ path, exchange }) => {
    const id = path.get("id") ?? "";
    const [, approval] = NOTICE_ID.exec(id) ?? [];
    const fields = { change: changeText({ notice: id }) };
    if (approval === undefined) return { ok: false, reason: "not_found" };
    const shard = registryOf(exchange.gateway.env, approval);
    const entry = await shard.findNotice(id);
    if (entry === null) return { ok: false, reason: "not_found", fields };
    const target = targetOf(exchange.policy, entry.to);
    return target === null
      ? { ok: false, reason: "notify_unknown", fields }
      : { ok: true, value: { fields, data: { id, approval, target } } };
  },
  answer: async (_call, { exchange }, _signal, { id, approval, target }) => {
    const again = await registryOf(exchange.gateway.env, approval).retryNotice(id, target);
    return again === null ? problem("not_found", null) : json(itemOf(again), 202);
  },
});

/** Null if the policy names it no more: what was taken out of it is not to be told anything. */
function targetOf({ notify }: Policy, name: string): Notice | null {
  const target = notify.get(name);
  return target === undefined ? null : { name, format: target.format, url: target.url, secret: target.secret };
}

export const NOTICE_ROUTES: readonly Route[] = [listNotices, retryNotice];
