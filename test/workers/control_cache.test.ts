// What an isolate believes of its region's control object, and for how long. The object is a fake that
// answers when the test says; times are the callers'.

import { expect, test } from "vitest";
import { toHex } from "../../core/bytes.ts";
import type { CommandId, Digest } from "../../core/ids.ts";
import { NO_REVOCATIONS, type Revocations } from "../../core/auth/revocation.ts";
import { EMPTY_POLICY } from "../../core/policy/policy.ts";
import type { ControlSnapshot } from "../../durable/control_rpc.ts";
import { sha256 } from "../../durable/sha256.ts";
import { ControlCache } from "../../workers/control_cache.ts";
import type { Config } from "../../workers/config.ts";

const COMMAND = "01935b6e-8c00-7000-8000-0123456789ab" as CommandId;
const NOW = 1_800_000_000_000;
const CONFIG = {
  hosts: new Set(["gateway.example"]),
  hostForm: null,
  console: null,
  allowInsecureHttp: false,
} as unknown as Config;

function hashOf(text: string): Digest {
  return toHex(sha256(new TextEncoder().encode(text))) as Digest;
}

function textOf(description: string, upstream = "https://tool.example"): string {
  const connections = { tool: { protocol: "http", upstream, region: "eu" } };
  return JSON.stringify({ version: 1, description, connections });
}

class FakeControl {
  readonly texts = new Map<string, string>();
  policy: ControlSnapshot["policy"] = null;
  tokens: Revocations["tokens"] = [];
  isDown = false;
  asked = 0;
  fetched = 0;
  /** Answers wait for it. */
  gate: Promise<void> = Promise.resolve();

  apply(text: string, hash: Digest = hashOf(text)): void {
    this.texts.set(hash, text);
    this.policy = { hash, no: (this.policy?.no ?? 0) + 1, command: COMMAND };
  }

  async snapshot(): Promise<ControlSnapshot> {
    this.asked++;
    if (this.isDown) throw new Error("down");
    const told = { policy: this.policy, revocations: { ...NO_REVOCATIONS, tokens: this.tokens }, historyLag: 0 };
    await this.gate;
    return told;
  }

  async policyText(hash: Digest): Promise<string | null> {
    this.fetched++;
    await this.gate;
    return this.texts.get(hash) ?? null;
  }
}

function make(): { control: FakeControl; cache: ControlCache } {
  const control = new FakeControl();
  return { control, cache: new ControlCache(() => control, CONFIG) };
}

test("nothing is known until it was asked; then for a second, renewed beside a command after half of one", async () => {
  const { cache } = make();
  expect(cache.current(NOW)).toBe(null);
  await cache.renew(NOW);
  expect(cache.current(NOW + 999)?.policy).toBe(EMPTY_POLICY);
  expect(cache.current(NOW + 1_000)).toBe(null);
  expect(cache.shouldRenew(NOW + 499)).toBe(false);
  expect([cache.shouldRenew(NOW + 500), cache.shouldRenew(NOW + 501)]).toEqual([true, false]);
});

test("what was known holds for five seconds while the object cannot be reached, and no longer", async () => {
  const { control, cache } = make();
  expect(await cache.renew(NOW)).not.toBe(null);
  control.isDown = true;
  expect(await cache.renew(NOW + 5_000)).not.toBe(null);
  expect(await cache.renew(NOW + 5_001)).toBe(null);
  const never = make();
  never.control.isDown = true;
  expect(await never.cache.renew(NOW)).toBe(null);
});

test("a text is fetched and compiled once for each hash, however many ask at once", async () => {
  const { control, cache } = make();
  control.apply(textOf("one"));
  const known = await Promise.all([cache.renew(NOW), cache.renew(NOW), cache.renew(NOW)]);
  expect(new Set(known.map((one) => one?.policy)).size).toBe(1);
  expect(known[0]?.policy.description).toBe("one");
  const { fetched } = control;
  await cache.renew(NOW + 600);
  expect(control.fetched).toBe(fetched);
  control.apply(textOf("two"));
  expect((await cache.renew(NOW + 1_200))?.policy.description).toBe("two");
  expect(control.fetched).toBe(fetched + 1);
});

test.each([
  ["it has another text than its hash says", textOf("one"), hashOf("other")],
  ["it is not there", null, hashOf("missing")],
  ["it is no policy", "version: 99", hashOf("version: 99")],
  [
    "its upstream is the gateway itself",
    textOf("one", "https://gateway.example"),
    hashOf(textOf("one", "https://gateway.example")),
  ],
  ["its upstream is insecure", textOf("one", "http://tool.example"), hashOf(textOf("one", "http://tool.example"))],
])("a policy cannot be used if %s: then none is, not even the one before", async (_, text, hash) => {
  const { control, cache } = make();
  control.apply(textOf("before"));
  await cache.renew(NOW);
  if (text === null) control.policy = { hash, no: 2, command: COMMAND };
  else control.apply(text, hash);
  const known = await cache.renew(NOW + 600);
  expect(known).toMatchObject({ isUnreadable: true, policy: EMPTY_POLICY, inForce: { hash, no: 2 } });
  control.apply(textOf("mended"));
  expect(await cache.renew(NOW + 1_200)).toMatchObject({ isUnreadable: false, policy: { description: "mended" } });
});

test("an answer that was overtaken does not undo the newer one", async () => {
  const { control, cache } = make();
  const gate = Promise.withResolvers<void>();
  control.gate = gate.promise;
  const slow = cache.renew(NOW);
  control.gate = Promise.resolve();
  control.tokens = [{ id: "revoked", command: COMMAND }];
  await cache.renew(NOW + 1);
  gate.resolve();
  await slow;
  expect(cache.current(NOW + 2)?.revocations.tokens).toEqual([{ id: "revoked", command: COMMAND }]);
});

test("after a change made here the next command asks, and an answer from before the change is not kept", async () => {
  const { control, cache } = make();
  await cache.renew(NOW);
  const gate = Promise.withResolvers<void>();
  control.gate = gate.promise;
  const before = cache.renew(NOW + 1);
  control.gate = Promise.resolve();
  control.apply(textOf("new"));
  cache.forget();
  gate.resolve();
  await before;
  expect(cache.current(NOW + 2)).toBe(null);
  await cache.renew(NOW + 2);
  expect(cache.current(NOW + 3)?.policy.description).toBe("new");
});
