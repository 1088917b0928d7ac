// A session as it happens, by real clients of server-sent events, over connections that break.

import { EventSource, type FetchLike } from "eventsource";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { verifyExport } from "../../core/verify/verify_session.ts";
import { type EchoUpstream, startEchoUpstream } from "../support/echo_upstream.ts";
import {
  applyTestPolicy,
  eventually,
  type ReadRecord,
  startGateway,
  testPolicy,
  type TestGateway,
} from "../support/gateway.ts";
import type { Person } from "../support/issuer.ts";

let upstream: EchoUpstream;
let gateway: TestGateway;
/** Begun before the tests, because nothing happens on it for as long as a heartbeat takes. */
let idle: Promise<string>;

beforeAll(async () => {
  upstream = await startEchoUpstream();
  gateway = await startGateway({ policy: testPolicy({ tool: upstream.url }) });
  idle = untilHeartbeat(await sessionOf({ subject: "quiet", groups: ["engineers"] }));
  idle.catch(() => undefined);
});
afterAll(async () => {
  await gateway?.stop();
  await upstream?.stop();
});

function pathOf(id: string, query = ""): string {
  return `/api/v1/sessions/${id}/live${query}`;
}

async function call(person: Person): Promise<void> {
  await (await gateway.fetch(person, "/c/tool/x")).arrayBuffer();
}

/** A session on the tool with one call in it: three records. */
async function sessionOf(person: Person): Promise<string> {
  await call(person);
  const subject = encodeURIComponent(person.subject);
  const list = await gateway.fetch("carol", `/api/v1/sessions?connection=tool&subject=${subject}`);
  return ((await list.json()) as { items: { sid: string }[] }).items[0]?.sid ?? "";
}

async function close(sid: string): Promise<void> {
  const answer = await gateway.fetch("dan", `/api/v1/sessions/${sid}/kill`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ reason: "it is over" }),
  });
  expect(answer.status).toBe(202);
}

async function untilHeartbeat(sid: string): Promise<string> {
  const answer = await gateway.fetch("carol", pathOf(sid));
  let text = "";
  for await (const chunk of answer.body ?? []) {
    text += new TextDecoder().decode(chunk);
    if (text.includes("\n\n:\n\n")) break;
  }
  return text;
}

/** A browser's client, and what it heard. */
class Listener {
  readonly records: { id: string; data: string }[] = [];
  readonly heads: string[] = [];
  closed = false;
  /** Statuses of the answers that it got, one for each time it connected. */
  readonly statuses: number[] = [];
  readonly source: EventSource;

  /** `breakAfter`: each connection breaks after so many pieces. */
  constructor(sid: string, token: string, { query = "", breakAfter = Infinity } = {}) {
    const connect: FetchLike = async (url, init) => {
      const answer = await fetch(url, { ...init, headers: { ...init.headers, authorization: `Bearer ${token}` } });
      this.statuses.push(answer.status);
      return breakAfter === Infinity || answer.body === null ? answer : broken(answer, breakAfter);
    };
    this.source = new EventSource(gateway.url + pathOf(sid, query), { fetch: connect });
    this.source.addEventListener("record", ({ lastEventId, data }) =>
      this.records.push({ id: lastEventId, data: String(data) }),
    );
    this.source.addEventListener("head", ({ data }) => this.heads.push(String(data)));
    this.source.addEventListener("closed", () => (this.closed = true));
  }

  ids(): number[] {
    return this.records.map(({ id }) => Number(id));
  }

  /** What it heard, as an export. */
  text(): string {
    return [...this.records.map(({ data }) => data), this.heads.at(-1) ?? ""].map((line) => `${line}\n`).join("");
  }

  heard(count: number): Promise<number> {
    return eventually(
      async () => this.records.length,
      (now) => now >= count,
    );
  }
}

