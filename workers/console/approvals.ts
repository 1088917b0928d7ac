// Approvals by the API: those that wait for somebody, one as its decider sees it, and what is done with it.

import * as v from "valibot";
import { toBase64 } from "../../core/bytes.ts";
import { parseCommandId } from "../../core/ids.ts";
import { type ApprovalDetail, detailOf } from "../approvals/detail.ts";
import { type Acted, cancel, decide, review, revoke } from "../approvals/acts.ts";
import { findApproval, type FoundApproval, hasDecided, isOwn, pageOf, type View } from "../approvals/find.ts";
import { standingOf } from "../approvals/standing.ts";
import type { ApprovalEntry } from "../../durable/approval_rpc.ts";
import type { Caller } from "../caller.ts";
import { problem } from "../problem.ts";
import { changeText, json, maskedWords, nextPage } from "./answers.ts";
import {
  ApprovalDetailAnswer,
  ApprovalItem,
  ApprovalStepped,
  ApprovalViewName,
  Comment,
  GrantMinutes,
  Seen,
  StateName,
} from "./approval_schemas.ts";
import { Cursors } from "./cursor.ts";
import { JSON_BODY_LIMIT } from "./revocations.ts";
import { type PrepareRefusal, type Prepared, type Route, route } from "./route.ts";
import { Connection, Cursor, Limit, page } from "./schemas.ts";
import type { Policy } from "../../core/policy/policy.ts";
import type { Result } from "../../core/result.ts";
import type { Incoming } from "./route.ts";

const DEFAULT_LIMIT = 100;

const listApprovals = route({
  id: "approvals",
  method: "GET",
  path: "/api/v1/approvals",
  who: "anyone",
  summary: "List approvals",
  description:
    "Newest first. `waiting`: those that the caller may decide now. `mine`: those that the caller asked for. `decided`: those that the caller decided. `reviews`: what went on without approval and the caller may sign off. `all`: for auditors and admins.",
  query: v.strictObject({
    view: v.optional(ApprovalViewName),
    state: v.optional(StateName),
    connection: v.optional(Connection),
    limit: v.optional(Limit),
    cursor: v.optional(Cursor),
  }),
  refusals: ["cursor_invalid", "role_needed"],
  answers: {
    200: { description: "A page of approvals", content: { "application/json": page(ApprovalItem) }, headers: ["link"] },
  },
  prepare: async (call) => {
    const { cursor, limit: _, ...filters } = call.query;
    const view: View = filters.view ?? "waiting";
    if (view === "all" && !call.caller.roles.has("auditor") && !call.caller.roles.has("admin"))
      return { ok: false, reason: "role_needed" };
    const scope = { list: ["approvals"], filters };
    const cursors = new Cursors(call.caller, call.exchange.gateway.config);
    const place = cursor === undefined ? null : cursors.read(cursor, scope);
    const before = place === null ? null : parseCommandId(place);
    if (cursor !== undefined && before === null) return { ok: false, reason: "cursor_invalid" };
    return { ok: true, value: { fields: {}, data: { cursors, scope, view, before } } };
  },
  answer: async (call, { exchange, caller }, _signal, { cursors, scope, view, before }) => {
    const { state, connection, limit = DEFAULT_LIMIT } = call.query;
    const { env } = exchange.gateway;
    const found = await pageOf(env, caller, exchange.policy, view, { state, connection }, before, limit);
    const { next, headers } = nextPage(call, cursors, scope, found.next);
    const items = found.items.map((entry) => itemOf(entry, caller, exchange.policy));
    return json({ items, next }, 200, headers);
  },
});

export function itemOf(entry: ApprovalEntry, caller: Caller, policy: Policy): v.InferOutput<typeof ApprovalItem> {
  const { id, sid, connection, rule, title, requester, actors, requested, expires, state, changed, review } = entry;
  const standing = standingOf(entry, caller, policy);
  return {
    ...{ id, sid, connection, rule, title, requester, requested, expires, state, changed, review },
    actors: [...actors],
    deciders: [...entry.deciders],
    grantUntil: entry.grantUntil,
    isOwn: isOwn(entry, caller),
    hasDecided: hasDecided(entry, caller),
    mayDecide: standing.mayDecide,
    ...(standing.mayDecide ? {} : { why: standing.reason }),
  };
}

