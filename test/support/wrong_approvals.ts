// Sessions with approvals that are altered: what no gateway may have done, and at which record it shows.
// Every reader has to refuse each of them.

import type { Draft } from "../../core/record/record.ts";
import { OTHER_POLICY } from "./sample_approval.ts";
import { approved, asks, at, decides, done, opened, principal, uses } from "./sample_approvals.ts";
import { draft } from "./sample_session.ts";

const LATER = 300_000;
const yes = (command = 1, seq = 2): Draft => decides(command, 0, "bob", approved(at(seq, LATER)));
const grants = decides(1, 0, "bob", { ...approved(at(2, LATER)), grant_until: at(2, LATER) });
const no = decides(1, 0, "bob", { decision: "deny", state: "denied" });
const pending = { decision: "approve", state: "pending" };
const glass = (who: string): Draft =>
  decides(1, 0, who, { decision: "break_glass", state: "approved", until: at(2, LATER) });
const review = (who: string, part = 1): Draft => decides(1, part, who, { decision: "review", state: "approved" });
const revoked = draft("approval.revoked", 1, { reason: "revoked" });
const expired = (reason: string, part = 0): Draft => draft("approval.expired", 1, { reason }, {}, part);
const ask = asks(1, 1);

const acted = draft("session.opened", null, { protocol: "http" }, { principal: principal("alice", "agent", "tool") });

type Wrong = readonly (readonly [what: string, drafts: readonly Draft[], found: string])[];

/** In which a command … After `opened`. */
const OF_COMMANDS: Wrong = [
  [
    "goes on by an approval that nobody asked for",
    [uses(2, 1)],
    "1 command.requested by an approval that nobody asked for",
  ],
  [
    "goes on while it is pending",
    [ask, uses(1, 1)],
    "2 command.requested by an approval that is not approved, or is used",
  ],
  [
    "goes on though it was denied",
    [ask, no, uses(1, 1)],
    "3 command.requested by an approval that is not approved, or is used",
  ],
  [
    "goes on though another denied it",
    [asks(1, 1, { count: 2 }), decides(1, 0, "carol", pending), { ...no, part: 1 }, uses(1, 1)],
    "4 command.requested by an approval that is not approved, or is used",
  ],
  [
    "goes on though nobody answered",
    [ask, expired("unanswered"), uses(2, 1)],
    "3 command.requested by an approval that is not approved, or is used",
  ],
  [
    "goes on though it was not used in time",
    [ask, yes(), expired("unused"), uses(2, 1)],
    "4 command.requested by an approval that is not approved, or is used",
  ],
  [
    "goes on after its time, of which no record tells",
    [ask, decides(1, 0, "bob", approved(at(3))), uses(1, 1)],
    "3 command.requested after its approval's time",
  ],
  [
    "goes on though it was taken back",
    [ask, yes(), revoked, uses(1, 1)],
    "4 command.requested by an approval that is not approved, or is used",
  ],
  [
    "goes on a second time",
    [ask, yes(), uses(1, 1), done(1), uses(2, 1)],
    "5 command.requested by an approval that is not approved, or is used",
  ],
  [
    "goes on under another policy",
    [ask, yes(), uses(1, 1, { policy: OTHER_POLICY })],
    "3 command.requested by an approval under another policy or rule",
  ],
  [
    "goes on under another rule",
    [ask, yes(), uses(1, 1, { rule: "other" })],
    "3 command.requested by an approval under another policy or rule",
  ],
  [
    "goes on by another's approval",
    [ask, yes(), asks(2, 3), uses(2, 1)],
    "4 command.requested by another approval than its own",
  ],
  [
    "waited, and goes on without",
    [ask, yes(), draft("command.requested", 1, { effect: "allow" })],
    "3 command.requested without the approval that it waited for",
  ],
  [
    "needs one, and goes on without",
    [draft("command.requested", 1, { effect: "needs_approval" })],
    "1 command.requested without the approval that it needs",
  ],
  [
    "uses a grant that nobody gave",
    [ask, yes(), uses(2, 1, { grant: 1 })],
    "3 command.requested by a grant that does not hold",
  ],
  [
    "uses a grant that is over",
    [ask, grants, expired("grant_over"), uses(2, 1, { grant: 1 })],
    "4 command.requested by a grant that does not hold",
  ],
  [
    "uses a grant after its time, of which no record tells",
    [ask, decides(1, 0, "bob", { ...approved(at(2, LATER)), grant_until: at(3) }), uses(2, 1, { grant: 1 })],
    "3 command.requested by a grant that does not hold",
  ],
  [
    "uses a grant that was taken back",
    [ask, grants, revoked, uses(2, 1, { grant: 1 })],
    "4 command.requested by a grant that does not hold",
  ],
  ["uses the grant of its own approval", [ask, grants, uses(1, 1, { grant: 1 })], "3 command.requested by no grant"],
  [
    "goes on after its caller left",
    [ask, draft("command.cancelled", 1, { reason: "client_gone" }), yes(1, 3), uses(1, 1)],
    "4 command.requested of a command that has records",
  ],
  ["answers while it waits", [ask, done(1)], "2 command.completed of a command that waits for an approval"],
  [
    "is cut while it waits",
    [ask, draft("command.cancelled", 1, { reason: "killed" })],
    "2 command.cancelled of a command that waits for an approval",
  ],
  [
    "starts to answer while it waits",
    [ask, draft("response.started", 1, {})],
    "2 response.started of a command that waits for an approval",
  ],
  [
    "adds to what was approved",
    [ask, yes(), draft("stream.chunk", 1, { side: "request", offset: 0, length: 1, at: 0 }, { payload: "x" })],
    "3 stream.chunk of a command that waits for an approval",
  ],
  [
    "adds to what was approved as it goes on",
    [
      ask,
      yes(),
      uses(1, 1),
      draft("stream.chunk", 1, { side: "request", offset: 0, length: 1, at: 0 }, { payload: "x" }),
    ],
    "4 a chunk of a request that stands in its own record",
  ],
  [
    "has another body than the one that was approved",
    [ask, yes(), uses(1, 1, {}, { payload: "x" })],
    "3 a body in command.requested and in approval.requested",
  ],
  ["is asked about twice", [ask, ask], "2 approval.requested of a command that has records"],
  [
    "is asked about after it began",
    [draft("command.requested", 1, {}), ask],
    "2 approval.requested of a command that has records",
  ],
  ["is denied while it waits", [ask, draft("command.denied", 1, {})], "2 command.denied of a command that has records"],
];

