// Which statuses end an exchange, and which answers have no body.

import { describe, expect, test } from "vitest";
import { isBodyless, isFinalStatus } from "../../../core/protocol/http/status.ts";

describe("statuses", () => {
  test.each([200, 204, 299, 304, 404, 599])("%d ends an exchange", (status) => {
    expect(isFinalStatus(status)).toBe(true);
  });

  test.each([0, 100, 101, 103, 199, 600, 999, -1, 200.5, Number.NaN])("%d does not", (status) => {
    expect(isFinalStatus(status)).toBe(false);
  });

  test.each([
    ["HEAD", 200, true],
    ["GET", 204, true],
    ["POST", 205, true],
    ["GET", 304, true],
    ["GET", 200, false],
    ["GET", 206, false],
    ["GET", 404, false],
    ["head", 200, false],
  ])("%s answered by %d has no body: %s", (method, status, bodyless) => {
    expect(isBodyless(method, status)).toBe(bodyless);
  });
});
