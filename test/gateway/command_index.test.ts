// Commands of real calls, as the region's index has them seconds later.

import { afterAll, beforeAll, expect, test } from "vitest";
import { commandRows, type IndexedCommand, sessionFacts } from "../../core/index/command_rows.ts";
import type { StoredRecord } from "../../core/record/record.ts";
import { type EchoUpstream, startEchoUpstream } from "../support/echo_upstream.ts";
import { eventually, startGateway, testPolicy, type TestGateway } from "../support/gateway.ts";

let upstream: EchoUpstream;
let gateway: TestGateway;

beforeAll(async () => {
  upstream = await startEchoUpstream();
  gateway = await startGateway({ policy: testPolicy({ tool: upstream.url, down: "http://127.0.0.1:1" }) });
});
afterAll(async () => {
  await gateway?.stop();
  await upstream?.stop();
});

/** What the index has of a person's commands on a connection, in the order of their records. */
async function indexed(subject: string, connection: string): Promise<IndexedCommand[]> {
  const database = await gateway.runtime.miniflare.getD1Database("SEARCH", "sallyport");
  const { results } = await database
    .prepare("SELECT * FROM command WHERE subject = ? AND connection = ? ORDER BY sid, seq")
    .bind(subject, connection)
    .all<IndexedCommand>();
  return results;
}

/** What the exported records say, by the pure code. */
async function recorded(person: string, connection: string): Promise<IndexedCommand[]> {
  return (await gateway.exports(person, connection)).flatMap((ndjson) => {
    const lines = ndjson.split("\n").slice(0, -2);
    const records = lines.map((line): StoredRecord => {
      const { leaf, fields } = JSON.parse(line) as { leaf: string; fields: unknown };
      return { leaf, disclosure: JSON.stringify(fields) };
    });
    const [opened] = records;
    const facts = opened === undefined ? null : sessionFacts(opened);
    return facts === null ? [] : commandRows(facts, records);
  });
}

test("what was answered, denied and failed is found with what its records say", async () => {
  upstream.handlers.set("/long", (_, response) => {
    response.writeHead(203, { "content-type": "text/plain" });
    response.write("one");
    setTimeout(() => response.end("two"), 50);
  });
  await gateway.fetch("alice", "/c/tool/a%2Fb?x=1&token=secret", { method: "POST", body: "sent" });
  await (await gateway.fetch("alice", "/c/tool/long")).text();
  await gateway.fetch("alice", "/c/tool/a/../b");
  await gateway.fetch("mallory", "/c/tool/x");
  await gateway.fetch("alice", "/c/down/x");
  for (const [person, connection, count] of [
    ["alice", "tool", 3],
    ["mallory", "tool", 1],
    ["alice", "down", 1],
  ] as const) {
    const rows = await eventually(
      () => indexed(person, connection),
      (found) => found.length === count && found.every(({ ended }) => ended !== null),
    );
    expect(rows).toEqual(await recorded(person, connection));
    expect(rows.length).toBe(count);
  }
  const [posted, long] = await indexed("alice", "tool");
  expect(posted).toMatchObject({
    method: "POST",
    path: "/a%2Fb",
    query: "x=1&token=[masked:query]",
    rule: "engineers-all",
    outcome: "completed",
    status: 200,
    req_bytes: 4,
  });
  expect(long).toMatchObject({ method: "GET", path: "/long", outcome: "completed", status: 203, resp_bytes: 6 });
  expect(await indexed("mallory", "tool")).toMatchObject([{ outcome: "denied", status: 403 }]);
  expect(await indexed("alice", "down")).toMatchObject([{ outcome: "failed", reason: "upstream_unreachable" }]);
});
