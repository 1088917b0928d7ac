// Clients that know nothing of approvals, each waiting through one: curl, and the MCP SDK's client, whose
// tool call is stopped by what its body says. (A WebSocket's messages: test/clients/websocket.test.ts.)

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startEverything, type Tool } from "../../local/tools.ts";
import { decide, nextFor } from "../support/approving.ts";
import { CurlPlace } from "../support/curl.ts";
import { freePort, startGateway, testPolicy, type TestGateway } from "../support/gateway.ts";

let state: string;
let server: Tool;
let gateway: TestGateway;
let curl: CurlPlace;

function policyOf(url: string): unknown {
  const policy = testPolicy({ everything: url }) as { readonly rules: readonly object[] };
  return {
    ...policy,
    rules: [
      {
        id: "sums-are-approved",
        effect: "needs-approval",
        who: { groups: ["engineers"] },
        connections: ["everything"],
        methods: ["POST"],
        routes: ["/mcp"],
        when: `has(command.json) && command.json.method == "tools/call" && command.json.params.name == "get-sum"`,
        approve: { by: [{ groups: ["leads"] }], wait_seconds: 60 },
      },
      {
        id: "deletions-are-approved",
        effect: "needs-approval",
        who: { groups: ["engineers"] },
        connections: ["everything"],
        methods: ["DELETE"],
        routes: ["/**"],
        approve: { by: [{ groups: ["leads"] }] },
      },
      ...policy.rules,
    ],
  };
}

beforeAll(async () => {
  state = mkdtempSync(join(tmpdir(), "sallyport approvals "));
  const port = await freePort();
  server = await startEverything({ port, state, logs: state });
  gateway = await startGateway({ policy: policyOf(`http://127.0.0.1:${port}`) });
  curl = new CurlPlace(`${gateway.url}/c/everything`, ["-H", `Authorization: Bearer ${await gateway.token("alice")}`]);
});
afterAll(async () => {
  await gateway?.stop();
  await server?.stop();
  curl?.remove();
  if (state !== undefined) rmSync(state, { recursive: true });
});

test("curl waits as its header says, and gets the tool's own answer", async () => {
  const calling = curl.call(["-X", "DELETE", "-H", "Prefer: wait=60"], "/nothing-there");
  const id = await nextFor(gateway, "bob");
  expect((await decide(gateway, "bob", id)).told.state).toBe("approved");
  const { code, heads, body } = await calling;
  expect([code, heads.length]).toEqual([0, 1]);
  // The reference server's own word for a path that it does not have.
  expect(heads[0]?.status).toContain("404");
  expect(body.toString()).toContain("Cannot DELETE /nothing-there");
});

test("curl that does not wait is told how to go on, and goes on", async () => {
  const asked = await curl.call(["-X", "DELETE"], "/later");
  const { approval } = JSON.parse(asked.body.toString()) as { readonly approval: string };
  expect(asked.heads[0]?.status).toContain("202");
  await decide(gateway, "bob", approval);
  const gone = await curl.call(["-X", "DELETE", "-H", `Sallyport-Approval: ${approval}`], "/later");
  expect(gone.body.toString()).toContain("Cannot DELETE /later");
});

test("an MCP client's tool call waits, and others of the same session do not", async () => {
  const client = new Client({ name: "sallyport-test", version: "1" }, { capabilities: {} });
  const headers = { authorization: `Bearer ${await gateway.token("alice")}` };
  const transport = new StreamableHTTPClientTransport(new URL(`${gateway.url}/c/everything/mcp`), {
    requestInit: { headers },
  });
  await client.connect(transport as Parameters<Client["connect"]>[0]);
  const sum = client.callTool({ name: "get-sum", arguments: { a: 2, b: 40 } });
  const id = await nextFor(gateway, "bob");
  const echo = await client.callTool({ name: "echo", arguments: { message: "meanwhile" } });
  expect(JSON.stringify(echo.content)).toContain("meanwhile");
  const shown = await gateway.fetch("bob", `/api/v1/approvals/${id}`);
  const { body } = (await shown.json()) as { readonly body: { readonly base64: string } };
  expect(Buffer.from(body.base64, "base64").toString()).toContain(`"name":"get-sum"`);
  expect((await decide(gateway, "bob", id)).told.state).toBe("approved");
  expect(JSON.stringify((await sum).content)).toContain("42");
  await client.close();
});
