// Which methods are forwarded at all, and which of them read, write or do something else.

import { describe, expect, test } from "vitest";
import { verbClass } from "../../../core/protocol/http/methods.ts";

describe("methods", () => {
  test.each([
    ["GET", "read"],
    ["PROPFIND", "read"],
    ["REPORT", "read"],
    ["SEARCH", "read"],
    ["QUERY", "read"],
    ["POST", "write"],
    ["DELETE", "write"],
    ["MOVE", "write"],
    ["ACL", "write"],
    ["LOCK", "other"],
    ["PURGE", "other"],
  ])("%s is %s", (method, verb) => {
    expect(verbClass(method)).toBe(verb);
  });

  test.each(["TRACE", "CONNECT", "get", "Get", "GET ", "", "*", "constructor", "__proto__", "FETCH"])(
    "%j is not forwarded",
    (method) => {
      expect(verbClass(method)).toBeNull();
    },
  );
});
