// Approvals as the API gives them, read as data that may be anything.

import * as v from "valibot";

const text = v.fallback(v.string(), "");
const textOrNone = v.fallback(v.nullable(v.string()), null);
const count = v.fallback(v.number(), 0);
const Party = v.object({ issuer: text, subject: text, name: textOrNone, email: textOrNone });
const Identity = v.object({ issuer: text, subject: text });

const ITEM = {
  id: v.string(),
  sid: text,
  connection: text,
  rule: text,
  title: text,
  requester: Party,
  actors: v.fallback(v.array(Identity), []),
  requested: count,
  expires: count,
  state: v.string(),
  review: textOrNone,
  deciders: v.fallback(v.array(Party), []),
  grantUntil: v.fallback(v.nullable(v.number()), null),
  isOwn: v.fallback(v.boolean(), false),
  mayDecide: v.fallback(v.boolean(), false),
  why: v.fallback(v.string(), ""),
};

export const ListedApproval = v.object(ITEM);
export type ListedApproval = v.InferOutput<typeof ListedApproval>;
export type Party = v.InferOutput<typeof Party>;

const Body = v.object({
  format: text,
  coding: textOrNone,
  size: count,
  base64: text,
  spans: v.fallback(v.array(v.object({ place: count, put: count, length: count, rule: text })), []),
  spansCut: count,
});

export const ShownApproval = v.object({
  ...ITEM,
  stateReason: v.fallback(v.string(), ""),
  seen: v.string(),
  record: textOrNone,
  ruleText: v.fallback(v.object({ description: textOrNone, message: textOrNone }), {
    description: null,
    message: null,
  }),
  by: v.fallback(
    v.array(
      v.object({
        roles: v.fallback(v.array(v.string()), []),
        groups: v.fallback(v.array(v.string()), []),
        subjects: v.fallback(v.array(Identity), []),
        count,
        missing: count,
      }),
    ),
    [],
  ),
  grantMaxMinutes: v.fallback(v.nullable(v.number()), null),
  grantScope: textOrNone,
  commentNeeded: v.fallback(v.boolean(), false),
  passkeyNeeded: v.fallback(v.boolean(), false),
  method: text,
  target: text,
  headers: v.fallback(v.array(v.tuple([v.string(), v.string()])), []),
  reason: textOrNone,
  client: textOrNone,
  body: v.fallback(v.nullable(Body), null),
  votes: v.fallback(
    v.array(v.object({ decision: text, decider: Party, comment: textOrNone, grantMinutes: count, time: count })),
    [],
  ),
  breakGlass: v.fallback(v.nullable(v.object({ reason: text, review: text })), null),
  earlier: v.fallback(v.array(v.object({ id: text, state: text, requested: count })), []),
  before: v.fallback(
    v.array(
      v.object({
        time: count,
        method: text,
        path: text,
        outcome: text,
        status: v.fallback(v.nullable(v.number()), null),
      }),
    ),
    [],
  ),
});
export type ShownApproval = v.InferOutput<typeof ShownApproval>;

export const Stepped = v.object({ id: v.string(), state: v.string(), record: v.fallback(v.string(), "") });
