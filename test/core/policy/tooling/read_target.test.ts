import { expect, test } from "vitest";
import { readTarget } from "../../../../core/policy/tooling/read_target.ts";

test("a target is read as the gateway reads it", () => {
  expect(readTarget("registry", "GET", "/@acme%2fthing?x=%22<")).toEqual({
    ok: true,
    value: {
      connection: "registry",
      method: "GET",
      path: "/@acme%2fthing",
      query: "x=%22%3C",
      segments: ["@acme%2Fthing"],
    },
  });
  expect(readTarget("registry", "GET", "")).toMatchObject({ ok: true, value: { path: "" } });
});

test.each([
  ["registry", "get", "/", "method_unknown"],
  ["registry", "TRACE", "/", "method_unknown"],
  ["registry", "GET", "a", "target_malformed"],
  ["registry", "GET", "/#a", "target_malformed"],
  ["registry", "GET", "/a b", "target_malformed"],
  ["registry", "GET", "/\u001b[31m", "target_malformed"],
  ["registry", "GET", "/%2e%2e/a", "target_climbs"],
  ["registry", "GET", `/${"a".repeat(9000)}`, "target_too_long"],
  ["registry/x", "GET", "/", "target_without_connection"],
  ["", "GET", "/", "target_without_connection"],
])("%s %s %s is refused as the gateway refuses it: %s", (connection, method, target, reason) => {
  expect(readTarget(connection, method, target)).toEqual({ ok: false, reason });
});
