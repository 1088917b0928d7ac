// The policy's commands against the gateway that would be deployed: what is applied is what decides,
// and who applied it is kept.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type CliRan, runCli } from "../support/cli.ts";
import { type EchoUpstream, startEchoUpstream } from "../support/echo_upstream.ts";
import { startGateway, type TestGateway } from "../support/gateway.ts";

let upstream: EchoUpstream;
let gateway: TestGateway;
let folder = "";

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "sallyport-policy-gateway-"));
  upstream = await startEchoUpstream();
  gateway = await startGateway({ policy: null });
});
afterAll(async () => {
  await gateway?.stop();
  await upstream?.stop();
  rmSync(folder, { recursive: true });
});

async function run(person: string, args: readonly string[]): Promise<CliRan> {
  const env = { SALLYPORT_GATEWAY: gateway.url, SALLYPORT_TOKEN: await gateway.token(person) };
  return runCli(args, { home: folder, env });
}

function write(name: string, methods: string, more = ""): string {
  const path = join(folder, name);
  writeFileSync(
    path,
    `version: 1 # ${name}
roles:
  engineer: { groups: [engineers] }
  auditor: { groups: [auditors] }
connections:
  tool: { protocol: http, upstream: "${upstream.url}", region: local }
rules:
  - id: engineers-use-the-tool
    effect: allow
    who: { roles: [engineer] }
    connections: [tool]
    methods: [${methods}]
    routes: ["/**"]
${more}`,
  );
  return path;
}

const NO_SECRETS = `
  - id: nobody-sends-secrets
    effect: deny
    who: anyone
    connections: [tool]
    methods: ["*"]
    routes: ["/**"]
    when: has(command.json) && has(command.json.kind) && command.json.kind == "secret"
    message: Not with a secret in it.
examples:
  - name: a secret is not sent
    as: { subject: alice, groups: [engineers] }
    on: tool
    do: POST /x
    with: { json: { kind: secret } }
    expect: deny
    by: nobody-sends-secrets
`;

async function status(person: string, method: string, body?: object): Promise<number> {
  const headers = { "content-type": "application/json" };
  const init = body === undefined ? { method } : { method, headers, body: JSON.stringify(body) };
  const answer = await gateway.fetch(person, "/c/tool/x", init);
  await answer.arrayBuffer();
  return answer.status;
}

it("a policy is applied by an admin, decides the next call, is changed, and comes back by a rollback", async () => {
  const [first, second] = [write("first.yaml", "GET"), write("second.yaml", "GET, POST", NO_SECRETS)];
  expect(await status("alice", "GET")).toBe(403);

  const refused = await run("alice", ["apply", "-f", first, "--yes"]);
  expect(refused.code).toBe(5);

  const applied = await run("dan", ["apply", "-f", first, "--yes", "--comment", "to begin with"]);
  expect([applied.code, applied.err]).toEqual([0, ""]);
  expect(applied.out).toMatch(/applied: version 1, [0-9a-f]{64}\n$/);
  expect([await status("alice", "GET"), await status("alice", "POST")]).toEqual([200, 403]);

  expect((await run("dan", ["apply", "-f", second, "--yes"])).code).toBe(0);
  const secret = { kind: "secret" };
  expect([await status("alice", "POST", {}), await status("alice", "POST", secret)]).toEqual([200, 403]);

  const history = await run("carol", ["policy", "history", "--json"]);
  const [newer, older] = JSON.parse(history.out) as { no: number; hash: string; by: object; comment: string }[];
  expect(newer).toMatchObject({ no: 2, by: { subject: "dan" } });
  expect(older).toMatchObject({ no: 1, comment: "to begin with" });
  const text = await run("carol", ["policy", "show", older?.hash ?? ""]);
  expect(text.out).toContain("version: 1 # first.yaml\n");
  expect((await run("carol", ["policy", "diff", second])).code).toBe(0);
  expect((await run("carol", ["policy", "diff", first])).out).toMatch(/\n {2}- nobody-sends-secrets\n/);

  const back = await run("dan", ["policy", "rollback", older?.hash ?? "", "--yes"]);
  expect([back.code, back.err]).toEqual([0, ""]);
  expect(back.out).toMatch(/applied: version 3, /);
  expect(await status("alice", "POST", {})).toBe(403);
});

it("the gateway refuses what only it can know, with the line", async () => {
  const path = join(folder, "itself.yaml");
  const upstreamItself = `{ protocol: http, upstream: "${gateway.url}", region: local }`;
  writeFileSync(path, `version: 1\nconnections:\n  me: ${upstreamItself}\n`);
  const ran = await run("dan", ["apply", "-f", path, "--yes"]);
  expect(ran.code).toBe(1);
  expect(ran.out).toMatch(/itself\.yaml:3:\d+: error: expected /);
  expect((await run("dan", ["apply", "-f", path, "--dry-run"])).code).toBe(1);
});
