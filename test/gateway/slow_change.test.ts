// A change whose body comes slowly: what its sender may do is looked at again once it is there.

import { connect, type Socket } from "node:net";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { eventually, startGateway, testPolicy, type TestGateway } from "../support/gateway.ts";

const EVE = { subject: "eve", groups: ["admins"] };

let gateway: TestGateway;
let policy: { readonly roles: Readonly<Record<string, unknown>> };
beforeAll(async () => {
  const plain = testPolicy({}) as { readonly roles: Readonly<Record<string, unknown>> };
  policy = { ...plain, roles: { ...plain.roles, admin: { groups: ["admins"] } } };
  gateway = await startGateway({ policy, people: { eve: EVE } });
});
afterAll(() => gateway?.stop());

let id: string;
let token: string;
beforeEach(async () => {
  id = crypto.randomUUID();
  token = await gateway.issuer.token({ ...EVE, claims: { jti: id } });
});

interface Slow {
  /** Sends the rest, and gives the whole answer. */
  end(): Promise<string>;
}

/** Sends a request but for the last bytes of its body. */
async function begin(method: string, path: string, body: string, headers: readonly string[]): Promise<Slow> {
  const socket: Socket = connect(gateway.port, "127.0.0.1");
  let text = "";
  socket.setEncoding("latin1").on("data", (chunk: string) => (text += chunk));
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  const head = [
    `${method} ${path} HTTP/1.1`,
    `Host: 127.0.0.1:${gateway.port}`,
    `Authorization: Bearer ${token}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    "Connection: close",
    ...headers,
  ];
  socket.write(`${head.join("\r\n")}\r\n\r\n${body.slice(0, 5)}`);
  // So that the call is authenticated before what happens next.
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  return {
    end: async () => {
      socket.write(body.slice(5));
      await closed;
      return text;
    },
  };
}

async function policyTag(): Promise<string> {
  return (await gateway.fetch("dan", "/api/v1/policy")).headers.get("etag") ?? "";
}

async function statusOfToken(): Promise<number> {
  const headers = { authorization: `Bearer ${token}` };
  return (await fetch(`${gateway.url}/api/v1/whoami`, { headers })).status;
}

function apply(value: unknown, tag: string): Promise<Response> {
  const headers = { "content-type": "application/yaml", "if-match": tag };
  return gateway.fetch("dan", "/api/v1/policy", { method: "PUT", headers, body: JSON.stringify(value) });
}

test("an admin whom a new policy makes none while a revocation is sent changes nothing", async () => {
  expect(await statusOfToken()).toBe(200);
  const { admin: _, ...roles } = policy.roles;
  const body = JSON.stringify({ issuer: gateway.issuer.url, subject: "alice", reason: "slow" });
  const slow = await begin("POST", "/api/v1/revocations", body, ["Content-Type: application/json"]);
  expect((await apply({ ...policy, roles }, await policyTag())).status).toBe(200);
  expect(await slow.end()).toMatch(/^HTTP\/1\.1 403 /);
  expect((await gateway.fetch("alice", "/api/v1/whoami")).status).toBe(200);
  expect((await apply(policy, await policyTag())).status).toBe(200);
});

test.each([
  ["a revocation", "POST", "/api/v1/revocations", "application/json"],
  ["a policy", "PUT", "/api/v1/policy", "application/yaml"],
])("an admin whose token is revoked while %s is sent changes nothing", async (_, method, path, type) => {
  expect(await statusOfToken()).toBe(200);
  const before = await policyTag();
  const body =
    method === "PUT"
      ? JSON.stringify({ ...policy, description: "hers" })
      : JSON.stringify({ issuer: gateway.issuer.url, subject: "alice", reason: "slow" });
  const slow = await begin(method, path, body, [`Content-Type: ${type}`, `If-Match: ${before}`]);
  const revoked = await gateway.fetch("dan", "/api/v1/revocations", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ token: id, reason: "gone" }),
  });
  expect(revoked.status).toBe(201);
  expect(await eventually(statusOfToken, (status) => status === 401)).toBe(401);
  expect(await slow.end()).toMatch(/^HTTP\/1\.1 401 /);
  expect((await gateway.fetch("alice", "/api/v1/whoami")).status).toBe(200);
  expect(await policyTag()).toBe(before);
});
