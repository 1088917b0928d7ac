// Decisions that a rule wants signed, against those who have a signature, and not of this decision: another
// one's, an old one, another person's, one made elsewhere or by a device that did not know its person.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type Chosen, encoded, type PasskeyScenes, Signer, startPasskeyScenes } from "../support/passkey_scenes.ts";
import { SoftwarePasskey } from "../support/software_passkey.ts";
import { sendForm } from "../support/console_visitor.ts";
import type { Answer } from "../support/tool_hosts.ts";

let scenes: PasskeyScenes;
let lena: Signer;
let liam: Signer;
let id: string;

const APPROVE: Chosen = { decision: "approve", comment: "looks right" };

beforeAll(async () => {
  scenes = await startPasskeyScenes();
  lena = await Signer.ready(scenes.console, "lena");
  liam = await Signer.ready(scenes.console, "liam");
});
beforeEach(async () => {
  id = await scenes.ask();
});
afterAll(async () => {
  await scenes?.stop();
});

async function stateOf(approval: string): Promise<string> {
  const answer = await scenes.hosts.gateway.fetch("alice", `/api/v1/approvals/${approval}`);
  return ((await answer.json()) as { readonly state: string }).state;
}

/** Refused for this, and nothing has come of it. */
async function expectRefused(answer: Answer, words: string): Promise<void> {
  expect([answer.status, answer.text.includes(words)], answer.text.slice(0, 4000)).toEqual([403, true]);
  expect(await stateOf(id)).toBe("pending");
}

const NOT_THIS = "is not this decision";
const LATE = "was used before";

describe("a decision that is signed", () => {
  test.each([
    ["approves", APPROVE, "approved"],
    ["denies", { decision: "deny", comment: "no" }, "denied"],
    ["allows for a time", { decision: "grant", minutes: 10 }, "approved"],
    [
      "says why in words with line ends, and in any script",
      { decision: "approve", comment: "так 好 🙂 “x”" },
      "approved",
    ],
  ] as const)("%s", async (_, chosen, state) => {
    expect((await lena.decide(id, chosen)).status).toBe(303);
    expect(await stateOf(id)).toBe(state);
  });

  test.each(["EdDSA", "RS256"] as const)("by %s is taken", async (kind) => {
    const other = await Signer.ready(scenes.console, "lena", kind);
    expect((await other.decide(id, APPROVE)).status).toBe(303);
  });

  test("is on record with what was signed", async () => {
    expect((await lena.decide(id, APPROVE)).status).toBe(303);
    const records = await scenes.hosts.gateway.records("carol", "tool");
    const decided = records.filter(({ kind, command }) => kind === "approval.decided" && command === id);
    expect(decided).toMatchObject([{ classes: { step_up: "passkey", decision: "approve" } }]);
    const assertion = JSON.parse(decided[0]?.fields.assertion ?? "") as Record<string, string>;
    expect(Object.keys(assertion)).toEqual([
      ...["authenticator_data", "client_data", "credential", "public_key", "signature", "text"],
    ]);
    expect(JSON.parse(assertion.text ?? "")).toMatchObject({ approval: id, comment: "looks right", subject: "lena" });
  });
});

