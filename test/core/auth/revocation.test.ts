// Which tokens a revocation or the end of a session takes back, and which it leaves alone.

import { describe, expect, it } from "vitest";
import type { Actor, Authenticated } from "../../../core/auth/principal.ts";
import type { CommandId } from "../../../core/ids.ts";
import {
  actorsText,
  isKilled,
  isRevoked,
  type Kill,
  NO_REVOCATIONS,
  type Revocations,
} from "../../../core/auth/revocation.ts";
import {
  authentication,
  claims,
  FakeWeb,
  header,
  ISSUER,
  makeKey,
  NOW,
  outcome,
  SECOND,
  sign,
} from "./sample_issuer.ts";

const OTHER = "https://other.example";
const BY = "01935b6e-8c00-7000-8000-0123456789ab" as CommandId;
const AGENT: Actor = { issuer: ISSUER, subject: "agent" };
const TOOL: Actor = { issuer: ISSUER, subject: "tool" };

/** Alice, by a token of ten seconds ago, with what is changed. */
function alice({ issuedAt = SECOND - 10, actors = [] }: { issuedAt?: number | null; actors?: Actor[] }): Authenticated {
  return {
    principal: {
      issuer: ISSUER,
      subject: "alice",
      name: null,
      email: null,
      emailVerified: false,
      groups: [],
      authTime: null,
      methods: [],
      actors,
    },
    token: { id: "token-1", keyId: null, algorithm: "ES256", issuedAt, expires: SECOND + 600, client: null },
  };
}

describe("a revocation", () => {
  const subject = (before: number, name = "alice", issuer: string = ISSUER): Revocations => ({
    ...NO_REVOCATIONS,
    subjects: [{ issuer, subject: name, before, command: BY }],
  });

  it("ends the token it names and no other", async () => {
    const key = await makeKey("EdDSA", "ed");
    const web = new FakeWeb();
    web.publish(ISSUER, [key.jwk]);
    const by = authentication(web);
    const token = await sign(header(key), claims(), key);
    expect(await outcome(token, by, NOW, { ...NO_REVOCATIONS, tokens: [{ id: "token-1", command: BY }] })).toBe(
      "revoked",
    );
    expect(await outcome(token, by, NOW, { ...NO_REVOCATIONS, tokens: [{ id: "token-2", command: BY }] })).toBe("ok");
  });

  it("ends a subject's tokens from before its time", () => {
    const one = alice({ issuedAt: SECOND - 10 });
    expect(isRevoked(one, subject(SECOND - 9))).toBe(true);
    expect(isRevoked(one, subject(SECOND - 10))).toBe(false);
    expect(isRevoked(one, subject(SECOND, "bob"))).toBe(false);
    expect(isRevoked(one, subject(SECOND, "alice", OTHER))).toBe(false);
  });

  it("ends a token without an issue time", () => {
    expect(isRevoked(alice({ issuedAt: null }), subject(1))).toBe(true);
  });

  it("ends what an actor does for others", () => {
    const one = alice({ actors: [TOOL, AGENT] });
    expect(isRevoked(one, subject(SECOND, "agent"))).toBe(true);
    expect(isRevoked(one, subject(SECOND, "agent", OTHER))).toBe(false);
  });
});

describe("the end of a session", () => {
  const killed = (one: Authenticated, more: Partial<Kill> = {}, connection = "registry"): boolean => {
    const kill: Kill = {
      sid: "01935b6e-8c00-7000-8000-0123456789ab",
      issuer: ISSUER,
      subject: "alice",
      actors: actorsText([]),
      connection: "registry",
      before: SECOND,
      command: BY,
      ...more,
    };
    return isKilled(one, connection, { ...NO_REVOCATIONS, kills: [kill] });
  };

  it("takes back its caller's tokens from before it, and not those of a login after it", () => {
    expect(killed(alice({ issuedAt: SECOND - 1 }))).toBe(true);
    expect(killed(alice({ issuedAt: SECOND }))).toBe(false);
    expect(killed(alice({ issuedAt: null }))).toBe(true);
  });

  it("says nothing of other connections, nor of other people", () => {
    expect(killed(alice({}), {}, "other")).toBe(false);
    expect(killed(alice({}), { subject: "bob" })).toBe(false);
    expect(killed(alice({}), { issuer: OTHER })).toBe(false);
  });

  it("tells the same person through another agent, or through none, apart", () => {
    const through = [TOOL, AGENT];
    expect(killed(alice({ actors: through }), { actors: actorsText(through) })).toBe(true);
    expect(killed(alice({ actors: through }))).toBe(false);
    expect(killed(alice({ actors: [AGENT] }), { actors: actorsText(through) })).toBe(false);
    expect(killed(alice({}), { actors: actorsText(through) })).toBe(false);
    expect(killed(alice({ actors: [AGENT, TOOL] }), { actors: actorsText(through) })).toBe(false);
    expect(killed(alice({ actors: [{ ...AGENT, issuer: OTHER }] }), { actors: actorsText([AGENT]) })).toBe(false);
  });

  it("is not forgotten for another that came after it", () => {
    const kill = { sid: "s", issuer: ISSUER, subject: "alice", actors: actorsText([]), connection: "registry" };
    const kills = [
      { ...kill, before: SECOND, command: BY },
      { ...kill, before: SECOND - 100, command: BY },
    ];
    expect(isKilled(alice({}), "registry", { ...NO_REVOCATIONS, kills })).toBe(true);
    expect(isRevoked(alice({}), { ...NO_REVOCATIONS, kills })).toBe(false);
  });
});
