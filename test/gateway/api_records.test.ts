// Reading a session by the API: as an export, from a place on, in pages, and followed.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { verifyExport } from "../../core/verify/verify_session.ts";
import { type EchoUpstream, startEchoUpstream } from "../support/echo_upstream.ts";
import {
  eventually,
  type ReadRecord,
  readExport,
  startGateway,
  testPolicy,
  type TestGateway,
} from "../support/gateway.ts";

let upstream: EchoUpstream;
let gateway: TestGateway;
let sid = "";

const NDJSON = { headers: { accept: "application/x-ndjson" } };
const JSON_TYPE = { headers: { accept: "application/json" } };

beforeAll(async () => {
  upstream = await startEchoUpstream();
  gateway = await startGateway({ policy: testPolicy({ tool: upstream.url }) });
  for (let n = 0; n < 5; n++) await call("alice");
  sid = await sessionOf("alice", "tool");
});
afterAll(async () => {
  await gateway?.stop();
  await upstream?.stop();
});

async function call(person: string): Promise<void> {
  await (await gateway.fetch(person, "/c/tool/x")).arrayBuffer();
}

async function sessionOf(person: string, connection: string): Promise<string> {
  const list = await gateway.fetch(person, `/api/v1/sessions?connection=${connection}&state=open`);
  return ((await list.json()) as { items: { sid: string }[] }).items[0]?.sid ?? "";
}

function pathOf(id: string, query = ""): string {
  return `/api/v1/sessions/${id}/records${query}`;
}

interface Page {
  readonly items: readonly { readonly leaf: string; readonly fields: unknown }[];
  readonly next: string | null;
  readonly head: { readonly sid: string; readonly size: number; readonly root: string; readonly tip: string };
}

async function page(person: string, id: string, query: string): Promise<Page> {
  const answer = await gateway.fetch(person, pathOf(id, query), JSON_TYPE);
  expect(answer.status).toBe(200);
  expect(answer.headers.get("content-type")).toBe("application/json");
  return (await answer.json()) as Page;
}

async function text(person: string, id: string, query = ""): Promise<string> {
  const answer = await gateway.fetch(person, pathOf(id, query), NDJSON);
  expect(answer.status).toBe(200);
  return answer.text();
}

const linesOf = (export_: string): string[] => export_.split("\n").filter((line) => line !== "");

test("the whole of it is an export that can be verified", async () => {
  const whole = await text("carol", sid);
  expect(await verifyExport(whole)).toMatchObject({ integrity: { kind: "intact" }, completeness: { kind: "shown" } });
  const unasked = await gateway.fetch("carol", pathOf(sid));
  expect(unasked.headers.get("content-type")).toBe("application/x-ndjson");
  expect(await unasked.text()).toBe(whole);
});

test("from a place on, it is the rest of the same lines", async () => {
  const whole = linesOf(await text("carol", sid));
  for (const from of [0, 1, 4, whole.length - 2, whole.length - 1, whole.length + 50])
    expect(linesOf(await text("carol", sid, `?from=${from}`))).toEqual([
      ...whole.slice(0, -1).slice(from),
      whole.at(-1),
    ]);
});

test.each([1, 2, 3, 100])("pages of %i are the same records, while more arrive", async (limit) => {
  let isOver = false;
  const arriving = (async (): Promise<void> => {
    while (!isOver) await call("alice");
  })();
  const found: { leaf: string; fields: unknown }[] = [];
  let size = 0;
  for (let cursor: string | null = null, pages = 0; pages < 12; pages++) {
    const one: Page = await page("carol", sid, `?limit=${limit}${cursor === null ? "" : `&cursor=${cursor}`}`);
    found.push(...one.items);
    expect(one.head.size).toBeGreaterThanOrEqual(size);
    size = one.head.size;
    cursor = one.next;
    if (cursor === null) break;
  }
  isOver = true;
  await arriving;
  const lines = linesOf(await text("carol", sid));
  expect(found.map(({ leaf, fields }) => JSON.stringify({ leaf, fields }))).toEqual(lines.slice(0, found.length));
  expect(found.length).toBeGreaterThanOrEqual(Math.min(limit * 2, 11));
});

