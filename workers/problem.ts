// From a reason to what the caller is told: RFC 9457, with the record's place. The caller learns
// little, the record everything; nothing here repeats what was sent or names the upstream.

import type { DenyReason } from "../core/policy/decision.ts";
import type { HeaderRefusal } from "../core/protocol/http/request_headers.ts";
import type { TargetRefusal } from "../core/protocol/http/target.ts";

export type ProblemReason =
  | DenyReason
  | HeaderRefusal["reason"]
  | TargetRefusal["reason"]
  | "unauthenticated"
  | "session_killed"
  | "issuer_unavailable"
  | "approval_pending"
  | "approval_denied"
  | "approval_expired"
  | "approval_cancelled"
  | "approval_revoked"
  | "approval_consumed"
  | "approval_stale"
  | "approval_unknown"
  | "approval_other_command"
  | "approval_header_invalid"
  | "approval_hidden"
  | "reason_needed"
  | "approvals_too_many"
  | "approval_approved"
  | "approval_changed"
  | "decider_is_requester"
  | "decider_not_asked"
  | "decider_not_in_person"
  | "decider_decided"
  | "decider_login_old"
  | "comment_needed"
  | "passkey_needed"
  | "passkey_wrong"
  | "passkey_late"
  | "passkey_unknown"
  | "passkey_counter"
  | "grant_none"
  | "grant_too_long"
  | "review_none"
  | "break_glass_none"
  | "notify_unknown"
  | "body_too_large_to_wait"
  | "method_unknown"
  | "upgrade_unsupported"
  | "upgrade_malformed"
  | "cross_site"
  | "form_invalid"
  | "login_old"
  | "service_worker"
  | "no_host_form"
  | "wrong_region"
  | "misdirected"
  | "misconfigured"
  | "control_unavailable"
  | "not_recordable"
  | "overloaded"
  | "upstream_unreachable"
  | "upstream_timeout"
  | "upstream_invalid"
  | "body_cut"
  | "request_cut"
  | "body_too_large"
  | "body_unsupported"
  | "answer_not_recordable"
  | "answer_unreadable"
  | "answer_unmaskable"
  | "request_not_recordable"
  | "request_unreadable"
  | "mask_failed"
  | "trail_unavailable"
  | "internal"
  | "credential_missing"
  | "not_found"
  | "request_invalid"
  | "role_needed"
  | "method_not_allowed"
  | "not_acceptable"
  | "media_type_unsupported"
  | "cursor_invalid"
  | "precondition_needed"
  | "precondition_failed"
  | "policy_invalid"
  | "policy_examples_fail"
  | "search_unavailable"
  | "rate_limited"
  | "policy_unreadable"
  | "policy_changed"
  | "allowed_no_more"
  | "session_over"
  | "body_late"
  | "payload_none"
  | "payload_not_recorded"
  | "payload_opaque"
  | "range_unsatisfiable";

interface Told {
  readonly status: number;
  readonly title: string;
  readonly retryAfter?: number;
}

