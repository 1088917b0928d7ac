// What the API's answers and bodies about approvals are made of.

import * as v from "valibot";
import { CommandIdText, Count, line, Owner, Sid, Time } from "./schemas.ts";

export const ApprovalViewName = v.picklist(
  ["waiting", "mine", "decided", "reviews", "all"],
  "waiting, mine, decided, reviews or all",
);
export const StateName = v.picklist(
  ["pending", "approved", "denied", "expired", "cancelled", "revoked", "consumed"],
  "a state of an approval",
);
export const Comment = line(1024, "Why, for those who read it later");
export const Seen = v.pipe(
  v.string("`seen` of the approval, as it was read"),
  v.regex(/^[0-9a-z.]{1,64}$/, "`seen` of the approval, as it was read"),
  v.description("`seen` of the approval: which state of it the decision is about"),
);
export const GrantMinutes = v.pipe(
  v.number("whole minutes"),
  v.integer("whole minutes"),
  v.minValue(1, "1 to 480"),
  v.maxValue(480, "1 to 480"),
  v.description("Minutes for which the like is allowed without asking"),
);

const Party = v.object({
  issuer: v.string(),
  subject: v.string(),
  name: v.nullable(v.string()),
  email: v.nullable(v.string()),
});

const ITEM = {
  id: CommandIdText,
  sid: Sid,
  connection: v.string(),
  rule: v.string(),
  title: v.pipe(v.string(), v.description("Method and target, masked and cut")),
  requester: Party,
  actors: v.pipe(v.array(Owner), v.description("Who acts for the requester, the nearest first")),
  requested: Time,
  expires: v.pipe(Count, v.description("Pending until then; milliseconds since 1970")),
  state: StateName,
  changed: Time,
  review: v.nullable(v.picklist(["owed", "signed_off"])),
  deciders: v.array(Party),
  grantUntil: v.nullable(Count),
  isOwn: v.boolean(),
  hasDecided: v.boolean(),
  mayDecide: v.boolean(),
  why: v.optional(v.pipe(v.string(), v.description("Why the caller may not decide it"))),
};

export const ApprovalItem = v.object(ITEM);

export const ApprovalDetailAnswer = v.object({
  ...ITEM,
  stateReason: v.optional(v.string()),
  until: v.optional(v.pipe(Count, v.description("An approved one can be used until then"))),
  seen: Seen,
  record: v.pipe(v.nullable(v.string()), v.description("`<sid>/<seq>` of the request")),
  ruleText: v.object({ description: v.nullable(v.string()), message: v.nullable(v.string()) }),
  by: v.array(
    v.object({
      roles: v.array(v.string()),
      groups: v.array(v.string()),
      subjects: v.array(Owner),
      count: Count,
      missing: v.pipe(Count, v.description("How many are still to approve")),
    }),
  ),
  grantMaxMinutes: v.nullable(Count),
  grantScope: v.nullable(v.picklist(["target", "rule"])),
  grant: v.nullable(v.object({ until: Count, scope: v.picklist(["target", "rule"]), ended: v.nullable(v.string()) })),
  commentNeeded: v.boolean(),
  passkeyNeeded: v.boolean(),
  method: v.string(),
  target: v.string(),
  headers: v.array(v.tuple([v.string(), v.string()])),
  reason: v.pipe(v.nullable(v.string()), v.description("The requester's own words")),
  client: v.pipe(v.nullable(v.string()), v.description("The address that it was asked from")),
  body: v.nullable(
    v.object({
      format: v.string(),
      coding: v.nullable(v.string()),
      size: v.pipe(Count, v.description("Bytes of the masked body")),
      base64: v.pipe(v.string(), v.description("Its first 256 KiB")),
      spans: v.array(
        v.object({
          at: v.pipe(Count, v.description("Bytes, in the body as it was sent")),
          length: Count,
          place: v.pipe(Count, v.description("Bytes, in the masked body, where `put` bytes stand for it")),
          put: Count,
          rule: v.string(),
        }),
      ),
      spansCut: Count,
    }),
  ),
  votes: v.array(
    v.object({
      decision: v.picklist(["approve", "deny"]),
      decider: Party,
      comment: v.nullable(v.string()),
      grantMinutes: Count,
      command: CommandIdText,
      time: Time,
    }),
  ),
  breakGlass: v.nullable(v.object({ reason: v.string(), review: v.picklist(["owed", "signed_off"]) })),
  earlier: v.array(v.object({ id: CommandIdText, state: StateName, requested: Time, deciders: v.array(Party) })),
  before: v.array(
    v.object({
      id: CommandIdText,
      time: Time,
      method: v.string(),
      path: v.string(),
      outcome: v.string(),
      status: v.nullable(Count),
    }),
  ),
});

export const ApprovalStepped = v.object({
  id: CommandIdText,
  state: StateName,
  record: v.pipe(v.string(), v.description("`<sid>/<seq>` of the record of it")),
});