describe("a decision", () => {
  test("without a signature is refused", async () => {
    const { fields } = await lena.form(id);
    await expectRefused(await lena.send(id, { ...fields, decision: "approve" }), "came without");
    await expectRefused(await lena.send(id, { ...fields, decision: "deny", assertion: "" }), "came without");
  });

  test.each([
    ["another choice", APPROVE, { decision: "deny" }],
    ["a denial made an approval", { decision: "deny" }, { decision: "approve" }],
    ["another comment", APPROVE, { comment: "looks wrong" }],
    ["no comment", APPROVE, { comment: "" }],
    ["more minutes", { decision: "grant", minutes: 5 }, { minutes: "30" }],
    ["once made a time", APPROVE, { decision: "grant", minutes: "5" }],
    ["a time made once", { decision: "grant", minutes: 5 }, { decision: "approve" }],
  ] as const)("that was signed with %s is refused", async (_, chosen, change) => {
    const form = lena.signed(await lena.form(id), chosen);
    await expectRefused(await lena.send(id, { ...form, ...change }), NOT_THIS);
  });

  test("that was signed for another approval of the same command is refused", async () => {
    const other = await scenes.ask("/signed/same");
    id = await scenes.ask("/signed/same");
    const form = lena.signed(await lena.form(other), APPROVE);
    const own = await lena.form(id);
    await expectRefused(await lena.send(id, { ...own.fields, ...form, form_token: own.fields.form_token ?? "" }), LATE);
    // With a challenge of its own form it is a signature of something else.
    await expectRefused(await lena.send(id, { ...form, ...own.fields, assertion: form.assertion ?? "" }), NOT_THIS);
  });

  test("that is sent again with what was signed before is refused", async () => {
    const form = lena.signed(await lena.form(id), APPROVE);
    expect((await lena.send(id, form)).status).toBe(303);
    const other = await scenes.ask();
    const own = await lena.form(other);
    const replayed = { ...form, form_token: own.fields.form_token ?? "", seen: own.fields.seen ?? "" };
    const answer = await lena.send(other, replayed);
    expect([answer.status, await stateOf(other)]).toEqual([403, "pending"]);
  });

  test.each([
    ["at another origin", { origin: "https://evil.example" }, NOT_THIS],
    ["at the console over https", { origin: "https://console.localhost" }, NOT_THIS],
    ["for another host", { host: "localhost" }, NOT_THIS],
    ["by a device that did not know its person", { userVerified: false }, NOT_THIS],
    ["in a frame of another site", { crossOrigin: true }, NOT_THIS],
    ["as if a passkey were made", { type: "webauthn.create" }, NOT_THIS],
    ["with another challenge", { challenge: "AAAA" }, NOT_THIS],
  ] as const)("that was signed %s is refused", async (_, said, words) => {
    await expectRefused(await lena.decide(id, APPROVE, said), words);
  });

  test("that was signed by another person's passkey, or one that nobody added, is refused", async () => {
    const form = await lena.form(id);
    const others = liam.signed(form, APPROVE);
    await expectRefused(await lena.send(id, others), "not one of yours");
    const stranger = new SoftwarePasskey();
    const unknown = stranger.get({ ...lena.said, challenge: "AAAA" });
    await expectRefused(await lena.send(id, { ...others, assertion: unknown }), "not one of yours");
  });

  test("that was signed in another person's form is refused", async () => {
    const lenas = await lena.form(id);
    const own = await liam.form(id);
    const form = { ...liam.signed(lenas, APPROVE), form_token: own.fields.form_token ?? "" };
    await expectRefused(await liam.send(id, form), LATE);
  });

  test("whose signature is of another key is refused", async () => {
    const form = lena.signed(await lena.form(id), APPROVE);
    const own = JSON.parse(form.assertion ?? "") as { response: { signature: string } };
    const other = JSON.parse(liam.signed(await lena.form(id), APPROVE).assertion ?? "") as typeof own;
    const forged = { ...own, response: { ...own.response, signature: other.response.signature } };
    await expectRefused(await lena.send(id, { ...form, assertion: JSON.stringify(forged) }), NOT_THIS);
  });

  test("by a passkey whose count went back is refused", async () => {
    const counting = await Signer.ready(scenes.console, "lena");
    expect((await counting.decide(await scenes.ask(), APPROVE, { counter: 9 })).status).toBe(303);
    for (const counter of [9, 8, 0])
      await expectRefused(await counting.decide(id, APPROVE, { counter }), "count went back");
    expect((await counting.decide(id, APPROVE, { counter: 10 })).status).toBe(303);
  });

  test("signed over a challenge that was used is refused, though all else is right", async () => {
    const form = await lena.form(id);
    await expectRefused(await lena.send(id, lena.signed(form, APPROVE, { counter: 1 })), "count went back");
    await expectRefused(await lena.send(id, lena.signed(form, APPROVE)), LATE);
    expect((await lena.decide(id, APPROVE)).status).toBe(303);
  });

  test("that is sent twice at once is taken once", async () => {
    const form = lena.signed(await lena.form(id), APPROVE);
    const answers = await Promise.all([lena.send(id, form), lena.send(id, form)]);
    const taken = answers.filter(({ status }) => status === 303);
    expect(taken).toHaveLength(1);
    expect(await stateOf(id)).toBe("approved");
  });

  test.each(["", "x", "{}", "null", "[]", '{"id":"AA","rawId":"AA","type":"public-key","response":{}}'])(
    "with %j in the place of a signature is refused",
    async (assertion) => {
      const { fields } = await lena.form(id);
      const answer = await lena.send(id, { ...fields, decision: "approve", assertion });
      expect([answer.status, await stateOf(id)]).toEqual([403, "pending"]);
    },
  );

  test("whose comment would be masked in the record is refused, because nobody could check it", async () => {
    const answer = await lena.decide(id, { decision: "approve", comment: "password=hunter2hunter2" });
    expect([answer.status, answer.text.includes("would be masked")]).toEqual([422, true]);
    expect(await stateOf(id)).toBe("pending");
  });

  test("by a passkey that its person removed is refused", async () => {
    const leaving = await Signer.ready(scenes.console, "lena");
    const form = leaving.signed(await leaving.form(id), APPROVE);
    const { text } = await leaving.visitor.open(`${scenes.console}/passkeys`);
    const token = /action="\/passkeys\/remove"[^]*?name="form_token" value="([^"]*)"/.exec(text)?.[1] ?? "";
    const remove = (who: Signer, sent: string): Promise<Answer> =>
      sendForm(who.visitor, scenes.console, encoded({ form_token: sent, credential: leaving.passkey.id }), {
        path: "/passkeys/remove",
      });
    const own = await liam.visitor.open(`${scenes.console}/passkeys`);
    const liams = /action="\/passkeys\/remove"[^]*?name="form_token" value="([^"]*)"/.exec(own.text)?.[1] ?? "";
    expect((await remove(liam, liams)).status).toBe(404);
    expect((await remove(leaving, token)).status).toBe(303);
    await expectRefused(await leaving.send(id, form), "not one of yours");
  });
});

describe("a passkey is not added", () => {
  test.each([
    ["made at another origin", { origin: "https://evil.example" }],
    ["made for another host", { host: "localhost" }],
    ["made by a device that did not know its person", { userVerified: false }],
    ["made for another challenge", { challenge: "AAAA" }],
    ["made in a frame of another site", { crossOrigin: true }],
    ["that signed instead of being made", { type: "webauthn.get" }],
  ] as const)("that was %s", async (_, said) => {
    const answer = await lena.add(said, new SoftwarePasskey());
    expect([answer.status, answer.text.includes("not what it was asked")]).toEqual([403, true]);
  });

  test("that somebody has already", async () => {
    const answer = await liam.add({}, lena.passkey);
    expect([answer.status, answer.text.includes("was added before")]).toEqual([403, true]);
  });
});
