// The inbox: what waits for the reader, what they asked for and decided, and reviews that are owed.

import * as v from "valibot";
import { parseCommandId } from "../../../core/ids.ts";
import type { Policy } from "../../../core/policy/policy.ts";
import { pageOf as approvalsOf, type View } from "../../approvals/find.ts";
import type { Caller } from "../../caller.ts";
import { ApprovalViewName, StateName } from "../../console/approval_schemas.ts";
import { COUNT_LIMIT, inboxEvents } from "../../console/approvals_live.ts";
import { Cursors } from "../../console/cursor.ts";
import { Connection, Cursor } from "../../console/schemas.ts";
import type { Env } from "../../env.ts";
import { pageOf } from "../answers.tsx";
import { type PageCall, type PageRoute, pageRoute } from "../page_route.ts";
import { hasState, Inbox, type Props, titleOf } from "./inbox_page.tsx";

const ITEMS = 25;
const VIEWS: readonly View[] = ["waiting", "mine", "decided", "reviews", "all"];
/** A form sends its empty fields, too. */
const None = v.pipe(
  v.literal(""),
  v.transform(() => undefined),
);
const QUERY = {
  view: v.optional(ApprovalViewName),
  state: v.optional(v.union([StateName, None])),
  connection: v.optional(v.union([Connection, None], "a connection's name")),
  cursor: v.optional(Cursor),
};

type Filters = Readonly<v.InferOutput<v.StrictObjectSchema<typeof QUERY, undefined>>>;

const inbox = pageRoute({
  id: "inbox",
  method: "GET",
  path: "/",
  who: "anyone",
  query: v.strictObject(QUERY),
  prepare: async (call) => {
    const view = call.query.view ?? "waiting";
    if (view === "all" && !seesAll(call.caller)) return { ok: false, reason: "role_needed" };
    const place = placeOf(call, view);
    if (place === null) return { ok: false, reason: "cursor_invalid" };
    return { ok: true, value: { fields: {}, data: { view, before: place === "" ? null : parseCommandId(place) } } };
  },
  answer: async (call, { exchange: { gateway, policy }, caller }, _signal, { view, before }) => {
    const { state, connection } = call.query;
    const filters = { state: hasState(view) ? state : undefined, connection };
    const { env, config } = gateway;
    const [{ items, next }, counts] = await Promise.all([
      approvalsOf(env, caller, policy, view, filters, before, ITEMS),
      countsOf(env, caller, policy),
    ]);
    const older = next === null ? null : new Cursors(caller, config).write(next, scopeOf(call.query, view));
    const views = VIEWS.filter((one) => one !== "all" || seesAll(caller));
    return pageOf(
      call,
      { title: titleOf(view), at: "/" },
      <Inbox
        {...{ view, views, state, connection, items, older, counts }}
        isFirstPage={call.query.cursor === undefined}
      />,
    );
  },
});

const live = pageRoute({
  id: "inbox-live",
  method: "GET",
  path: "/approvals/live",
  who: "anyone",
  answer: (_call, { exchange, caller }, signal) => inboxEvents(exchange, caller, signal),
});

function seesAll({ roles }: Caller): boolean {
  return roles.has("auditor") || roles.has("admin");
}

type Asked = PageCall<Filters, unknown>;

function scopeOf(filters: Filters, view: View) {
  return { list: ["inbox"], filters: { view, state: filters.state, connection: filters.connection } };
}

/** After which one the page begins: "" is the first page, null a cursor of another list. */
function placeOf({ query, caller, exchange }: Asked, view: View): string | null {
  if (query.cursor === undefined) return "";
  return new Cursors(caller, exchange.gateway.config).read(query.cursor, scopeOf(query, view));
}

async function countsOf(env: Env, caller: Caller, policy: Policy): Promise<Props["counts"]> {
  const [waiting, reviews] = await Promise.all(
    (["waiting", "reviews"] as const).map((view) => approvalsOf(env, caller, policy, view, {}, null, COUNT_LIMIT)),
  );
  return { waiting: waiting?.items.length ?? 0, reviews: reviews?.items.length ?? 0 };
}

export const INBOX_ROUTES: readonly PageRoute[] = [inbox, live];
