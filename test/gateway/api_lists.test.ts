// Lists of the API: their filters, and that each thing is listed once, whatever arrives meanwhile.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type EchoUpstream, startEchoUpstream } from "../support/echo_upstream.ts";
import { startGateway, testPolicy, type TestGateway } from "../support/gateway.ts";

let upstream: EchoUpstream;
let gateway: TestGateway;

interface Session {
  readonly sid: string;
  readonly connection: string;
  readonly owner: { readonly issuer: string; readonly subject: string };
  readonly opened: number;
  readonly closed: number | null;
}
interface Page<Item> {
  readonly items: readonly Item[];
  readonly next: string | null;
}

beforeAll(async () => {
  upstream = await startEchoUpstream();
  gateway = await startGateway({ policy: testPolicy({ tool: upstream.url, other: upstream.url }) });
  for (let n = 0; n < 9; n++) await visit(`early-${n}`, n % 3 === 0 ? "other" : "tool");
});
afterAll(async () => {
  await gateway?.stop();
  await upstream?.stop();
});

/** A first call, which opens a session. */
async function visit(subject: string, connection: string): Promise<void> {
  const answer = await gateway.fetch({ subject, groups: ["engineers"] }, `/c/${connection}/x`);
  expect(answer.status).toBe(200);
  await answer.arrayBuffer();
}

async function read<Item>(person: string, path: string): Promise<Page<Item>> {
  const answer = await gateway.fetch(person, path);
  expect([path, answer.status]).toEqual([path, 200]);
  return (await answer.json()) as Page<Item>;
}

async function all(person: string, query: string): Promise<Session[]> {
  const found: Session[] = [];
  for (let cursor: string | null = null; ;) {
    const page: Page<Session> = await read(
      person,
      `/api/v1/sessions?${query}${cursor === null ? "" : `&cursor=${cursor}`}`,
    );
    found.push(...page.items);
    cursor = page.next;
    if (cursor === null) return found;
  }
}

async function statusOf(person: string, path: string): Promise<[number, unknown]> {
  const answer = await gateway.fetch(person, path);
  return [answer.status, ((await answer.json()) as { reason?: unknown }).reason];
}

test.each([1, 2, 3, 7])(
  "in pages of %i, what was there is listed once and in order while more arrives",
  async (limit) => {
    const before = (await all("carol", "limit=100")).map(({ sid }) => sid);
    let isOver = false;
    const arriving = (async (): Promise<void> => {
      for (let n = 0; !isOver; n++) await visit(`late-${limit}-${n}`, "tool");
    })();
    const paged = (await all("carol", `limit=${limit}`)).map(({ sid }) => sid);
    isOver = true;
    await arriving;
    expect(new Set(paged).size).toBe(paged.length);
    expect(paged).toEqual(paged.toSorted().toReversed());
    expect(paged.filter((sid) => before.includes(sid))).toEqual(before);
  },
);

describe("filters", () => {
  test("by connection", async () => {
    const others = await all("carol", "connection=other");
    expect(others.length).toBe(3);
    expect(new Set(others.map((one) => one.connection))).toEqual(new Set(["other"]));
    expect(await all("carol", "connection=nowhere")).toEqual([]);
  });

  test("by subject", async () => {
    expect((await all("carol", "subject=early-4")).map((one) => one.owner.subject)).toEqual(["early-4"]);
    // Of one's own only, whoever is asked for.
    expect(await all("alice", "subject=early-4")).toEqual([]);
  });

  test("by state", async () => {
    const open = await all("carol", "state=open&connection=other");
    expect(open.map((one) => one.closed)).toEqual([null, null, null]);
    expect(await all("carol", "state=closed&connection=other")).toEqual([]);
  });

  test.each(["ms", "iso"])("by time, both ends included (%s)", async (form) => {
    const others = await all("carol", "connection=other");
    const [newest, middle, oldest] = others.map(({ opened }) =>
      form === "ms" ? String(opened) : encodeURIComponent(new Date(opened).toISOString()),
    );
    expect(await all("carol", `connection=other&since=${middle}`)).toEqual(others.slice(0, 2));
    expect(await all("carol", `connection=other&until=${middle}`)).toEqual(others.slice(1));
    expect(await all("carol", `connection=other&since=${oldest}&until=${newest}&limit=1`)).toEqual(others);
  });
});