function broken(answer: Response, after: number): Response {
  let pieces = 0;
  const body = answer.body?.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform: (chunk, controller) => {
        controller.enqueue(chunk);
        pieces += 1;
        if (pieces === after) controller.error(new Error("the connection broke"));
      },
    }),
  );
  return new Response(body ?? null, { status: answer.status, headers: answer.headers });
}

const upTo = (count: number): number[] => [...Array(count).keys()];

test("what was and what comes are one sequence; at the end it can be verified as an export can", async () => {
  const person = { subject: "walker", groups: ["engineers"] };
  const sid = await sessionOf(person);
  const listener = new Listener(sid, await gateway.token("carol"));
  await listener.heard(3);
  await eventually(
    async () => listener.heads.length,
    (count) => count > 0,
  );
  expect(JSON.parse(listener.heads[0] ?? "")).toMatchObject({ head: { sid, size: 3 } });
  await call(person);
  await listener.heard(5);
  expect(listener.closed).toBe(false);
  await close(sid);
  await eventually(
    async () => listener.closed,
    (isClosed) => isClosed,
  );
  expect(listener.ids()).toEqual(upTo(6));
  expect(await verifyExport(listener.text())).toMatchObject({
    integrity: { kind: "intact" },
    completeness: { kind: "shown" },
    closed: true,
  });
  const exported = await gateway.fetch("carol", `/api/v1/sessions/${sid}/records`);
  expect(listener.text()).toBe(await exported.text());
});

test("a client whose connection breaks again and again, while records come, hears each once", async () => {
  const person = { subject: "stumbler", groups: ["engineers"] };
  const sid = await sessionOf(person);
  const listener = new Listener(sid, await gateway.token("carol"), { breakAfter: 4 });
  let calls = 1;
  await eventually(
    async () => {
      await call(person);
      calls += 1;
      return listener.statuses.length;
    },
    (connections) => connections >= 4,
  );
  expect(listener.statuses.length).toBeGreaterThanOrEqual(4);
  await close(sid);
  await eventually(
    async () => listener.closed,
    (isClosed) => isClosed,
  );
  expect(listener.ids()).toEqual(upTo(1 + 2 * calls + 1));
  expect(await verifyExport(listener.text())).toMatchObject({ integrity: { kind: "intact" }, closed: true });
});

test("a client of a closed session hears all of it, comes back once more, and is told that there is no more", async () => {
  const person = { subject: "finisher", groups: ["engineers"] };
  const sid = await sessionOf(person);
  await close(sid);
  const listener = new Listener(sid, await gateway.token("carol"));
  const states = (): number[] => [listener.source.readyState];
  await eventually(
    async () => states(),
    ([state]) => state === EventSource.CLOSED,
  );
  expect(listener.source.readyState).toBe(EventSource.CLOSED);
  expect(listener.statuses).toEqual([200, 204]);
  expect(listener.ids()).toEqual(upTo(4));
  expect(listener.heads).toHaveLength(1);
});

test.each<[string, string, Record<string, string>, number[]]>([
  ["from a place on", "?from=2", {}, [2, 3]],
  ["after the last one that a client has", "", { "last-event-id": "1" }, [2, 3]],
  ["after that one whatever else was asked for", "?from=0", { "last-event-id": "2" }, [3]],
  ["from past its end", "?from=400", {}, []],
  ["that it is over, if it only knows the last record", "", { "last-event-id": "3" }, []],
  ["what came after the end that it knows", "", { "last-event-id": "closed:3" }, [3]],
])("it is told %s", async (_, query, headers, expected) => {
  const sid = await sessionOf({ subject: `${JSON.stringify(headers)}${query}`, groups: ["engineers"] });
  await close(sid);
  const answer = await gateway.fetch("carol", pathOf(sid, query), { headers });
  expect(answer.headers.get("content-type")).toBe("text/event-stream");
  expect(answer.headers.get("cache-control")).toBe("no-store");
  const text = await answer.text();
  expect([...text.matchAll(/^event: record\nid: (\d+)$/gm)].map(([, id]) => Number(id))).toEqual(expected);
  expect(text).toMatch(/event: closed\nid: closed:4\ndata: \{"closed":\d+\}\n\n$/);
});

