// The console's pages: who gets them, what they say to the browser, and what of them is on record.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { testPolicy } from "../support/gateway.ts";
import { startToolHosts, type ToolHosts, Visitor } from "../support/tool_hosts.ts";

let hosts: ToolHosts;

beforeAll(async () => {
  hosts = await startToolHosts({ policy: testPolicy({}) });
});
afterAll(async () => {
  await hosts?.stop();
});

describe("the first page", () => {
  test("says who is logged in, and as which roles", async () => {
    const { answer } = await new Visitor().walk(`${hosts.console}/`, "carol");
    expect(answer?.text).toContain("You are <bdi>Carol Castillo</bdi>");
    expect(answer?.text).toContain("<dd>auditor</dd>");
  });
});