const TOLD: Readonly<Record<ProblemReason, Told>> = {
  no_rule: { status: 403, title: "No rule of the policy allows this" },
  rule_denies: { status: 403, title: "A rule of the policy denies this" },
  // Told as "no_rule", so that the answer does not say which names exist. The record's place still tells
  // a patient caller: a made-up name has no session of its own.
  unknown_connection: { status: 403, title: "No rule of the policy allows this" },
  condition_failed: { status: 403, title: "A condition of the policy could not be evaluated" },
  body_not_json: { status: 415, title: "The policy reads this request's body, which is not JSON" },
  body_ambiguous: { status: 400, title: "The policy reads this request's body, which parsers may read differently" },
  body_too_large_to_decide: { status: 413, title: "The policy reads this request's body, which is too large for that" },
  method_override: { status: 400, title: "Method overrides are not forwarded; use the method itself" },
  destination_outside: { status: 400, title: "Destination must lie inside this connection" },
  target_malformed: { status: 400, title: "The request target has characters that must be percent-encoded" },
  target_climbs: { status: 400, title: "The request target climbs out of its connection" },
  target_too_long: { status: 414, title: "The request target is too long" },
  target_without_connection: { status: 404, title: "The request target names no connection: /c/<connection>/…" },
  unauthenticated: { status: 401, title: "A valid access token is needed" },
  session_killed: { status: 403, title: "An admin ended this session; log in again" },
  issuer_unavailable: { status: 503, title: "The identity provider cannot be reached", retryAfter: 10 },
  approval_pending: { status: 202, title: "This waits for an approval; nothing was forwarded", retryAfter: 5 },
  approval_denied: { status: 403, title: "This was not approved" },
  approval_expired: { status: 403, title: "The approval was not given, or not used, in time; ask again" },
  approval_cancelled: { status: 403, title: "The request for approval was taken back" },
  approval_revoked: { status: 403, title: "The approval was taken back" },
  approval_consumed: { status: 409, title: "This approval has been used; each is good for one command" },
  approval_stale: { status: 409, title: "The policy changed since this approval was asked for; ask again" },
  approval_unknown: { status: 404, title: "You have asked for no such approval" },
  approval_other_command: { status: 403, title: "This approval is for another command" },
  approval_header_invalid: {
    status: 400,
    title: "Sallyport-Approval, Sallyport-Reason or Sallyport-Break-Glass is malformed",
  },
  approval_hidden: {
    status: 403,
    title: "What this request holds would be masked, and nobody approves here what they cannot see",
  },
  reason_needed: { status: 400, title: "This needs a reason for those who approve it: Sallyport-Reason" },
  approvals_too_many: { status: 429, title: "Too many requests for approval wait already", retryAfter: 30 },
  approval_approved: { status: 409, title: "It is approved already" },
  approval_changed: { status: 409, title: "It has changed since you looked at it; read it again" },
  decider_is_requester: { status: 403, title: "Nobody decides what they asked for, or what was asked for them" },
  decider_not_asked: { status: 403, title: "The rule asks others" },
  decider_not_in_person: { status: 403, title: "A decision is a person's own; nobody decides through an agent" },
  decider_decided: { status: 409, title: "You have decided this already" },
  decider_login_old: {
    status: 403,
    title: "Your login is more than five minutes old, and so is what it says of your groups; log in again",
  },
  comment_needed: { status: 422, title: "The rule wants a comment with each decision" },
  passkey_needed: { status: 403, title: "The rule wants a passkey with each decision; decide in the console" },
  passkey_wrong: { status: 403, title: "What the passkey signed is not this decision" },
  passkey_late: { status: 403, title: "What the passkey signed was used before, or is too old" },
  passkey_unknown: { status: 403, title: "You have no such passkey here" },
  passkey_counter: { status: 403, title: "The passkey's count went back: there may be a copy of it" },
  grant_none: { status: 422, title: "The rule allows this once at a time" },
  grant_too_long: { status: 422, title: "This is longer than the rule allows" },
  review_none: { status: 409, title: "There is nothing to sign off" },
  notify_unknown: { status: 409, title: "The policy in force names no such receiver of notices" },
  break_glass_none: { status: 403, title: "You may not go on without an approval here" },
  body_too_large_to_wait: { status: 413, title: "The request's body is larger than one that can wait for an approval" },
  method_unknown: { status: 501, title: "This method is not forwarded" },
  upgrade_malformed: { status: 400, title: "The subprotocols are no list of different names" },
  upgrade_unsupported: { status: 501, title: "Protocol upgrades are not forwarded" },
  cross_site: { status: 403, title: "This did not come from the tool's own pages" },
  form_invalid: { status: 403, title: "This form was not made for you, or too long ago" },
  login_old: { status: 403, title: "This needs a login of the last minutes" },
  service_worker: { status: 403, title: "Tools cannot install service workers here" },
  no_host_form: { status: 421, title: "This connection has no host of its own; use /c/<connection>/…" },
  wrong_region: { status: 421, title: "This connection belongs to another region" },
  misdirected: { status: 421, title: "This host is not served here" },
  misconfigured: { status: 503, title: "The gateway is not configured" },
  control_unavailable: { status: 503, title: "The region's control cannot be reached", retryAfter: 2 },
  not_recordable: { status: 503, title: "The command could not be recorded, so it was not forwarded", retryAfter: 2 },
  overloaded: { status: 503, title: "Too many commands of this session wait to be recorded", retryAfter: 1 },
  upstream_unreachable: { status: 502, title: "The upstream cannot be reached" },
  upstream_timeout: { status: 504, title: "The upstream did not answer in time" },
  upstream_invalid: { status: 502, title: "The upstream's answer cannot be forwarded" },
  body_cut: { status: 502, title: "The upstream's answer broke off" },
  request_cut: { status: 400, title: "The request's body broke off or is malformed" },
  body_too_large: { status: 413, title: "The request's body is larger than any that is taken here" },
  body_unsupported: { status: 501, title: "A body with this method is not forwarded" },
  // Not 503: the upstream was called, and a client must not take it for safe to try again.
  answer_not_recordable: {
    status: 502,
    title: "The answer could not be recorded, so it is withheld; the command may have taken effect",
  },
  answer_unmaskable: {
    status: 502,
    title:
      "The upstream answered with a part, where the policy has the whole masked; the command may have taken effect",
  },
  answer_unreadable: {
    status: 502,
    title: "The answer is in a coding that cannot be opened, so it is withheld; the command may have taken effect",
  },
  request_not_recordable: {
    status: 502,
    title: "The request could not be recorded to its end, so it was cut off; it may have taken effect",
  },
  request_unreadable: { status: 415, title: "The request is in a coding that cannot be opened" },
  mask_failed: {
    status: 500,
    title: "A body could not be masked, so it is withheld; the command may have taken effect",
  },
  trail_unavailable: { status: 503, title: "Part of the trail cannot be reached", retryAfter: 2 },
  internal: { status: 500, title: "The gateway failed" },
  credential_missing: { status: 503, title: "The connection's credential is not configured" },
  not_found: { status: 404, title: "There is nothing here" },
  request_invalid: { status: 400, title: "The request is not what this route takes" },
  role_needed: { status: 403, title: "This needs a role that you do not have" },
  method_not_allowed: { status: 405, title: "This route does not have this method" },
  not_acceptable: { status: 406, title: "This route has no answer of a media type that you accept" },
  media_type_unsupported: { status: 415, title: "This route takes no body of this media type" },
  cursor_invalid: { status: 400, title: "This cursor was not made for this list, these filters and you" },
  precondition_needed: { status: 428, title: "This needs If-Match with the entity tag of what it changes" },
  precondition_failed: { status: 412, title: "It was changed meanwhile; read it again" },
  policy_invalid: { status: 422, title: "This is not a policy that can be applied" },
  policy_examples_fail: { status: 422, title: "The policy does not decide its own examples as they expect" },
  search_unavailable: { status: 503, title: "The search index cannot be reached", retryAfter: 5 },
  policy_unreadable: { status: 503, title: "The policy in force cannot be read here", retryAfter: 10 },
  policy_changed: { status: 503, title: "The policy changed while the request was read; send it again", retryAfter: 1 },
  // Neither is 503, for the reason that stands at answer_not_recordable.
  allowed_no_more: { status: 403, title: "A new policy does not allow this; the command may have taken effect" },
  session_over: {
    status: 502,
    title: "The session reached its longest time while the answer was awaited; the command may have taken effect",
  },
  body_late: { status: 408, title: "The request's body did not come in time" },
  payload_none: { status: 404, title: "This command has no such body, or nothing of it yet" },
  payload_not_recorded: {
    status: 404,
    title: "This body is not recorded, by order of the policy: of it there is metadata alone",
  },
  payload_opaque: {
    status: 404,
    title: "This body came in a coding that cannot be opened: of it a commitment is recorded, and no content",
  },
  range_unsatisfiable: { status: 416, title: "The range lies outside of what there is" },
  rate_limited: { status: 429, title: "Too many calls of the API" },
};

