// Recorded signatures of decisions, of each algorithm, and each of them changed in every part.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { toBase64Url } from "../../../core/bytes.ts";
import { checkAssertion, type RecordedDecision } from "../../../core/verify/assertion.ts";
import { SignaturesVerifier } from "../../../core/verify/verify_signatures.ts";

type Assertion = Readonly<
  Record<"authenticator_data" | "client_data" | "credential" | "public_key" | "signature" | "text", string>
>;

const FILE = join(import.meta.dirname, "../../vectors/assertion/assertions.json");
const vectors = JSON.parse(readFileSync(FILE, "utf8")) as Readonly<Record<"ES256" | "EdDSA" | "RS256", Assertion>>;
const { ES256 } = vectors;
const RECORDED: RecordedDecision = {
  approval: "01935b6e-8c00-7abc-9000-000000000001",
  time: 1_732_406_699_999,
  decision: "approve",
  comment: "looks right",
  grantUntil: 1_732_406_699_999 + 600_000,
  decider: `{"actors":[],"issuer":"https://id.example.org","subject":"carol"}`,
  assertion: JSON.stringify(ES256),
  asked: { digest: "ab".repeat(32), policy: "cd".repeat(32) },
};

const withAssertion = (change: Partial<Assertion>): RecordedDecision => ({
  ...RECORDED,
  assertion: JSON.stringify({ ...ES256, ...change }),
});

function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));
}

/** With one bit of it the other way. */
function flipped(text: string, at: number): string {
  const bytes = bytesOf(text);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  return toBase64Url(bytes);
}

describe("a signed decision", () => {
  test.each(["ES256", "EdDSA", "RS256"] as const)("by %s holds", async (algorithm) => {
    const assertion = JSON.stringify(vectors[algorithm]);
    expect(await checkAssertion({ ...RECORDED, assertion })).toBeNull();
  });

  test.each([
    ["approval", { approval: "01935b6e-8c00-7abc-9000-000000000002" }],
    ["decision", { decision: "deny" }],
    ["comment", { comment: "looks wrong" }],
    ["comment", { comment: null }],
    ["digest", { asked: { ...RECORDED.asked, digest: "ac".repeat(32) } }],
    ["policy", { asked: { ...RECORDED.asked, policy: "ce".repeat(32) } }],
    ["issuer", { decider: `{"issuer":"https://id.example.net","subject":"carol"}` }],
    ["subject", { decider: `{"issuer":"https://id.example.org","subject":"dave"}` }],
  ] as const)("whose record has another %s does not", async (name, change) => {
    expect(await checkAssertion({ ...RECORDED, ...change })).toBe(`what was signed has another ${name}`);
  });

  test("recorded after its time does not", async () => {
    expect(await checkAssertion({ ...RECORDED, time: 1_732_406_700_000 })).toBe("it was signed too long before");
  });

  test("of which the record allows more does not, and of which it allows less holds", async () => {
    const until = RECORDED.grantUntil ?? 0;
    expect(await checkAssertion({ ...RECORDED, grantUntil: until + 1 })).toBe(
      "what was signed allows the like for less",
    );
    expect(await checkAssertion({ ...RECORDED, grantUntil: until - 1 })).toBeNull();
    expect(await checkAssertion({ ...RECORDED, grantUntil: null })).toBeNull();
  });

  test("whose minutes were changed does not", async () => {
    const text = ES256.text.replace("600000", "1200000");
    expect(await checkAssertion(withAssertion({ text }))).toBe("the challenge is not that of what was signed");
  });

  test.each(["ES256", "EdDSA", "RS256"] as const)("by %s with any part changed does not", async (algorithm) => {
    const own = vectors[algorithm];
    for (const name of ["client_data", "authenticator_data", "signature", "public_key"] as const)
      for (let at = 0; at < bytesOf(own[name]).length; at += name === "signature" ? 1 : 3) {
        const assertion = JSON.stringify({ ...own, [name]: flipped(own[name], at) });
        expect(await checkAssertion({ ...RECORDED, assertion }), `${name} ${at}`).not.toBeNull();
      }
  });

  test.each([
    ["", "the assertion cannot be read"],
    ["null", "the assertion cannot be read"],
    ["[]", "the assertion cannot be read"],
    [`{"signature":"AA"}`, "the assertion cannot be read"],
    [JSON.stringify({ ...ES256, signature: "*" }), "the assertion cannot be read"],
    [JSON.stringify({ ...ES256, text: "x" }), "what was signed cannot be read"],
    [JSON.stringify({ ...ES256, client_data: "AA" }), "what the browser said cannot be read"],
    [JSON.stringify({ ...ES256, authenticator_data: "AA" }), "what the device said cannot be read"],
    [JSON.stringify({ ...ES256, public_key: "" }), "the public key cannot be read"],
    [JSON.stringify({ ...ES256, public_key: `${ES256.public_key}AAAA` }), "the public key cannot be read"],
    [JSON.stringify({ ...ES256, signature: "" }), "the signature is not of this, or not by this key"],
    [
      JSON.stringify({ ...ES256, public_key: vectors.EdDSA.public_key }),
      "the signature is not of this, or not by this key",
    ],
  ])("read from %j is told as what it is", async (assertion, detail) => {
    expect(await checkAssertion({ ...RECORDED, assertion })).toBe(detail);
  });
});

