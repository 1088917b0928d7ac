// The memory of tokens that were verified: how long, how many, and which go first.

import { describe, expect, it } from "vitest";
import { type VerifiedToken, VerifiedTokens } from "../../../core/auth/verified_tokens.ts";
import { NOW } from "./sample_issuer.ts";

describe("the tokens that were verified a moment ago", () => {
  const entry = (until: number): VerifiedToken =>
    ({ authenticated: { principal: {}, token: {} }, key: {}, until }) as unknown as VerifiedToken;

  it("are forgotten at their end", () => {
    const tokens = new VerifiedTokens();
    tokens.put("a", entry(NOW));
    expect(tokens.get("a", NOW - 1)).not.toBe(null);
    expect(tokens.get("a", NOW)).toBe(null);
    expect(tokens.get("a", NOW - 1)).toBe(null);
  });

  it("are at most 2048, and those used longest ago go first", () => {
    const tokens = new VerifiedTokens();
    tokens.put("hot", entry(NOW));
    for (let i = 0; i < 10_000; i++) {
      tokens.put(`cold-${i}`, entry(NOW));
      expect(tokens.get("hot", 0)).not.toBe(null);
    }
    const kept = Array.from({ length: 10_000 }, (_, i) => tokens.get(`cold-${i}`, 0)).filter((one) => one !== null);
    expect(kept.length).toBe(2047);
    expect(tokens.get("cold-9999", 0)).not.toBe(null);
  });

  it("take at most 4 MiB of headers, counted right whatever happens", () => {
    const tokens = new VerifiedTokens();
    const name = (i: number): string => `${i}-`.padEnd(10_000, "x");
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 1000; i++) tokens.put(name(i), entry(NOW));
      for (let i = 0; i < 1000; i++) tokens.get(name(i), round === 1 ? NOW : 0);
    }
    const kept = Array.from({ length: 1000 }, (_, i) => tokens.get(name(i), 0)).filter((one) => one !== null);
    expect(kept.length).toBe(Math.floor((4 * 1024 * 1024) / 10_000));
  });
});