const readApproval = route({
  id: "approval",
  method: "GET",
  path: "/api/v1/approvals/{id}",
  who: "anyone",
  summary: "Read an approval",
  description:
    "As its deciders see it: who asks, what exactly, masked as it is recorded, by which rule, and who has decided. `seen` is to be sent along with a decision.",
  refusals: ["not_found"],
  answers: { 200: { description: "The approval", content: { "application/json": ApprovalDetailAnswer } } },
  answer: async ({ path }, { exchange, caller }) => {
    const { env } = exchange.gateway;
    const found = await findApproval(env, caller, exchange.policy, path.get("id") ?? "");
    if (found === null) return problem("not_found", null);
    return json(answerOf(await detailOf(env, caller, exchange.policy, found), caller, exchange.policy));
  },
});

/** Bytes of a body that the answer holds; all of it is at `/api/v1/sessions/{sid}/payload/{id}/request`. */
const BODY_SHOWN = 256 * 1024;

function answerOf(detail: ApprovalDetail, caller: Caller, policy: Policy): v.InferOutput<typeof ApprovalDetailAnswer> {
  const { found, body, missing } = detail;
  const { approval, entry } = found;
  const { terms, votes, state, grant, breakGlass } = approval;
  return {
    ...itemOf(entry, caller, policy),
    state: state.kind,
    ...("reason" in state ? { stateReason: state.reason } : {}),
    ...("until" in state ? { until: state.until } : {}),
    seen: detail.seen,
    record: detail.record,
    ruleText: { description: detail.rule.description, message: detail.rule.message },
    by: terms.by.map((slot, i) => ({
      roles: [...slot.roles],
      groups: [...slot.groups],
      subjects: [...slot.subjects],
      count: slot.count,
      missing: missing[i] ?? slot.count,
    })),
    grantMaxMinutes: terms.grant === null ? null : Math.floor(terms.grant.maxMs / 60_000),
    grantScope: terms.grant?.scope ?? null,
    grant: grant === null ? null : { until: grant.until, scope: grant.scope, ended: grant.ended?.reason ?? null },
    commentNeeded: terms.commentNeeded,
    passkeyNeeded: terms.passkey,
    method: detail.method,
    target: detail.target,
    headers: detail.headers.map(([name, value]) => [name, value]),
    reason: detail.reason,
    client: detail.client,
    body:
      body === null
        ? null
        : {
            ...{ format: body.format, coding: body.coding, size: body.size },
            base64: toBase64(body.bytes.subarray(0, BODY_SHOWN)),
            spans: body.spans.slice(0, 100).map((span) => ({ ...span })),
            spansCut: body.spansCut + Math.max(0, body.spans.length - 100),
          },
    votes: votes.map(({ decision, decider, comment, grantMs, command, time }) => ({
      ...{ decision, decider, comment, command, time },
      grantMinutes: Math.floor(grantMs / 60_000),
    })),
    breakGlass: breakGlass === null ? null : { reason: breakGlass.reason, review: breakGlass.review },
    earlier: detail.earlier.map(({ id, state: then, requested, deciders }) => ({
      ...{ id, state: then, requested },
      deciders: [...deciders],
    })),
    before: detail.before.map(({ id, time, method, path, outcome, status }) => ({
      id,
      time,
      method,
      path,
      outcome,
      status,
    })),
  };
}

type Found = Prepared<FoundApproval>;

/** Finds it before the intent of the change is recorded, so that what is refused is told with what was asked. */
async function ready({ exchange, caller, path }: Incoming, change: object): Promise<Result<Found, PrepareRefusal>> {
  const fields = { change: changeText(change) };
  const found = await findApproval(exchange.gateway.env, caller, exchange.policy, path.get("id") ?? "");
  return found === null ? { ok: false, reason: "not_found", fields } : { ok: true, value: { fields, data: found } };
}

/** `request.body` with what people wrote in it masked. */
function masked(body: { readonly comment?: string | undefined }): object {
  return body.comment === undefined ? body : { ...body, comment: maskedWords(body.comment) };
}

function told(acted: Acted): Response {
  if (!acted.ok) return problem(acted.reason, null);
  const { approval, record } = acted.value;
  return json({ id: approval.id, state: approval.state.kind, record });
}