/** In which a command … */
export const WRONG_USES: Wrong = OF_COMMANDS.map(([what, drafts, found]) => [what, [opened, ...drafts], found]);

/** In which an approval … */
export const WRONG_APPROVALS: Wrong = [
  [
    "is decided by who asked",
    [opened, ask, decides(1, 0, "alice", approved(at(2, LATER)))],
    "2 a decision by who asked",
  ],
  [
    "is decided by who acts for them",
    [acted, ask, decides(1, 0, "tool", approved(at(2, LATER)))],
    "2 a decision by who asked",
  ],
  [
    "is decided twice by one person",
    [opened, asks(1, 1, { count: 2 }), decides(1, 0, "bob", pending), decides(1, 1, "bob", approved(at(3, LATER)))],
    "3 a second decision by one person",
  ],
  [
    "is approved by too few",
    [opened, asks(1, 1, { count: 2 }), yes()],
    "2 an approval by fewer people than were asked",
  ],
  ["is decided by nobody", [opened, ask, { ...yes(), fields: { decider: "{}" } }], "2 a decider who is nobody"],
  [
    "is decided after it was decided",
    [opened, ask, yes(), decides(1, 1, "carol", { decision: "deny", state: "denied" })],
    "3 a decision on an approval that is not pending",
  ],
  [
    "is decided after its time",
    [opened, asks(1, 1, { expiresMs: 1000 }), yes()],
    "2 a decision after the approval's time",
  ],
  ["is decided without having been asked for", [opened, yes()], "1 approval.decided without its approval.requested"],
  ["is decided out of turn", [opened, ask, { ...yes(), part: 1 }], "2 an approval.decided out of turn"],
  [
    "is denied, and approved",
    [opened, ask, { ...no, classes: { decision: "deny", state: "approved", until: at(9) } }],
    "2 a decision that does not go with its state",
  ],
  [
    "is approved without end",
    [opened, ask, { ...yes(), classes: { decision: "approve", state: "approved" } }],
    "2 an approval without its time",
  ],
  ["is approved for no time", [opened, ask, { ...yes(), classes: approved(at(2)) }], "2 an approval without its time"],
  ["never expires", [opened, draft("approval.requested", 1, {})], "1 an approval.requested without its expiry"],
  ["lets an agent break the glass", [acted, ask, glass("alice")], "2 an actor broke the glass"],
  ["lets another break the glass", [opened, ask, glass("bob")], "2 another than the requester broke the glass"],
  [
    "grants by a broken glass",
    [opened, ask, { ...glass("alice"), classes: { ...glass("alice").classes, grant_until: at(9) } }],
    "2 a grant without its time",
  ],
  ["is reviewed by who broke the glass", [opened, ask, glass("alice"), review("alice")], "3 a decision by who asked"],
  [
    "is reviewed twice",
    [opened, ask, glass("alice"), review("bob"), review("carol", 2)],
    "4 a review that is not owed",
  ],
  ["is reviewed though nobody broke the glass", [opened, ask, yes(), review("carol")], "3 a review that is not owed"],
  ["is taken back when it is over", [opened, ask, no, revoked], "3 approval.revoked of an approval that is over"],
  [
    "is taken back twice",
    [opened, ask, revoked, { ...revoked, part: 1 }],
    "3 approval.revoked of an approval that is over",
  ],
  [
    "was unused though it was used",
    [opened, ask, yes(), uses(1, 1), expired("unused")],
    "4 approval.expired of an approval that does not wait for that",
  ],
  [
    "ends a grant that there is not",
    [opened, ask, yes(), expired("grant_over")],
    "3 the end of a grant that does not hold",
  ],
  ["expires out of turn", [opened, ask, expired("unanswered", 1)], "2 an approval.expired out of turn"],
  [
    "outlives its session",
    [opened, ask, draft("session.closed", null, { size: 3 })],
    "2 session.closed while an approval is live",
  ],
  [
    "grants when its session is closed",
    [opened, ask, grants, uses(1, 1), done(1), draft("session.closed", null, { size: 6 })],
    "5 session.closed while an approval is live",
  ],
  [
    "is decided after its session",
    [opened, draft("session.closed", null, { size: 2 }), yes()],
    "2 a record after session.closed",
  ],
  ["is of no command", [opened, { ...ask, command: null }], "1 approval.requested without a command"],
  [
    "waits in a perimeter",
    [draft("session.opened", null, { protocol: "perimeter" }), ask],
    "1 a perimeter only denies",
  ],
];
