// What was sealed opens for its purpose, its audience and its time, and for nothing else.

import { expect, test } from "vitest";
import { seal, unseal } from "../../../core/auth/sealed.ts";

const KEY = crypto.getRandomValues(new Uint8Array(32));
const NOW = 1_800_000_000_000;
const FOR = { purpose: "ticket", audience: "https://wiki.example" };

test("a sealed value is read by who sealed it, and by nobody else", async () => {
  const text = await seal({ token: "a.b.c" }, FOR, NOW + 60_000, KEY);
  expect(text).not.toContain("a.b.c");
  expect(await unseal(text, FOR, NOW, KEY)).toMatchObject({ token: "a.b.c" });
  expect(await unseal(text, FOR, NOW, crypto.getRandomValues(new Uint8Array(32)))).toBeNull();
});

test("a sealed value is good for one purpose, one audience and a time", async () => {
  const text = await seal({ token: "a.b.c" }, FOR, NOW + 60_000, KEY);
  expect(await unseal(text, { ...FOR, purpose: "session" }, NOW, KEY)).toBeNull();
  expect(await unseal(text, { ...FOR, audience: "https://shop.example" }, NOW, KEY)).toBeNull();
  expect(await unseal(text, FOR, NOW + 60_000, KEY)).toBeNull();
  expect(await unseal(text, FOR, NOW + 59_000, KEY)).not.toBeNull();
});

test("a sealed value that was changed in any place is none", async () => {
  const text = await seal({ token: "a.b.c" }, FOR, NOW + 60_000, KEY);
  for (let at = 0; at < text.length; at++) {
    const changed = text.slice(0, at) + (text[at] === "A" ? "B" : "A") + text.slice(at + 1);
    const isPartsEnd = at + 1 === text.length || text[at + 1] === ".";
    // A part's last character may have bits that stand for nothing.
    if (!isPartsEnd) expect([at, await unseal(changed, FOR, NOW, KEY)]).toEqual([at, null]);
  }
});

test.each(["", "a", "a.b.c", "....", "a..b.c.d", "\u0000", "x".repeat(20_000)])(
  "%j is no sealed value",
  async (text) => {
    expect(await unseal(text, FOR, NOW, KEY)).toBeNull();
  },
);
