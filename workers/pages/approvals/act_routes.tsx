// What the forms send: a decision, a sign-off, a withdrawal. Taken, it leads back to the approval (303), so
// that a reload sends nothing twice; not taken, the form is shown again as things are now, with what was
// typed and why.

import * as v from "valibot";
import { commentLine } from "../../../core/approval/signed_decision.ts";
import { ok, type Result } from "../../../core/result.ts";
import {
  type Acted,
  type ActRefusal,
  cancel,
  type Decide,
  decide,
  review,
  revoke,
  seenOf,
} from "../../approvals/acts.ts";
import { findApproval, type FoundApproval, isOwn } from "../../approvals/find.ts";
import { powersOf } from "../../approvals/powers.ts";
import { Seen } from "../../console/approval_schemas.ts";
import { changeText, maskedWords } from "../../console/answers.ts";
import type { Prepared, PrepareRefusal } from "../../console/route.ts";
import { statusOf } from "../../problem.ts";
import { checkDecision } from "../../passkeys/check_decision.ts";
import { seeOther } from "../answers.tsx";
import { freshLogin } from "../fresh_login.ts";
import { type PageCall, type PageIncoming, type PageRoute, pageRoute } from "../page_route.ts";
import { COMMENT_LIMIT } from "./decide.tsx";
import { showForm } from "./form.tsx";
import { REFUSALS } from "./words.ts";

const Text = v.optional(v.pipe(v.string(), v.maxLength(8_192)), "");
/** Room for a comment of a thousand characters, percent-encoded, and for what a passkey signed. */
const DECISION_LIMIT = 32_768;

interface Sent {
  readonly found: FoundApproval;
  readonly comment: string | null;
}

const decision = pageRoute({
  id: "approval-decision",
  method: "POST",
  path: "/approvals/{id}/decision",
  who: "anyone",
  form: v.strictObject({
    decision: v.picklist(["approve", "grant", "deny"]),
    seen: Seen,
    comment: Text,
    minutes: Text,
    challenge: Text,
    assertion: Text,
  }),
  limit: DECISION_LIMIT,
  // What was signed stands in the record of the decision, and is none without it.
  prepare: async (call) => {
    const { challenge: _, assertion: __, ...form } = call.form;
    return ready(call, { ...form, minutes: form.decision === "grant" ? form.minutes : "" });
  },
  answer: async (call, { exchange, caller }, _signal, { found, comment }) => {
    const { decision: chosen, seen, minutes } = call.form;
    const wrong = wrongIn(call.form) ?? (chosen === "grant" ? wrongMinutes(minutes, found) : null);
    if (wrong !== null) return shownAgain(call, wrong, 422);
    const grantMs = chosen === "grant" ? Number(minutes) * 60_000 : 0;
    const asked = { decision: chosen === "deny" ? "deny" : "approve", grantMs, comment } as const;
    if (!found.approval.terms.passkey)
      return told(call, await decide(exchange, caller, found, { ...asked, seen, assertion: null }));
    if (comment !== null && maskedWords(comment) !== comment) return shownAgain(call, COMMENT_MASKED, 422);
    const signed = await signedOf(call, found, asked);
    if (!signed.ok) return told(call, signed);
    return told(call, await decide(exchange, caller, found, { ...asked, seen, assertion: signed.value }));
  },
});

/** The record keeps a comment masked, and could not show what was signed. */
const COMMENT_MASKED =
  "What looks like a secret in your comment would be masked in the record, and nobody could check what you signed. Leave it out.";

/** Null without a signature, or where none is looked at because the decision is refused whatever was signed. */
async function signedOf(
  call: PageCall<object, { readonly seen: string; readonly challenge: string; readonly assertion: string }>,
  found: FoundApproval,
  asked: Pick<Decide, "decision" | "grantMs" | "comment">,
): Promise<Result<string | null, { reason: ActRefusal }>> {
  const { exchange, caller, form } = call;
  const mayDecide = powersOf(found, caller, exchange.policy, Date.now()).decide && form.seen === seenOf(found);
  return form.assertion === "" || !mayDecide ? ok(null) : checkDecision(call, found, asked, form);
}

