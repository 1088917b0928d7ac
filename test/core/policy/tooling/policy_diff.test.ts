import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EMPTY_POLICY, type Policy } from "../../../../core/policy/policy.ts";
import { diffPolicies } from "../../../../core/policy/tooling/policy_diff.ts";
import { file, policyOf, rule } from "../sample_policy.ts";

const NOW = Date.UTC(2026, 10, 24);

function withRules(...rules: readonly unknown[]): Policy {
  return policyOf(file({ rules }));
}

describe("diffPolicies", () => {
  it("is empty for a policy and itself, however it is written", () => {
    const parts = { methods: ["GET", "HEAD"], who: { roles: ["engineer"], groups: ["x", "y"] } };
    const other = { methods: ["HEAD", "GET"], who: { groups: ["y", "x"], roles: ["engineer"] } };
    expect(diffPolicies(withRules(rule(parts)), withRules(rule(other)), NOW)).toMatchObject({
      isSame: true,
      effects: [],
    });
    expect(diffPolicies(EMPTY_POLICY, EMPTY_POLICY, NOW)).toMatchObject({ isSame: true });
  });

  it("names rules that were added, removed and changed, and in the changed ones what each member held and holds", () => {
    const before = withRules(rule(), rule({ id: "gone" }));
    const after = withRules(rule({ methods: ["GET", "PUT"], effect: "deny" }), rule({ id: "fresh" }));
    expect(diffPolicies(before, after, NOW)).toMatchObject({
      isSame: false,
      rules: {
        added: ["fresh"],
        removed: ["gone"],
        changed: [
          {
            name: "read",
            members: [
              { member: "effect", before: ["allow"], after: ["deny"] },
              { member: "methods", before: ["GET"], after: ["GET", "PUT"] },
            ],
          },
        ],
        moved: [],
      },
    });
  });

  it("names connections and roles that change", () => {
    const connection = { protocol: "http", upstream: "https://a.example", region: "eu" };
    const before = policyOf(
      file({ roles: { r: { groups: ["g"] } }, connections: { a: connection, b: connection }, rules: [] }),
    );
    const after = policyOf(
      file({
        roles: { r: { groups: ["g"], issuer: "https://id.example" }, s: {} },
        connections: { a: { ...connection, upstream: "https://evil.example", timeout_seconds: 5 } },
        rules: [],
      }),
    );
    expect(diffPolicies(before, after, NOW)).toMatchObject({
      roles: {
        added: ["s"],
        changed: [
          { name: "r", members: [{ member: "who", before: ["group g"], after: ["group g of https://id.example"] }] },
        ],
      },
      connections: {
        removed: ["b"],
        changed: [
          {
            name: "a",
            members: [
              { member: "upstream", before: ["https://a.example"], after: ["https://evil.example"] },
              { member: "timeout_seconds", before: ["60"], after: ["5"] },
            ],
          },
        ],
      },
    });
  });

  it("names what changes of approvals, of notices, and of who is one person", () => {
    const approve = { by: [{ groups: ["leads"] }, { groups: ["sec"] }], grant: { minutes: 30 }, notify: ["ops"] };
    const ops = { format: "webhook", url: "https://hooks.example/a", secret: "NOTIFY_OPS" };
    const [ann, bob, cid] = ["ann", "bob", "cid"].map((subject) => ({ issuer: "https://id.example", subject }));
    const asks = (parts: object, more: object = {}): Policy =>
      policyOf(
        file({
          notify: { ops },
          persons: [[ann, bob]],
          rules: [rule({ effect: "needs-approval", approve: { ...approve, ...parts } })],
          ...more,
        }),
      );
    const before = asks({});
    // Whichever order they stand in, and with the defaults written out.
    const same = asks(
      { by: approve.by.toReversed(), expires_minutes: 60, if_gone: "cancel" },
      { persons: [[bob, ann]] },
    );
    expect(diffPolicies(before, same, NOW).isSame).toBe(true);
    expect(
      diffPolicies(before, asks({ by: [{ groups: ["leads"], count: 2 }], passkey: true, grant: undefined }), NOW),
    ).toMatchObject({
      isSame: false,
      rules: {
        changed: [
          {
            name: "read",
            members: [
              {
                member: "approve",
                before: expect.arrayContaining([
                  "by 1 of group leads",
                  "by 1 of group sec",
                  "granted up to 30 minutes for the target",
                ]),
                after: expect.arrayContaining(["by 2 of group leads", "signed with a passkey"]),
              },
            ],
          },
        ],
      },
    });
    const elsewhere = { ...ops, url: "https://evil.example/a" };
    const chat = { format: "slack", secret: "NOTIFY_CHAT" };
    const other = diffPolicies(before, asks({}, { notify: { ops: elsewhere, chat }, persons: [[ann, cid]] }), NOW);
    expect(other).toMatchObject({
      isSame: false,
      persons: {
        member: "persons",
        before: ["ann of https://id.example is bob of https://id.example"],
        after: ["ann of https://id.example is cid of https://id.example"],
      },
      notify: {
        added: ["chat"],
        removed: [],
        changed: [{ name: "ops", members: [{ member: "url", before: [ops.url], after: [elsewhere.url] }] }],
      },
      rules: { changed: [] },
    });
    expect(diffPolicies(before, asks({}, { persons: [] }), NOW).isSame).toBe(false);
  });

  it("names each member of approve that changes", () => {
    const full = {
      by: [{ groups: ["leads"], issuer: "https://id.example" }],
      expires_minutes: 5,
      use_within_minutes: 6,
      wait_seconds: 7,
      if_gone: "keep",
      body_limit: 8,
      grant: { minutes: 9, for: "rule" },
      comment: "required",
      reason: "required",
      passkey: true,
      break_glass: { groups: ["oncall"] },
      masked_only_in: [],
      notify: ["ops"],
    };
    const notify = { ops: { format: "slack", secret: "NOTIFY_OPS" } };
    const asks = (approve: object): Policy =>
      policyOf(file({ notify, rules: [rule({ effect: "needs-approval", approve })] }));
    for (const member of Object.keys(full)) {
      const less = { ...full, [member]: member === "by" ? [{ groups: ["leads"] }] : undefined };
      const { isSame, rules } = diffPolicies(asks(full), asks(less), NOW);
      expect([member, isSame, rules.changed.length]).toEqual([member, false, 1]);
    }
  });

  it("names the fewest rules that moved", () => {
    const named = (ids: readonly string[]): Policy => withRules(...ids.map((id) => rule({ id })));
    const moved = (before: string, after: string): readonly string[] =>
      diffPolicies(named([...before]), named([...after]), NOW).rules.moved;
    expect(moved("abcde", "bcdea")).toEqual(["a"]);
    expect(moved("abcde", "abcde")).toEqual([]);
    expect(moved("abc", "xabcy")).toEqual([]);
    expect(moved("abcd", "dcba")).toHaveLength(3);
    fc.assert(
      fc.property(fc.shuffledSubarray([..."abcdef"]), fc.shuffledSubarray([..."abcdef"]), (before, after) => {
        const gone = new Set(moved(before.join(""), after.join("")));
        const stay = (ids: readonly string[], other: readonly string[]): readonly string[] =>
          ids.filter((id) => other.includes(id) && !gone.has(id));
        expect(stay(after, before)).toEqual(stay(before, after));
      }),
    );
  });

  it("names the examples of either policy that the two decide differently", () => {
    const example = { as: { subject: "eve", groups: ["engineers"] }, on: "registry", do: "GET /a", expect: "allow" };
    const named = (name: string, parts: object = {}) => ({ name, ...example, ...parts });
    const before = policyOf(file({ examples: [named("reads"), named("gone", { do: "GET /old" })] }));
    const after = policyOf(
      file({
        rules: [rule({ routes: ["/a"] }), rule({ id: "no", effect: "deny", routes: ["/a/**"] })],
        examples: [named("reads", { expect: "deny" }), named("new", { do: "GET /b", expect: "deny" })],
      }),
    );
    const { examples, effects } = diffPolicies(before, after, NOW);
    expect(examples).toMatchObject({ added: ["new"], removed: ["gone"], changed: [{ name: "reads" }] });
    const allowed = { effect: "allow", rule: "read" };
    expect(effects).toMatchObject([
      { name: "reads", before: allowed, after: { effect: "deny", rule: "no" } },
      { name: "new", before: allowed, after: { effect: "deny", rule: null } },
      { name: "gone", before: allowed, after: { effect: "deny", rule: null } },
    ]);
  });
});
