// The MCP SDK's own client against the reference server, over streamable HTTP: what it gets through
// the gateway is what it gets directly, event by event and in both directions.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  ListRootsRequestSchema,
  LoggingMessageNotificationSchema,
  ResourceUpdatedNotificationSchema,
} from "@modelcontextprotocol/sdk/types.js";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { startEverything, type Tool } from "../../local/tools.ts";
import { eventually, freePort, startGateway, testPolicy, type TestGateway } from "../support/gateway.ts";
import { commandLine, commandsOf, tappedLine } from "../support/commands.ts";
import { startTap, type Tap, type Tapped } from "../support/tap.ts";

let state: string;
let server: Tool;
let tap: Tap;
let gateway: TestGateway;
let direct: string;
/** Length of `tap.exchanges` when the test began. */
let before = 0;
const open: Visit[] = [];

beforeAll(async () => {
  state = mkdtempSync(join(tmpdir(), "sallyport mcp "));
  const port = await freePort();
  server = await startEverything({ port, state, logs: state });
  direct = `http://127.0.0.1:${port}/mcp`;
  tap = await startTap(`http://127.0.0.1:${port}`);
  gateway = await startGateway({ policy: testPolicy({ everything: tap.url }) });
});
afterAll(async () => {
  await gateway?.stop();
  await tap?.stop();
  await server?.stop();
  if (state !== undefined) rmSync(state, { recursive: true });
});
beforeEach(() => {
  before = tap.exchanges.length;
});
afterEach(async () => {
  for (const { client } of open.splice(0)) await client.close();
});

/** A client with all that the server can ask of one, connected. */
interface Visit {
  readonly client: Client;
  readonly transport: StreamableHTTPClientTransport;
  /** What the server asked or told of its own accord, by method. */
  readonly heard: { readonly method: string; readonly params: unknown }[];
}

async function connect(url: string, token: string | null): Promise<Visit> {
  const client = new Client(
    { name: "sallyport-test", version: "1" },
    { capabilities: { sampling: {}, elicitation: { form: {} }, roots: { listChanged: true } } },
  );
  const heard: Visit["heard"] = [];
  const hear = ({ method, params }: { readonly method: string; readonly params?: unknown }): void =>
    void heard.push({ method, params });
  client.setRequestHandler(CreateMessageRequestSchema, (request) => {
    hear(request);
    return { role: "assistant", content: { type: "text", text: "an answer of the client's" }, model: "none" };
  });
  client.setRequestHandler(ElicitRequestSchema, (request) => {
    hear(request);
    return { action: "accept", content: { name: "Alice Archer", check: true, integer: 7 } };
  });
  client.setRequestHandler(ListRootsRequestSchema, (request) => {
    hear(request);
    return { roots: [{ uri: "file:///a/root", name: "a root" }] };
  });
  client.setNotificationHandler(LoggingMessageNotificationSchema, hear);
  client.setNotificationHandler(ResourceUpdatedNotificationSchema, hear);
  const headers = token === null ? {} : { authorization: `Bearer ${token}` };
  const transport = new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } });
  // The SDK's class says `sessionId: string | undefined`, its interface `sessionId?: string`.
  await client.connect(transport as Parameters<Client["connect"]>[0]);
  const visit = { client, transport, heard };
  open.push(visit);
  return visit;
}

const through = async (): Promise<Visit> => connect(`${gateway.url}/c/everything/mcp`, await gateway.token("alice"));

/** Does the same directly and through the gateway, and gives what was the same. */
async function both<T>(work: (visit: Visit) => Promise<T>): Promise<T> {
  const expected = await work(await connect(direct, null));
  const got = await work(await through());
  expect(got).toEqual(expected);
  return got;
}

/** What reached the server through the gateway since the test began. */
const exchanges = (): Tapped[] => tap.exchanges.slice(before);

/** The client opens its GET stream beside all else: after this it is there. */
async function standing(): Promise<void> {
  const isThere = async (): Promise<boolean> => exchanges().some((one) => one.method === "GET" && one.status === 200);
  expect(await eventually(isThere, Boolean)).toBe(true);
}