describe("a cursor", () => {
  const query = "connection=tool&limit=2";
  let cursor = "";

  beforeAll(async () => {
    cursor = (await read<Session>("carol", `/api/v1/sessions?${query}`)).next ?? "";
  });

  test("goes on for its reader, with whatever page size", async () => {
    const first = await read<Session>("carol", `/api/v1/sessions?connection=tool&limit=7`);
    const second = await read<Session>("carol", `/api/v1/sessions?connection=tool&limit=5&cursor=${cursor}`);
    const known = first.items.map(({ sid }) => sid);
    const from = known.indexOf(second.items[0]?.sid ?? "");
    expect(from).toBeGreaterThan(0);
    expect(second.items.slice(0, known.length - from).map(({ sid }) => sid)).toEqual(known.slice(from));
  });

  test("is a link as well, which leads to the same page", async () => {
    const answer = await gateway.fetch("carol", `/api/v1/sessions?${query}&subject=a%3Eb%22%3Cc`);
    expect(answer.headers.get("link")).toBeNull();
    const linked = await gateway.fetch("carol", `/api/v1/sessions?${query}`);
    const [, target] = /^<([^<>]+)>; rel="next"$/.exec(linked.headers.get("link") ?? "") ?? [];
    const { next } = (await linked.json()) as Page<Session>;
    expect(target).toBe(`/api/v1/sessions?${query}&cursor=${next}`);
    expect((await gateway.fetch("carol", target ?? "")).status).toBe(200);
  });

  test("is refused to another reader, be they an auditor too", async () => {
    expect(await statusOf("alice", `/api/v1/sessions?${query}&cursor=${cursor}`)).toEqual([400, "cursor_invalid"]);
    const eve = { subject: "eve", groups: ["auditors"] };
    expect((await gateway.fetch(eve, `/api/v1/sessions?${query}&cursor=${cursor}`)).status).toBe(400);
    const agent = {
      subject: "carol",
      groups: ["auditors"],
      claims: { act: { sub: "agent", iss: gateway.issuer.url } },
    };
    expect((await gateway.fetch(agent, `/api/v1/sessions?${query}&cursor=${cursor}`)).status).toBe(400);
  });

  test("is refused with other filters, and by other lists", async () => {
    for (const path of [
      `/api/v1/sessions?cursor=${cursor}`,
      `/api/v1/sessions?connection=other&cursor=${cursor}`,
      `/api/v1/sessions?connection=tool&state=open&cursor=${cursor}`,
      `/api/v1/revocations?cursor=${cursor}`,
      `/api/v1/policies?cursor=${cursor}`,
      `/api/v1/commands?connection=tool&cursor=${cursor}`,
    ])
      expect([path, ...(await statusOf("carol", path))]).toEqual([path, 400, "cursor_invalid"]);
  });

  test("is refused when anything of it was changed", async () => {
    for (let at = 0; at < cursor.length; at++) {
      const other = cursor[at] === "A" ? "B" : "A";
      const changed = cursor.slice(0, at) + other + cursor.slice(at + 1);
      expect([at, ...(await statusOf("carol", `/api/v1/sessions?${query}&cursor=${changed}`))]).toEqual([
        at,
        400,
        "cursor_invalid",
      ]);
    }
    for (const made of ["x", cursor.slice(0, -1), `${cursor}A`, cursor.slice(22), `${cursor}${cursor}`, "A".repeat(80)])
      expect((await statusOf("carol", `/api/v1/sessions?${query}&cursor=${made}`))[0]).toBe(400);
  });
});

test("a page that has not changed is 304 for who names its tag, and for nobody else's", async () => {
  const path = "/api/v1/sessions?connection=other";
  const first = await gateway.fetch("carol", path);
  const etag = first.headers.get("etag") ?? "";
  expect(first.headers.get("cache-control")).toBe("private, no-cache");
  const again = await gateway.fetch("carol", path, { headers: { "if-none-match": etag } });
  expect([again.status, await again.text(), again.headers.get("etag")]).toEqual([304, "", etag]);
  await visit("another", "other");
  const changed = await gateway.fetch("carol", path, { headers: { "if-none-match": etag } });
  expect(changed.status).toBe(200);
  expect(changed.headers.get("etag")).not.toBe(etag);
});