test.each(["x", "-1", "1.5", "9".repeat(400), "1, 2", "0x1", "closed:", "closed:x", "closed:1,"])(
  "%s is no event's id, and says so",
  async (last) => {
    const sid = await sessionOf({ subject: "marked", groups: ["engineers"] });
    const answer = await gateway.fetch("carol", pathOf(sid), { headers: { "last-event-id": last } });
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ reason: "request_invalid", errors: [{ parameter: "last-event-id" }] });
  },
);

test("HEAD is answered at once, also for a session that goes on", async () => {
  const sid = await sessionOf({ subject: "headed", groups: ["engineers"] });
  const answer = await gateway.fetch("carol", pathOf(sid), { method: "HEAD" });
  expect([answer.status, answer.headers.get("content-type"), await answer.text()]).toEqual([
    200,
    "text/event-stream",
    "",
  ]);
});

describe("the reader", () => {
  test("whose token ends hears no more, and the record says so", async () => {
    const sid = await sessionOf({ subject: "watched", groups: ["engineers"] });
    const reader = { subject: "brief", groups: ["auditors"] };
    const answer = await fetch(gateway.url + pathOf(sid), {
      headers: { authorization: `Bearer ${await gateway.token(reader, 3)}` },
    });
    await expect(answer.text()).rejects.toThrow();
    const outcome = async (): Promise<ReadRecord | undefined> => {
      const all = await gateway.records("carol", "console");
      const asked = all.find((one) => one.fields.target === `GET ${pathOf(sid)}`);
      return all.find((one) => one.command === asked?.command && one.kind === "command.cancelled");
    };
    expect(await eventually(outcome, (one) => one !== undefined)).toMatchObject({
      classes: { reason: "token_expired" },
    });
  });

  test("who loses a role hears no more of what it let them read", async () => {
    const sid = await sessionOf({ subject: "guarded", groups: ["engineers"] });
    const reader = { subject: "former", groups: ["reviewers"] };
    const policy = testPolicy({ tool: upstream.url }) as { roles: object };
    const auditors = { groups: ["auditors", "reviewers"] };
    await applyTestPolicy(gateway.url, gateway.issuer, { ...policy, roles: { ...policy.roles, auditor: auditors } });
    const answer = await eventually(
      () => gateway.fetch(reader, pathOf(sid)),
      ({ status }) => status === 200,
    );
    expect(answer.status).toBe(200);
    const heard = answer.text();
    heard.catch(() => undefined);
    await applyTestPolicy(gateway.url, gateway.issuer, policy);
    await expect(heard).rejects.toThrow();
    const again = await eventually(
      () => gateway.fetch(reader, pathOf(sid), { method: "HEAD" }),
      ({ status }) => status === 404,
    );
    expect(again.status).toBe(404);
  });

  test("of their own session on the console does not hear of themselves without end", async () => {
    await (await gateway.fetch("mallory", "/api/v1/whoami")).arrayBuffer();
    const list = await gateway.fetch("mallory", "/api/v1/sessions?connection=console&state=open");
    const own = ((await list.json()) as { items: { sid: string }[] }).items[0]?.sid ?? "";
    const listener = new Listener(own, await gateway.token("mallory"));
    // The opening, two commands with their outcomes, and of the listening itself its intent and its beginning.
    await listener.heard(7);
    const count = listener.records.length;
    await (await gateway.fetch("mallory", "/api/v1/whoami")).arrayBuffer();
    await listener.heard(count + 2);
    expect(listener.records.length).toBe(count + 2);
    listener.source.close();
  });
});

test("while nothing happens, a comment tells that the connection lives", async () => {
  expect(await idle).toMatch(/^retry: \d+\n\nevent: record\nid: 0\n[^]*event: head\n[^]*\n\n:\n\n$/);
});