export const PROBLEM_REASONS: readonly ProblemReason[] = Object.keys(TOLD).filter(
  (reason): reason is ProblemReason => reason in TOLD,
);

/** One thing that is wrong: where (a JSON pointer into the body, a parameter, or a place in a text), and what would be right. */
export interface ProblemError {
  readonly pointer?: string;
  readonly parameter?: string;
  readonly path?: string;
  /** Both from 1. */
  readonly line?: number;
  readonly column?: number;
  readonly expected: string;
}

/** What a caller is told beyond the reason. Words of the gateway and names that the caller chose, never values. */
export interface ProblemMore {
  readonly detail?: string;
  /** The id of the rule that decided. */
  readonly rule?: string;
  readonly errors?: readonly ProblemError[];
  /** The approval that it is about. */
  readonly approval?: string;
  /** `<sid>/<seq>` of the intent that used it. */
  readonly used?: string;
  readonly headers?: readonly (readonly [string, string])[];
}

export function statusOf(reason: ProblemReason): number {
  return TOLD[reason].status;
}

/** `record` is `<sid>/<seq>` of the record that tells more, or null where there is none. */
export function problem(
  reason: ProblemReason,
  record: string | null,
  headers: readonly (readonly [string, string])[] = [],
  { detail, rule, errors, approval, used, headers: more = [] }: ProblemMore = {},
): Response {
  const { status, title, retryAfter } = TOLD[reason];
  const told = reason === "unknown_connection" ? "no_rule" : reason;
  const document = {
    type: `urn:sallyport:problem:${told}`,
    title,
    status,
    reason: told,
    ...(detail === undefined ? {} : { detail }),
    ...(rule === undefined ? {} : { rule }),
    ...(errors === undefined ? {} : { errors }),
    ...(approval === undefined ? {} : { approval }),
    ...(used === undefined ? {} : { used }),
    ...(record === null ? {} : { record }),
  };
  const text = `${JSON.stringify(document)}\n`;
  const body = new TextEncoder().encode(text);
  const response = new Response(body, {
    status,
    headers: {
      "content-type": "application/problem+json",
      "content-length": String(body.byteLength),
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
    },
  });
  if (retryAfter !== undefined) response.headers.set("retry-after", String(retryAfter));
  for (const [name, value] of [...headers, ...more]) response.headers.append(name, value);
  documents.set(response, document);
  return response;
}

export interface ProblemDocument {
  readonly title: string;
  readonly status: number;
  readonly reason: ProblemReason;
  readonly detail?: string;
  readonly rule?: string;
  readonly errors?: readonly ProblemError[];
  readonly record?: string;
}

/** Tells the gateway's own refusals from an upstream's answer, which may look like one. */
const documents = new WeakMap<Response, ProblemDocument>();

/** What a response of `problem` says; null for any other. */
export function problemOf(response: Response): ProblemDocument | null {
  return documents.get(response) ?? null;
}
