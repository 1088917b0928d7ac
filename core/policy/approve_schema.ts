// The shape of what the policy file says of approvals: `approve` of a rule, `notify` and `persons` of the
// file. What takes several members to see is checked by approve.ts.

import * as v from "valibot";
import type { FileApprove, FileNotify, FileSubject } from "./file.ts";
import { isPlainUrl, list, MAX_NAMES, Name, NoList, PeopleWithRoles, Subject, whole } from "./schema_parts.ts";

/** Each has to be filled before anything goes on: more would hardly ever be. */
export const MAX_SLOTS: number = 8;
export const MAX_COUNT: number = 16;
/** As long as any session may last: an approval ends with it. */
export const MAX_MINUTES: number = 480;
export const MAX_USE_WITHIN: number = 60;
export const MAX_WAIT: number = 600;
/** Held in a Worker's memory until somebody has decided. */
export const MAX_WAITING_BODY: number = 16 * 1024 * 1024;
export const MAX_NOTIFY: number = 32;
export const MAX_IDENTITIES: number = 32;

const Slot = v.pipe(
  v.unknown(),
  NoList,
  v.strictObject({ ...PeopleWithRoles, count: v.optional(whole(1, MAX_COUNT), 1) }, "an object"),
);

/** The defaults are stated in docs/policy.md. */
export const ApproveSchema: v.GenericSchema<unknown, FileApprove> = v.pipe(
  v.unknown(),
  NoList,
  v.strictObject(
    {
      by: v.pipe(
        list(Slot, MAX_SLOTS, "kinds of people"),
        v.minLength(1, "who has to approve: roles, groups or subjects"),
      ),
      expires_minutes: v.optional(whole(1, MAX_MINUTES), 60),
      use_within_minutes: v.optional(whole(1, MAX_USE_WITHIN), 5),
      wait_seconds: v.optional(whole(0, MAX_WAIT), 0),
      if_gone: v.optional(v.picklist(["cancel", "keep"], "cancel or keep"), "cancel"),
      body_limit: v.optional(whole(1, MAX_WAITING_BODY), 1024 * 1024),
      grant: v.optional(
        v.strictObject(
          {
            minutes: whole(1, MAX_MINUTES),
            for: v.optional(v.picklist(["target", "rule"], "target or rule"), "target"),
          },
          "an object",
        ),
      ),
      comment: v.optional(v.picklist(["required", "optional"], "required or optional"), "optional"),
      reason: v.optional(v.picklist(["required", "optional"], "required or optional"), "optional"),
      passkey: v.optional(v.boolean("true or false"), false),
      break_glass: v.optional(v.pipe(v.unknown(), NoList, v.strictObject(PeopleWithRoles, "an object"))),
      masked_only_in: v.optional(list(Name, 100, "masks")),
      notify: v.optional(list(Name, MAX_NOTIFY, "names"), []),
    },
    "an object",
  ),
);

const Secret = v.pipe(
  v.string("a secret's name"),
  v.regex(/^NOTIFY_[A-Z0-9_]{1,64}$/, "the name of a secret that begins with NOTIFY_"),
);
const Url = v.pipe(
  v.string("a URL"),
  v.check(isPlainUrl, "an http(s) URL without user, query, fragment or dot segments"),
);

const Notify: v.GenericSchema<unknown, FileNotify> = v.variant(
  "format",
  [
    v.strictObject({ format: v.literal("webhook"), url: Url, secret: Secret }),
    v.strictObject({ format: v.literal("slack"), url: v.optional(Url), secret: v.optional(Secret) }),
  ],
  "webhook or slack",
);

export const NotifySchema: v.GenericSchema<unknown, Record<string, FileNotify>> = v.pipe(
  v.unknown(),
  NoList,
  v.record(Name, Notify, "an object"),
  v.check((targets) => Object.keys(targets).length <= MAX_NOTIFY, `at most ${MAX_NOTIFY} of them`),
);

export const PersonsSchema: v.GenericSchema<unknown, FileSubject[][]> = list(
  v.pipe(list(Subject, MAX_IDENTITIES, "identities"), v.minLength(2, "two or more identities of one person")),
  MAX_NAMES,
  "people",
);