test("a page begins where it is asked to", async () => {
  const { items, head } = await page("carol", sid, "?from=3&limit=2");
  expect(items.map(({ leaf }) => (JSON.parse(leaf) as { seq: number }).seq)).toEqual([3, 4]);
  const beyond = await page("carol", sid, `?from=${head.size + 1000}`);
  expect(beyond).toMatchObject({ items: [], next: null });
});

test.each<[string, string, number]>([
  ["application/json", "", 200],
  ["application/x-ndjson;q=0.5, application/json", "application/json", 200],
  ["application/json;q=0.5, application/x-ndjson", "application/x-ndjson", 200],
  ["*/*", "application/x-ndjson", 200],
  ["application/*;q=0.9, application/x-ndjson;q=0", "application/json", 200],
  ["text/html", "application/problem+json", 406],
  ["application/json;q=0", "application/problem+json", 406],
])("who accepts %s gets %s", async (accept, type, status) => {
  const answer = await gateway.fetch("carol", pathOf(sid), { headers: { accept } });
  expect(answer.status).toBe(status);
  expect(answer.headers.get("content-type")).toContain(type);
  await answer.body?.cancel();
});

test.each([
  [JSON_TYPE, "?follow=true"],
  [NDJSON, "?limit=1"],
  [NDJSON, "?cursor=x"],
  [JSON_TYPE, "?cursor=x"],
  [NDJSON, "?follow=maybe"],
  [NDJSON, "?from=-1"],
])("what does not go together is refused: %j %s", async (init, query) => {
  expect((await gateway.fetch("carol", pathOf(sid, query), init)).status).toBe(400);
});

test("a cursor of one session's records is none for another's", async () => {
  await call("bob");
  const bobs = await sessionOf("bob", "tool");
  const { next } = await page("carol", sid, "?limit=1");
  const answer = await gateway.fetch("carol", pathOf(bobs, `?cursor=${next}`), JSON_TYPE);
  expect(await answer.json()).toMatchObject({ status: 400, reason: "cursor_invalid" });
});

describe("of the reader's own session on the console", () => {
  test.each(["export", "page", "summary"])("the %s ends before the reading, and its head is right", async (form) => {
    await (await gateway.fetch("dan", "/api/v1/whoami")).arrayBuffer();
    const own = await sessionOf("dan", "console");
    const earlier = readExport(await text("carol", own)).length;
    const head =
      form === "export"
        ? (JSON.parse(linesOf(await text("dan", own)).at(-1) ?? "") as Pick<Page, "head">).head
        : form === "page"
          ? (await page("dan", own, "?limit=1")).head
          : ((await (await gateway.fetch("dan", `/api/v1/sessions/${own}`)).json()) as Page["head"]);
    expect(head.size).toBe(earlier);
    const later = linesOf(await text("carol", own)).slice(0, earlier);
    const cut = `${[...later, JSON.stringify({ head: { sid: own, size: head.size, root: head.root, tip: head.tip } })].join("\n")}\n`;
    expect(await verifyExport(cut)).toMatchObject({ integrity: { kind: "intact" }, completeness: { kind: "shown" } });
  });

  test("the summary does not count the reading as a command that runs", async () => {
    const own = await sessionOf("dan", "console");
    const summary = (await (await gateway.fetch("dan", `/api/v1/sessions/${own}`)).json()) as {
      openCommands: string[];
    };
    expect(summary.openCommands).toEqual([]);
  });
});

/** What arrives of a followed session, as it arrives. */
class Following {
  text = "";
  isOver = false;
  isCut = false;
  readonly #leave = new AbortController();
  readonly done: Promise<void>;

  constructor(person: string | { subject: string; groups: string[] }, id: string, token?: string) {
    this.done = this.#read(person, id, token);
  }

