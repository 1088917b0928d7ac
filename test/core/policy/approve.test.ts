import { describe, expect, it, test } from "vitest";
import { approvalTerms } from "../../../core/policy/approvers.ts";
import { EMPTY_POLICY, parsePolicy, type PolicyProblem } from "../../../core/policy/policy.ts";
import { file, HASH, ISSUER, policyOf, rule } from "./sample_policy.ts";

const BY = [{ groups: ["leads"] }];
const MINUTE = 60_000;
const ALICE = { issuer: ISSUER, subject: "alice" };
const HOOK = { format: "webhook", url: "https://hooks.example/a", secret: "NOTIFY_OPS" };

function asks(approve: unknown, parts: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return file({ rules: [rule({ effect: "needs-approval", approve })], ...parts });
}

function problems(value: unknown): readonly PolicyProblem[] {
  const parsed = parsePolicy(JSON.stringify(value), HASH);
  return parsed.ok ? [] : parsed.problems;
}

describe("what a rule asks for", () => {
  it("has defaults for everything but who approves", () => {
    expect(approvalTerms(policyOf(asks({ by: BY })), "read")).toEqual({
      by: [{ roles: [], groups: ["leads"], issuer: null, subjects: [], count: 1 }],
      expiresMs: 60 * MINUTE,
      useWithinMs: 5 * MINUTE,
      waitMs: 0,
      ifGone: "cancel",
      bodyLimit: 1048576,
      grant: null,
      commentNeeded: false,
      reasonNeeded: false,
      passkey: false,
      breakGlass: null,
      maskedOnlyIn: null,
      notify: [],
    });
  });

  it("is what the file says", () => {
    const approve = {
      by: [
        { groups: ["leads"], issuer: ISSUER, count: 2 },
        { roles: ["engineer"], subjects: [ALICE] },
      ],
      expires_minutes: 480,
      use_within_minutes: 60,
      wait_seconds: 600,
      if_gone: "keep",
      body_limit: 16777216,
      grant: { minutes: 30, for: "rule" },
      comment: "required",
      reason: "required",
      passkey: true,
      break_glass: { groups: ["oncall"] },
      masked_only_in: ["password", "badge"],
      notify: ["ops", "ops"],
    };
    expect(
      approvalTerms(
        policyOf(asks(approve, { notify: { ops: HOOK }, masks: { badge: { fields: ["badge"] } } })),
        "read",
      ),
    ).toEqual({
      by: [
        { roles: [], groups: ["leads"], issuer: ISSUER, subjects: [], count: 2 },
        { roles: ["engineer"], groups: [], issuer: null, subjects: [ALICE], count: 1 },
      ],
      expiresMs: 480 * MINUTE,
      useWithinMs: 60 * MINUTE,
      waitMs: 600_000,
      ifGone: "keep",
      bodyLimit: 16777216,
      grant: { maxMs: 30 * MINUTE, scope: "rule" },
      commentNeeded: true,
      reasonNeeded: true,
      passkey: true,
      breakGlass: { roles: [], groups: ["oncall"], issuer: null, subjects: [] },
      maskedOnlyIn: ["password", "badge"],
      notify: ["ops"],
    });
  });

  it("grants the same target only, where it does not say what for", () => {
    const terms = approvalTerms(policyOf(asks({ by: BY, grant: { minutes: 1 } })), "read");
    expect(terms?.grant).toEqual({ maxMs: MINUTE, scope: "target" });
  });

  it("may name a role that is built in", () => {
    expect(problems(asks({ by: [{ roles: ["admin"] }] }))).toEqual([]);
  });
});

describe("where notices go, and who is one person", () => {
  it("is kept as the file says it, with the places of addresses", () => {
    const notify = {
      ops: HOOK,
      chat: { format: "slack", url: "https://chat.example/in" },
      team: { format: "slack", secret: "NOTIFY_TEAM" },
    };
    const persons = [[ALICE, { issuer: "https://other.example", subject: "a.lee" }]];
    const policy = policyOf(asks({ by: BY }, { notify, persons }));
    const at = (url: string): object => ({
      line: 1,
      column: 1 + JSON.stringify(asks({ by: BY }, { notify, persons })).indexOf(`"${url}"`),
    });
    expect([...policy.notify]).toMatchObject([
      ["ops", { ...HOOK, urlAt: at(HOOK.url) }],
      ["chat", { format: "slack", url: notify.chat.url, secret: null, urlAt: at(notify.chat.url) }],
      ["team", { format: "slack", url: null, secret: "NOTIFY_TEAM" }],
    ]);
    expect(policy.persons).toEqual(persons);
  });

  it("is nothing where nothing is said", () => {
    expect([policyOf(file()).notify.size, policyOf(file()).persons]).toEqual([0, []]);
    expect([EMPTY_POLICY.notify.size, EMPTY_POLICY.persons]).toEqual([0, []]);
  });
});

