// What the API says of policies; see core/policy/tooling/ for what each part means.

import * as v from "valibot";
import { CommandIdText, Count, Hash, Owner, Time } from "./schemas.ts";

export const PolicyVersionItem = v.object({
  no: v.pipe(Count, v.description("From 1, without gaps")),
  hash: Hash,
  previous: v.nullable(Hash),
  time: Time,
  by: Owner,
  command: CommandIdText,
  comment: v.string(),
});

const Effect = v.picklist(["allow", "deny", "needs_approval"]);
const MemberChange = v.object({ member: v.string(), before: v.array(v.string()), after: v.array(v.string()) });
const PART = {
  added: v.array(v.string()),
  removed: v.array(v.string()),
  changed: v.array(v.object({ name: v.string(), members: v.array(MemberChange) })),
};
const Decision = v.object({
  effect: Effect,
  rule: v.nullable(v.string()),
  line: v.nullable(Count),
  why: v.string(),
});

const Changes = v.object({
  isSame: v.pipe(v.boolean(), v.description("Nothing changes but comments and layout")),
  description: v.nullable(MemberChange),
  roles: v.object(PART),
  persons: v.nullable(MemberChange),
  notify: v.object(PART),
  masks: v.object(PART),
  connections: v.object(PART),
  rules: v.object({ ...PART, moved: v.array(v.string()) }),
  examples: v.object(PART),
  effects: v.array(v.object({ name: v.string(), before: Decision, after: Decision })),
});

const Diff = v.object({
  text: v.pipe(v.string(), v.description("Unified; bounded, and says so where something is left out")),
  added: v.nullable(Count),
  removed: v.nullable(Count),
  isWhole: v.boolean(),
  changes: v.pipe(
    v.nullable(Changes),
    v.description("What changes by what it means; null where one of the two cannot be read"),
  ),
});

export const Applied = v.object({ version: PolicyVersionItem, diff: Diff });

export const Checked = v.object({
  ok: v.boolean(),
  hash: Hash,
  problems: v.array(v.object({ path: v.string(), line: Count, column: Count, expected: v.string() })),
  warnings: v.array(
    v.object({
      code: v.string(),
      line: Count,
      column: Count,
      message: v.string(),
      advice: v.string(),
      rule: v.nullable(v.string()),
    }),
  ),
  diff: Diff,
});