test("initialize, and what the server offers", async () => {
  const offer = await both(async ({ client }) => ({
    server: client.getServerVersion(),
    capabilities: client.getServerCapabilities(),
    instructions: client.getInstructions(),
    tools: await client.listTools(),
    prompts: await client.listPrompts(),
    resources: await client.listResources(),
    templates: await client.listResourceTemplates(),
  }));
  expect(offer.server?.name).toBe("mcp-servers/everything");
  expect(offer.tools.tools.map((one) => one.name)).toEqual(
    expect.arrayContaining(["echo", "trigger-long-running-operation", "trigger-sampling-request"]),
  );
  expect(offer.prompts.prompts.length).toBeGreaterThan(0);
  expect(offer.resources.resources.length).toBeGreaterThan(0);
});

test("tools, prompts, resources and completions", async () => {
  const results = await both(async ({ client }) => {
    const [resource] = (await client.listResources()).resources;
    return {
      echo: await client.callTool({ name: "echo", arguments: { message: "Grüße, 世界, \u{1f30d}" } }),
      sum: await client.callTool({ name: "get-sum", arguments: { a: 2, b: 40 } }),
      structured: await client.callTool({ name: "get-structured-content", arguments: { location: "Chicago" } }),
      image: await client.callTool({ name: "get-tiny-image", arguments: {} }),
      // What the tool refuses is the tool's answer, and no fault of the exchange.
      wrong: await client.callTool({ name: "echo", arguments: {} }),
      unknown: await client.callTool({ name: "nothing-of-that-name", arguments: {} }),
      prompt: await client.getPrompt({ name: "args-prompt", arguments: { city: "Oslo" } }),
      missing: await client.getPrompt({ name: "no-prompt" }).catch((error: unknown) => String(error)),
      resource: await client.readResource({ uri: resource?.uri ?? "" }),
      completion: await client.complete({
        ref: { type: "ref/prompt", name: "completable-prompt" },
        argument: { name: "department", value: "S" },
      }),
    };
  });
  expect(results.echo.content).toEqual([{ type: "text", text: "Echo: Grüße, 世界, \u{1f30d}" }]);
  expect(results.wrong.isError).toBe(true);
  expect(results.missing).toContain("MCP error");
  expect(results.completion.completion.values).toEqual(["Sales", "Support"]);
});

test("a large message each way", async () => {
  const message = "0123456789abcdef".repeat(5000);
  const { content } = await both(({ client }) => client.callTool({ name: "echo", arguments: { message } }));
  expect(content).toEqual([{ type: "text", text: `Echo: ${message}` }]);
});

test("progress comes step by step, and the result after it", async () => {
  const seen = await both(async ({ client }) => {
    const steps: unknown[] = [];
    const result = await client.callTool(
      { name: "trigger-long-running-operation", arguments: { duration: 0.5, steps: 5 } },
      undefined,
      { onprogress: (progress) => steps.push(progress) },
    );
    return { steps, result };
  });
  expect(seen.steps).toEqual([1, 2, 3, 4, 5].map((progress) => ({ progress, total: 5 })));
});

test("progress comes while the operation is far from its end, and a cancellation ends the wait for it", async () => {
  const { steps, error } = await both(async ({ client }) => {
    const abort = new AbortController();
    const steps: number[] = [];
    const error = await client
      .callTool({ name: "trigger-long-running-operation", arguments: { duration: 3600, steps: 36_000 } }, undefined, {
        signal: abort.signal,
        onprogress: ({ progress }) => {
          steps.push(progress);
          if (progress === 3) abort.abort("enough");
        },
      })
      .catch((reason: unknown) => String(reason));
    // The session goes on.
    await client.ping();
    return { steps: steps.slice(0, 3), error };
  });
  expect(steps).toEqual([1, 2, 3]);
  expect(error).toContain("enough");
});

test("the server asks the client in the midst of a call, and goes on with the client's answer", async () => {
  const { sampled, elicited, asked } = await both(async ({ client, heard }) => ({
    sampled: await client.callTool({ name: "trigger-sampling-request", arguments: { prompt: "say it", maxTokens: 5 } }),
    elicited: await client.callTool({ name: "trigger-elicitation-request", arguments: {} }),
    asked: heard.filter((one) => one.method !== "roots/list" && one.method !== "notifications/message"),
  }));
  expect(JSON.stringify(sampled)).toContain("an answer of the client's");
  expect(JSON.stringify(elicited)).toContain("Alice Archer");
  expect(asked.map((one) => one.method)).toEqual(["sampling/createMessage", "elicitation/create"]);
});