/** What a decider does afterwards, with a comment that the rule may want. */
function afterwards(what: "review" | "revoke", act: typeof review): PageRoute {
  return pageRoute({
    id: `approval-${what}`,
    method: "POST",
    path: `/approvals/{id}/${what}`,
    who: "anyone",
    form: v.strictObject({ comment: Text }),
    prepare: async (call) => ready(call, call.form),
    answer: async (call, { exchange, caller }, _signal, { found, comment }) => {
      const wrong = wrongIn(call.form);
      if (wrong !== null) return shownAgain(call, wrong, 422);
      return told(call, await act(exchange, caller, found, comment));
    },
  });
}

const signOff = afterwards("review", review);
const takeBack = afterwards("revoke", revoke);

const withdraw = pageRoute({
  id: "approval-cancel",
  method: "POST",
  path: "/approvals/{id}/cancel",
  who: "anyone",
  prepare: async (call): Promise<Result<Prepared<Sent>, PrepareRefusal>> => {
    const sent = await found(call, {});
    if (!sent.ok || isOwn(sent.value.data.found.entry, call.caller)) return sent;
    return { ok: false, reason: "not_found", fields: sent.value.fields };
  },
  answer: async (call, { exchange }, _signal, sent) => told(call, await cancel(exchange, sent.found)),
});

/** With a login of the last minutes; else over the provider and back to the form. */
async function ready(
  call: PageIncoming,
  form: { readonly comment: string; readonly minutes?: string },
): Promise<Result<Prepared<Sent>, PrepareRefusal>> {
  const sent = await found(call, form);
  if (!sent.ok) return sent;
  const { comment, minutes = "" } = form;
  const old = await freshLogin(call, pathOf(call), { comment, minutes });
  return old === null ? sent : { ok: false, ...old, fields: sent.value.fields };
}

async function found(
  { exchange, caller, path }: PageIncoming,
  form: { readonly comment?: string },
): Promise<Result<Prepared<Sent>, PrepareRefusal>> {
  const comment = commentLine(form.comment ?? "");
  // Nothing that was typed and nothing of one's own choice is left out, but for what has no meaning here.
  const given = Object.entries({ ...form, comment: maskedWords(comment ?? "") }).filter(([, value]) => value !== "");
  const fields = { change: changeText(Object.fromEntries(given)) };
  const approval = await findApproval(exchange.gateway.env, caller, exchange.policy, path.get("id") ?? "");
  if (approval === null) return { ok: false, reason: "not_found", fields };
  return ok({ fields, data: { found: approval, comment } });
}

function pathOf({ path }: PageIncoming): string {
  return `/approvals/${path.get("id") ?? ""}`;
}

function wrongIn({ comment }: { readonly comment: string }): string | null {
  const line = commentLine(comment) ?? "";
  if (line.length > COMMENT_LIMIT)
    return `The comment is longer than ${COMMENT_LIMIT.toLocaleString("en")} characters.`;
  return /\p{Cc}/u.test(line) || !line.isWellFormed() ? "The comment has characters in it that cannot be seen." : null;
}

function wrongMinutes(minutes: string, { approval }: FoundApproval): string | null {
  const most = Math.floor((approval.terms.grant?.maxMs ?? 0) / 60_000);
  if (/^[1-9]\d{0,3}$/.test(minutes) && Number(minutes) <= most) return null;
  return most === 0 ? REFUSALS.grant_none : `Say for how many minutes: a whole number from 1 to ${most}.`;
}

type ActCall = PageIncoming & { readonly form: object };

function told(call: ActCall, acted: Acted): Response | Promise<Response> {
  return acted.ok ? seeOther(call, pathOf(call)) : shownAgain(call, REFUSALS[acted.reason], statusFor(acted.reason));
}

function statusFor(reason: ActRefusal): number {
  return statusOf(reason);
}

function shownAgain(call: ActCall, text: string, status: number): Promise<Response> {
  const { comment = "", minutes = "" } = call.form as { readonly comment?: string; readonly minutes?: string };
  return showForm(call, { told: { text, isError: true }, typed: { comment, minutes }, status });
}

export const ACT_ROUTES: readonly PageRoute[] = [decision, signOff, takeBack, withdraw];
