// The pure code must run wherever the web's standards do. scripts/test_core_elsewhere.ts runs these
// tests under Deno and Bun; this one keeps it honest.

import { expect, it } from "vitest";

it("runs in the runtime that was asked for", () => {
  const running = "Deno" in globalThis ? "deno" : "Bun" in globalThis ? "bun" : "node";
  expect(running).toBe(process.env.CORE_TEST_RUNTIME ?? "node");
});
