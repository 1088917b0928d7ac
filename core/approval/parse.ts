// An approval as it was kept, read again: stored text is a boundary like any other. What cannot be read is no
// approval, so nothing goes on by it.

import * as v from "valibot";
import { parseCommandId, parseConnectionName, parseDigest } from "../ids.ts";
import type { Approval } from "./approval.ts";

/** What `parseApproval` reads. */
export function approvalText(approval: Approval): string {
  return JSON.stringify(approval);
}

/** Null for anything but what `approvalText` writes. */
export function parseApproval(text: string): Approval | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  const parsed = v.safeParse(ApprovalSchema, value);
  return parsed.success ? parsed.output : null;
}

/** A text that one of the parsers of ids.ts takes. */
function id<T extends string>(parse: (text: string) => T | null): v.GenericSchema<unknown, T> {
  return v.custom<T>((value) => typeof value === "string" && parse(value) !== null);
}

const Time = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const Text = v.nullable(v.string());
const Command = id(parseCommandId);
const Digest = id(parseDigest);
const Identity = v.strictObject({ issuer: v.string(), subject: v.string() });
const Party = v.strictObject({ issuer: v.string(), subject: v.string(), name: Text, email: Text });
const CANCELLED = ["requester", "client_gone", "killed", "session_over", "policy_changed"] as const;
const Revoked = v.picklist([...CANCELLED, "revoked"]);
const GrantScope = v.picklist(["target", "rule"]);

const people = {
  roles: v.array(v.string()),
  groups: v.array(v.string()),
  issuer: Text,
  subjects: v.array(Identity),
};

const Terms = v.strictObject({
  by: v.array(v.strictObject({ ...people, count: v.pipe(v.number(), v.safeInteger(), v.minValue(1)) })),
  expiresMs: Time,
  useWithinMs: Time,
  waitMs: Time,
  ifGone: v.picklist(["cancel", "keep"]),
  bodyLimit: Time,
  grant: v.nullable(v.strictObject({ maxMs: Time, scope: GrantScope })),
  commentNeeded: v.boolean(),
  reasonNeeded: v.boolean(),
  passkey: v.boolean(),
  breakGlass: v.nullable(v.strictObject(people)),
  maskedOnlyIn: v.nullable(v.array(v.string())),
  notify: v.array(v.string()),
});

const Vote = v.strictObject({
  decision: v.picklist(["approve", "deny"]),
  decider: Party,
  slots: v.array(Time),
  comment: Text,
  grantMs: Time,
  command: Command,
  time: Time,
});

const State = v.variant("kind", [
  v.strictObject({ kind: v.literal("pending") }),
  v.strictObject({ kind: v.literal("approved"), at: Time, until: Time }),
  v.strictObject({ kind: v.literal("denied"), at: Time }),
  v.strictObject({ kind: v.literal("expired"), at: Time, reason: v.picklist(["unanswered", "unused"]) }),
  v.strictObject({ kind: v.literal("cancelled"), at: Time, reason: v.picklist(CANCELLED) }),
  v.strictObject({ kind: v.literal("revoked"), at: Time, reason: Revoked }),
  v.strictObject({ kind: v.literal("consumed"), at: Time, by: Command }),
]);

const ApprovalSchema: v.GenericSchema<unknown, Approval> = v.strictObject({
  id: Command,
  connection: id(parseConnectionName),
  rule: v.string(),
  policy: Digest,
  digest: Digest,
  targetDigest: Digest,
  requester: Party,
  actors: v.array(Identity),
  terms: Terms,
  requested: Time,
  expires: Time,
  votes: v.array(Vote),
  state: State,
  grant: v.nullable(
    v.strictObject({
      until: Time,
      scope: GrantScope,
      ended: v.nullable(v.strictObject({ at: Time, reason: v.picklist([...CANCELLED, "revoked", "over"]) })),
    }),
  ),
  left: v.boolean(),
  breakGlass: v.nullable(v.strictObject({ reason: v.string(), review: v.picklist(["owed", "signed_off"]) })),
});
