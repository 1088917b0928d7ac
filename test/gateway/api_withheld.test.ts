// Fields that not everybody is shown: whoever reads records, and however, gets commitments in their place.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { verifyExport } from "../../core/verify/verify_session.ts";
import { eventually, startGateway, testPolicy, type TestGateway } from "../support/gateway.ts";
import { type WrittenCommand, WrittenSession } from "../support/written_session.ts";

let gateway: TestGateway;
let session: WrittenSession;

beforeAll(async () => {
  gateway = await startGateway({ policy: testPolicy({ tool: "http://127.0.0.1:9" }) });
  session = await WrittenSession.open(gateway, "alice", "one");
});
afterAll(async () => {
  await gateway?.stop();
});

const textBytes = (text: string): Uint8Array => new TextEncoder().encode(text);

function get(path: string, headers: Readonly<Record<string, string>> = {}, person = "alice"): Promise<Response> {
  return gateway.fetch(person, path, { headers });
}

describe("a pseudonym", () => {
  let command: WrittenCommand;
  const NAME = "p-4c1e";
  beforeAll(async () => {
    const spans = [{ at: 0, length: 5, put: 12, rule: "jwt", pseudonym: NAME }];
    command = await session.request({ body: { bytes: textBytes("[masked:jwt]"), spans } });
    await command.start();
    await command.stream("response", [{ bytes: textBytes("[masked:jwt]"), spans }]);
    await command.complete();
    await eventually(
      async () => (await gateway.fetch("alice", `/api/v1/commands/${command.id}`)).status,
      (status) => status === 200,
    );
  });

  /** Each way in which records are read. */
  const ways: [string, (person: string) => Promise<string>][] = [
    ["the export", async (person) => (await get(`/api/v1/sessions/${session.sid}/records`, {}, person)).text()],
    [
      "a page",
      async (person) => {
        const page = await get(
          `/api/v1/sessions/${session.sid}/records?limit=100`,
          { accept: "application/json" },
          person,
        );
        const { next } = (await page.clone().json()) as { next: string | null };
        const rest =
          next === null
            ? ""
            : await (
                await get(
                  `/api/v1/sessions/${session.sid}/records?cursor=${next}`,
                  { accept: "application/json" },
                  person,
                )
              ).text();
        return (await page.text()) + rest;
      },
    ],
    ["the command", async (person) => (await get(`/api/v1/commands/${command.id}`, {}, person)).text()],
    ["what is followed", (person) => untilHead(person, "records?follow=true")],
    ["events", (person) => untilHead(person, "live")],
  ];

  test.each(ways)("in %s is an auditor's to see, and for its owner there is its commitment", async (_, read) => {
    expect(await read("carol")).toContain(NAME);
    const own = await read("alice");
    expect(own).not.toContain(NAME);
    expect(own).toMatch(/\["pseudonyms","[0-9a-f]{64}"\]/);
  });

  test("that is withheld leaves the export intact and complete, and is counted", async () => {
    const verdicts = await Promise.all(
      ["alice", "carol"].map(async (person) =>
        verifyExport(await (await get(`/api/v1/sessions/${session.sid}/records`, {}, person)).text()),
      ),
    );
    for (const verdict of verdicts)
      expect(verdict).toMatchObject({ integrity: { kind: "intact" }, completeness: { kind: "shown" } });
    const [own, auditors] = verdicts.map(({ findings }) => findings.withheldCount);
    expect(auditors).toBe(0);
    expect(own).toBeGreaterThanOrEqual(2);
  });

  async function untilHead(person: string, what: string): Promise<string> {
    const { size } = (await (await get(`/api/v1/sessions/${session.sid}`, {}, person)).json()) as { size: number };
    const answer = await get(`/api/v1/sessions/${session.sid}/${what}`, {}, person);
    let text = "";
    for await (const chunk of answer.body ?? []) {
      text += new TextDecoder().decode(chunk);
      if ([...text.matchAll(/"leaf":/g)].length >= size) break;
    }
    return text;
  }
});