test("the standing GET stream carries what the server asks and tells of its own accord", async () => {
  await both(async ({ client, heard }) => {
    const [resource] = (await client.listResources()).resources;
    await client.subscribeResource({ uri: resource?.uri ?? "" });
    await client.callTool({ name: "toggle-subscriber-updates", arguments: {} });
    const methods = async (): Promise<string[]> => heard.map((one) => one.method);
    const wanted = ["roots/list", "notifications/resources/updated"];
    const all = await eventually(methods, (some) => wanted.every((one) => some.includes(one)));
    await client.callTool({ name: "toggle-subscriber-updates", arguments: {} });
    return wanted.filter((one) => all.includes(one));
  }).then((got) => expect(got).toEqual(["roots/list", "notifications/resources/updated"]));
  expect(
    exchanges()
      .filter((one) => one.method === "GET")
      .map((one) => one.received["content-type"]),
  ).toEqual(["text/event-stream"]);
});

test("the server's session id passes both ways, and DELETE ends its session", async () => {
  const { client, transport } = await through();
  await standing();
  const id = transport.sessionId;
  expect(id).toMatch(/^[0-9a-f-]{36}$/);
  const [first, ...later] = exchanges();
  expect(first?.sent["mcp-session-id"]).toBe(undefined);
  expect(first?.received["mcp-session-id"]).toBe(id);
  await client.ping();
  await transport.terminateSession();
  expect(transport.sessionId).toBe(undefined);
  expect(exchanges().at(-1)).toMatchObject({ method: "DELETE", status: 200 });
  for (const { sent } of later) expect(sent["mcp-session-id"]).toBe(id);
  // Over: what still names it is refused by the server, and told so.
  const answer = await gateway.fetch("alice", "/c/everything/mcp", {
    method: "POST",
    headers: {
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
      "mcp-session-id": id ?? "",
    },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "ping" }),
  });
  expect(answer.status).toBeGreaterThanOrEqual(400);
  expect(exchanges().at(-1)?.status).toBe(answer.status);
});

test("the server never sees the caller's token, and each exchange is a command with its kinds, sizes and digests", async () => {
  const visit = await through();
  await standing();
  await visit.client.callTool({ name: "echo", arguments: { message: "recorded" } });
  await visit.client.callTool({ name: "trigger-long-running-operation", arguments: { duration: 0.1, steps: 2 } });
  await visit.transport.terminateSession();
  await visit.client.close();
  const passed = exchanges();
  const token = await gateway.token("alice");
  for (const { sent } of passed) {
    expect(sent.authorization).toBe(undefined);
    expect(JSON.stringify(sent)).not.toContain(token.slice(-40));
  }
  const commands = await eventually(
    async () => commandsOf(await gateway.records("alice", "everything")).slice(-passed.length),
    (all) => all.every((one) => one.outcome !== null),
  );
  expect(commands.map(commandLine(gateway, passed)).sort()).toEqual(passed.map(tappedLine).sort());
});

test("a client that leaves cancels what was under way, at the server and in the records", async () => {
  const { client } = await through();
  await standing();
  const id = "trigger-long-running-operation";
  const left = client.callTool({ name: id, arguments: { duration: 3600, steps: 36_000 } }, undefined, {
    onprogress: ({ progress }) => (progress === 2 ? void client.close() : undefined),
  });
  await expect(left).rejects.toThrow("closed");
  const streams = exchanges().filter((one) => !one.complete);
  expect(streams.map((one) => one.method).sort()).toEqual(["GET", "POST"]);
  const commands = await eventually(
    async () => commandsOf(await gateway.records("alice", "everything")).slice(-exchanges().length),
    (all) => all.every((one) => one.outcome !== null),
  );
  const cancelled = commands.filter((one) => one.outcome?.kind === "command.cancelled");
  expect(cancelled.map((one) => one.target).sort()).toEqual(["GET /mcp", "POST /mcp"]);
  for (const { outcome } of cancelled) expect(outcome?.classes.reason).toBe("client_gone");
  expect(await eventually(async () => streams.every((one) => one.left), Boolean)).toBe(true);
});