describe("what a policy says of approvals", () => {
  const approve = "rules[0].approve";
  const withNotify = (target: unknown): unknown => file({ notify: { ops: target } });
  const withPersons = (...persons: unknown[]): unknown => file({ persons });
  const bob = { issuer: ISSUER, subject: "bob" };

  test.each<[string, unknown, string]>([
    ["needs-approval without it", asks(undefined), approve],
    ["an allow rule with it", file({ rules: [rule({ approve: { by: BY } })] }), approve],
    ["a deny rule with it", file({ rules: [rule({ effect: "deny", approve: { by: BY } })] }), approve],
    ["nothing", asks(null), approve],
    ["a list", asks([{ by: BY }]), approve],
    ["nobody who approves", asks({}), `${approve}.by`],
    ["an empty list of them", asks({ by: [] }), `${approve}.by`],
    ["one of them for everything", asks({ by: { groups: ["leads"] } }), `${approve}.by`],
    ["anyone", asks({ by: ["anyone"] }), `${approve}.by[0]`],
    ["a list of nothing", asks({ by: [[]] }), `${approve}.by[0]`],
    ["nobody in one", asks({ by: [{ groups: ["leads"] }, {}] }), `${approve}.by[1]`],
    ["nobody but an issuer's", asks({ by: [{ issuer: ISSUER, count: 2 }] }), `${approve}.by[0]`],
    ["a role that is not defined", asks({ by: [{ roles: ["engineer", "lead"] }] }), `${approve}.by[0].roles[1]`],
    ["a role by an inherited name", asks({ by: [{ roles: ["constructor"] }] }), `${approve}.by[0].roles[0]`],
    [
      "a subject without its issuer",
      asks({ by: [{ subjects: [{ subject: "bob" }] }] }),
      `${approve}.by[0].subjects[0].issuer`,
    ],
    ["a count of none", asks({ by: [{ groups: ["leads"], count: 0 }] }), `${approve}.by[0].count`],
    ["half a person", asks({ by: [{ groups: ["leads"], count: 1.5 }] }), `${approve}.by[0].count`],
    ["a count below none", asks({ by: [{ groups: ["leads"], count: -1 }] }), `${approve}.by[0].count`],
    ["a count as text", asks({ by: [{ groups: ["leads"], count: "2" }] }), `${approve}.by[0].count`],
    ["more people than can be asked", asks({ by: [{ groups: ["leads"], count: 17 }] }), `${approve}.by[0].count`],
    ["too many kinds of people", asks({ by: Array.from({ length: 9 }, () => BY[0]) }), `${approve}.by`],
    ["a misspelt member", asks({ by: BY, expire_minutes: 5 }), `${approve}.expire_minutes`],
    ["a member of another language", asks({ by: BY, __proto: 1 }), `${approve}.__proto`],
    ["no time to answer", asks({ by: BY, expires_minutes: 0 }), `${approve}.expires_minutes`],
    ["more than a session's time", asks({ by: BY, expires_minutes: 481 }), `${approve}.expires_minutes`],
    ["no time to use it", asks({ by: BY, use_within_minutes: 0 }), `${approve}.use_within_minutes`],
    ["more than an hour to use it", asks({ by: BY, use_within_minutes: 61 }), `${approve}.use_within_minutes`],
    ["a wait of more than ten minutes", asks({ by: BY, wait_seconds: 601 }), `${approve}.wait_seconds`],
    ["a wait that ends before it begins", asks({ by: BY, wait_seconds: -1 }), `${approve}.wait_seconds`],
    ["a body of nothing", asks({ by: BY, body_limit: 0 }), `${approve}.body_limit`],
    ["a body beyond memory", asks({ by: BY, body_limit: 16777217 }), `${approve}.body_limit`],
    ["another way to leave", asks({ by: BY, if_gone: "run" }), `${approve}.if_gone`],
    ["a grant without its time", asks({ by: BY, grant: {} }), `${approve}.grant.minutes`],
    ["a grant for ever", asks({ by: BY, grant: { minutes: 481 } }), `${approve}.grant.minutes`],
    ["a grant for everything", asks({ by: BY, grant: { minutes: 5, for: "connection" } }), `${approve}.grant.for`],
    ["a grant that is only true", asks({ by: BY, grant: true }), `${approve}.grant`],
    ["a comment that is only true", asks({ by: BY, comment: true }), `${approve}.comment`],
    ["a passkey that may be", asks({ by: BY, passkey: "optional" }), `${approve}.passkey`],
    ["glass that anyone breaks", asks({ by: BY, break_glass: "anyone" }), `${approve}.break_glass`],
    ["glass that nobody breaks", asks({ by: BY, break_glass: {} }), `${approve}.break_glass`],
    ["glass in a list", asks({ by: BY, break_glass: [] }), `${approve}.break_glass`],
    [
      "glass that several break at once",
      asks({ by: BY, break_glass: { groups: ["a"], count: 2 } }),
      `${approve}.break_glass.count`,
    ],
    [
      "glass for a role that is not defined",
      asks({ by: BY, break_glass: { roles: ["x"] } }),
      `${approve}.break_glass.roles[0]`,
    ],
    ["masks as text", asks({ by: BY, masked_only_in: "password" }), `${approve}.masked_only_in`],
    [
      "a mask that is not defined",
      asks({ by: BY, masked_only_in: ["password", "pin"] }),
      `${approve}.masked_only_in[1]`,
    ],
    ["every mask", asks({ by: BY, masked_only_in: ["secrets"] }), `${approve}.masked_only_in[0]`],
    ["a notice to nowhere", asks({ by: BY, notify: ["ops"] }), `${approve}.notify[0]`],
    ["a notice by an inherited name", asks({ by: BY, notify: ["constructor"] }), `${approve}.notify[0]`],
    ["an unknown format", withNotify({ ...HOOK, format: "mail" }), "notify.ops.format"],
    ["a webhook that is not signed for", withNotify({ format: "webhook", url: HOOK.url }), "notify.ops.secret"],
    ["a webhook without an address", withNotify({ format: "webhook", secret: "NOTIFY_A" }), "notify.ops.url"],
    [
      "a secret's value in place of its name",
      withNotify({ ...HOOK, secret: "whsec_MfKQ9r8GKYqrTwjU" }),
      "notify.ops.secret",
    ],
    ["an upstream's secret", withNotify({ ...HOOK, secret: "UPSTREAM_A" }), "notify.ops.secret"],
    ["a secret of the gateway's own", withNotify({ ...HOOK, secret: "PSEUDONYM_KEY" }), "notify.ops.secret"],
    ["a secret's name with more behind it", withNotify({ ...HOOK, secret: "NOTIFY_A\nB" }), "notify.ops.secret"],
    ["an address with a user", withNotify({ ...HOOK, url: "https://u:p@hooks.example" }), "notify.ops.url"],
    ["an address that climbs", withNotify({ ...HOOK, url: "https://hooks.example/a/../b" }), "notify.ops.url"],
    ["an address with a query", withNotify({ ...HOOK, url: "https://hooks.example/?key=1" }), "notify.ops.url"],
    ["a script for an address", withNotify({ ...HOOK, url: "javascript:alert(1)" }), "notify.ops.url"],
    ["a file for an address", withNotify({ ...HOOK, url: "file:///etc/passwd" }), "notify.ops.url"],
    ["a number that is an address", withNotify({ ...HOOK, url: "https://2130706433/" }), "notify.ops.url"],
    ["slack without an address", withNotify({ format: "slack" }), "notify.ops"],
    ["slack with two", withNotify({ ...HOOK, format: "slack" }), "notify.ops"],
    ["an unknown member of a webhook", withNotify({ ...HOOK, headers: {} }), "notify.ops.headers"],
    ["names in a list", file({ notify: [HOOK] }), "notify"],
    ["a name in capitals", file({ notify: { Ops: HOOK } }), "notify.Ops"],
    ["a name that objects inherit", JSON.parse(`{"version":1,"notify":{"__proto__":{}}}`), "notify.__proto__"],
    [
      "too many names",
      file({ notify: Object.fromEntries(Array.from({ length: 33 }, (_, i) => [`n${i}`, HOOK])) }),
      "notify",
    ],
    ["a person of one identity", withPersons([ALICE]), "persons[0]"],
    ["a person of none", withPersons([]), "persons[0]"],
    ["a person without a list", withPersons(ALICE), "persons[0]"],
    ["a person by name", withPersons(["alice", bob]), "persons[0][0]"],
    ["an identity without its issuer", withPersons([ALICE, { subject: "bob" }]), "persons[0][1].issuer"],
    ["an identity twice in one list", withPersons([ALICE, bob, ALICE]), "persons[0][2]"],
    [
      "an identity of two people",
      withPersons([ALICE, bob], [{ issuer: ISSUER, subject: "carol" }, bob]),
      "persons[1][1]",
    ],
  ])("is refused with its place: %s", (_, value, path) => {
    expect(problems(value).map((problem) => problem.path)).toEqual([path]);
  });

  it("is refused with each problem, and never more of them than help", () => {
    const wrong = { by: BY, wait_seconds: 9999, notify: ["nowhere"], if_gone: 3 };
    expect(
      problems(asks(wrong))
        .map(({ path }) => path)
        .toSorted(),
    ).toEqual([`${approve}.if_gone`, `${approve}.wait_seconds`]);
    const many = Array.from({ length: 100 }, (_, id) =>
      rule({ id: `r${id}`, effect: "needs-approval", approve: { by: [{}] } }),
    );
    expect(problems(file({ rules: many }))).toHaveLength(50);
  });
});