  async #read(person: string | { subject: string; groups: string[] }, id: string, token?: string): Promise<void> {
    const bearer = token ?? (await gateway.token(person));
    const answer = await fetch(gateway.url + pathOf(id, "?follow=true"), {
      headers: { authorization: `Bearer ${bearer}` },
      signal: this.#leave.signal,
    });
    if (answer.status !== 200) throw new Error(`cannot be followed: ${answer.status}`);
    try {
      for await (const chunk of answer.body ?? []) this.text += new TextDecoder().decode(chunk);
      this.isOver = true;
    } catch {
      this.isCut = true;
    }
  }

  lines(): string[] {
    return linesOf(this.text);
  }

  leave(): void {
    this.#leave.abort();
  }
}

type Reader = string | { subject: string; groups: string[] };

/** How the followed read ended, by the reader's own session; undefined while it has not. */
async function endOf(person: Reader, id: string): Promise<ReadRecord | undefined> {
  const all = await gateway.records(person, "console");
  const asked = all.findLast((one) => one.fields.target === `GET ${pathOf(id, "?follow=true")}`);
  return all.find((one) => one.command === asked?.command && /completed|failed|cancelled/.test(one.kind));
}

function outcomeOf(person: Reader, id: string): Promise<ReadRecord | undefined> {
  return eventually(
    () => endOf(person, id),
    (one) => one !== undefined,
  );
}

describe("followed", () => {
  test("each record comes when it is there, and at the session's end its head; all of it can be verified", async () => {
    const person = { subject: "walker", groups: ["engineers"] };
    await (await gateway.fetch(person, "/c/tool/x")).arrayBuffer();
    const own =
      ((await (await gateway.fetch("carol", "/api/v1/sessions?subject=walker")).json()) as { items: { sid: string }[] })
        .items[0]?.sid ?? "";
    const following = new Following("carol", own);
    await eventually(
      async () => following.lines().length,
      (count) => count === 3,
    );
    expect(following.lines().length).toBe(3);
    await (await gateway.fetch(person, "/c/tool/x")).arrayBuffer();
    await eventually(
      async () => following.lines().length,
      (count) => count === 5,
    );
    expect(following.text).not.toContain('"head"');
    const killed = await gateway.fetch("dan", `/api/v1/sessions/${own}/kill`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ reason: "the walk is over" }),
    });
    expect(killed.status).toBe(202);
    await following.done;
    expect(following.isOver).toBe(true);
    expect(await verifyExport(following.text)).toMatchObject({
      integrity: { kind: "intact" },
      completeness: { kind: "shown" },
      closed: true,
    });
    expect(following.text).toBe(await text("carol", own));
    expect(await outcomeOf("carol", own)).toMatchObject({ kind: "command.completed" });
  });

  test("it ends for the reader whose token ends, and the record says so", async () => {
    const reader = { subject: "short", groups: ["auditors"] };
    const following = new Following(reader, sid, await gateway.token(reader, 3));
    await following.done;
    expect(following.isCut).toBe(true);
    expect(following.text).not.toContain('"head"');
    expect(await outcomeOf(reader, sid)).toMatchObject({
      kind: "command.cancelled",
      classes: { reason: "token_expired" },
    });
  });

  test("a reader who leaves is noticed by the next record at the latest, and their own says so", async () => {
    const reader = { subject: "leaver", groups: ["auditors"] };
    const following = new Following(reader, sid);
    await eventually(
      async () => following.lines().length,
      (count) => count > 3,
    );
    following.leave();
    await following.done;
    const outcome = async () => {
      await call("alice");
      return endOf(reader, sid);
    };
    expect(await eventually(outcome, (one) => one !== undefined)).toMatchObject({
      kind: "command.cancelled",
      classes: { reason: "client_gone" },
    });
  });

  test("who follows their own session on the console hears of others' readings, and not of themselves without end", async () => {
    await (await gateway.fetch("mallory", "/api/v1/whoami")).arrayBuffer();
    const own = await sessionOf("mallory", "console");
    const following = new Following("mallory", own);
    await eventually(
      async () => following.lines().length,
      (count) => count >= 6,
    );
    const count = following.lines().length;
    await (await gateway.fetch("mallory", "/api/v1/whoami")).arrayBuffer();
    await eventually(
      async () => following.lines().length,
      (now) => now === count + 2,
    );
    expect(following.lines().length).toBe(count + 2);
    following.leave();
    await following.done;
  });
});