const STEPPED = { 200: { description: "It is done", content: { "application/json": ApprovalStepped } } } as const;
const BODY = { mediaType: "application/json", limit: JSON_BODY_LIMIT } as const;
const CommentOnly = v.strictObject({ comment: v.optional(Comment) });
const STEP_REFUSALS = [
  "not_found",
  "approval_pending",
  "approval_approved",
  "approval_denied",
  "approval_expired",
  "approval_cancelled",
  "approval_revoked",
  "approval_consumed",
  "approval_stale",
  "overloaded",
] as const;
const DECIDER_REFUSALS = [
  "decider_is_requester",
  "decider_not_asked",
  "decider_not_in_person",
  "decider_decided",
  "decider_login_old",
  "comment_needed",
] as const;

const decideApproval = route({
  id: "approval-decision",
  method: "POST",
  path: "/api/v1/approvals/{id}/decision",
  who: "anyone",
  summary: "Approve or deny",
  description:
    "By somebody whom the rule asks, and who has not asked for it. With `minutes` the like is allowed for so long, where the rule has that. The caller's token must not be older than five minutes, so that its groups are of now.",
  body: {
    ...BODY,
    description: "The decision",
    schema: v.strictObject({
      decision: v.picklist(["approve", "deny"], "approve or deny"),
      seen: Seen,
      minutes: v.optional(GrantMinutes),
      comment: v.optional(Comment),
    }),
  },
  refusals: [
    ...STEP_REFUSALS,
    ...DECIDER_REFUSALS,
    "approval_changed",
    "grant_none",
    "grant_too_long",
    "passkey_needed",
  ],
  answers: STEPPED,
  prepare: (call) => ready(call, masked(call.body)),
  answer: async ({ body }, { exchange, caller }, _signal, found) => {
    const { decision, seen, minutes = 0, comment = null } = body;
    const asked = { decision, seen, comment, grantMs: minutes * 60_000, assertion: null };
    return told(await decide(exchange, caller, found, asked));
  },
});

const cancelApproval = route({
  id: "approval-cancel",
  method: "POST",
  path: "/api/v1/approvals/{id}/cancel",
  who: "anyone",
  summary: "Take back a request for approval",
  description: "One's own, while it is pending, approved and not used, or granted.",
  body: { ...BODY, description: "Nothing, or why", schema: CommentOnly },
  refusals: [...STEP_REFUSALS],
  answers: STEPPED,
  prepare: async (call) => {
    const found = await ready(call, masked(call.body));
    if (!found.ok || isOwn(found.value.data.entry, call.caller)) return found;
    return { ok: false, reason: "not_found", fields: found.value.fields };
  },
  answer: async (_call, { exchange }, _signal, found) => told(await cancel(exchange, found)),
});

const revokeApproval = route({
  id: "approval-revoke",
  method: "POST",
  path: "/api/v1/approvals/{id}/revoke",
  who: "anyone",
  summary: "Take back an approval",
  description:
    "By somebody who may decide it, or an admin: what was approved and not used, or granted. What runs under a grant is cut within a second.",
  body: { ...BODY, description: "Why", schema: CommentOnly },
  refusals: [...STEP_REFUSALS, ...DECIDER_REFUSALS],
  answers: STEPPED,
  prepare: (call) => ready(call, masked(call.body)),
  answer: async ({ body }, { exchange, caller }, _signal, found) =>
    told(await revoke(exchange, caller, found, body.comment ?? null)),
});

const reviewApproval = route({
  id: "approval-review",
  method: "POST",
  path: "/api/v1/approvals/{id}/review",
  who: "anyone",
  summary: "Sign off what went on without approval",
  description: "By somebody who could have approved it.",
  body: { ...BODY, description: "What was found", schema: CommentOnly },
  refusals: [...STEP_REFUSALS, ...DECIDER_REFUSALS, "review_none"],
  answers: STEPPED,
  prepare: (call) => ready(call, masked(call.body)),
  answer: async ({ body }, { exchange, caller }, _signal, found) =>
    told(await review(exchange, caller, found, body.comment ?? null)),
});

export const APPROVAL_ROUTES: readonly Route[] = [
  listApprovals,
  readApproval,
  decideApproval,
  cancelApproval,
  revokeApproval,
  reviewApproval,
];