describe("the decisions of a session", () => {
  const leaf = { text: "", command: RECORDED.approval, part: 0, prev: "", root: "", sid: "", time: RECORDED.time };
  const field = (name: string, value: string) => ({ name, salt: new Uint8Array(32), value });
  const asked = (terms: string) => ({
    leaf: { ...leaf, kind: "approval.requested", seq: 1, classes: { policy: RECORDED.asked.policy } },
    fields: [field("approval", terms), field("command_digest", RECORDED.asked.digest)],
    withheld: [],
  });
  const decided = (
    classes: Readonly<Record<string, string | number>>,
    more: readonly ReturnType<typeof field>[],
    withheld: readonly string[] = [],
  ) => ({
    leaf: { ...leaf, kind: "approval.decided", seq: 2, classes: { decision: "approve", ...classes } },
    fields: [field("decider", RECORDED.decider), field("comment", "looks right"), ...more].filter(
      ({ name }) => !withheld.includes(name),
    ),
    withheld: withheld.map((name) => ({ name, commitment: new Uint8Array(32) })),
  });

  test("that are signed are counted, and those that are not are named", async () => {
    const verifier = new SignaturesVerifier();
    await verifier.take(asked(`{"passkey":true}`));
    await verifier.take(decided({ step_up: "passkey" }, [field("assertion", RECORDED.assertion)]));
    await verifier.take(decided({ step_up: "passkey" }, [], ["assertion"]));
    await verifier.take(decided({ step_up: "passkey" }, [field("assertion", RECORDED.assertion)], ["comment"]));
    await verifier.take(decided({ step_up: "passkey" }, []));
    const longer = { step_up: "passkey", grant_until: (RECORDED.grantUntil ?? 0) + 1 };
    await verifier.take(decided(longer, [field("assertion", RECORDED.assertion)]));
    await verifier.take(decided({}, []));
    await verifier.take(decided({ step_up: "passkey", decision: "deny" }, [field("assertion", RECORDED.assertion)]));
    expect(verifier.verdict()).toEqual({
      holding: 1,
      notShown: 2,
      wrongCount: 4,
      wrong: [
        { seq: 2, detail: "what was signed is not recorded" },
        { seq: 2, detail: "what was signed allows the like for less" },
        { seq: 2, detail: "its rule wants it signed, and it is not" },
        { seq: 2, detail: "what was signed has another decision" },
      ],
    });
  });

  test("of which none has to be signed are said nothing of", async () => {
    const verifier = new SignaturesVerifier();
    await verifier.take(asked(`{"passkey":false}`));
    await verifier.take(decided({}, []));
    expect(verifier.verdict()).toBeNull();
  });
});
