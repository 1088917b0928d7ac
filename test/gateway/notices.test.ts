// Notices of approvals as receivers get them, from the real bundle: what they say, that they are signed, what
// a stranger can put into them, and what becomes of those that nobody takes.

import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Webhook } from "standardwebhooks";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { decide } from "../support/approving.ts";
import { type EchoUpstream, startEchoUpstream } from "../support/echo_upstream.ts";
import { eventually, freePort, startGateway, testPolicy, type TestGateway } from "../support/gateway.ts";
import {
  type GotNotice,
  isSigned,
  newSigningSecret,
  type NoticeReceiver,
  startNoticeReceiver,
} from "../support/notice_receiver.ts";

const SECRET = newSigningSecret();
const CONSOLE = "http://console.localhost:8787";
const HOSTILE = "<!channel> @here <https://evil.example|Approve> [a](http://evil.example) *b* `c` :skull: evil.example";

let upstream: EchoUpstream;
let receiver: NoticeReceiver;
let gateway: TestGateway;

/** Where a rule's notices go: a path of the receiver, named as the rule is. */
function policyOf(): unknown {
  const policy = testPolicy({ tool: upstream.url }) as { roles: object; rules: object[] };
  const webhook = (path: string) => ({ format: "webhook", url: `${receiver.url}/${path}`, secret: "NOTIFY_OPS" });
  const asks = (id: string, notify: string[], approve: object = {}) => ({
    ...{ id, effect: "needs-approval", who: { groups: ["engineers"] }, connections: ["tool"], methods: ["POST"] },
    ...{ routes: [`/${id}/**`], approve: { by: [{ groups: ["leads"] }], notify, ...approve } },
  });
  return {
    ...policy,
    roles: { ...policy.roles, admin: { groups: ["admins"] } },
    notify: {
      ops: webhook("ops"),
      chat: { format: "slack", url: `${receiver.url}/chat` },
      hidden: { format: "slack", secret: "NOTIFY_CHAT" },
      hangs: webhook("hangs"),
      drips: webhook("drips"),
      moves: webhook("moves"),
      fails: webhook("fails"),
      gone: webhook("gone"),
      nokey: { format: "webhook", url: `${receiver.url}/nokey`, secret: "NOTIFY_NONE" },
      weak: { format: "webhook", url: `${receiver.url}/weak`, secret: "NOTIFY_WEAK" },
      own: { format: "slack", secret: "NOTIFY_OWN" },
    },
    rules: [
      ...policy.rules,
      asks("both", ["ops", "chat", "hidden"], { break_glass: { groups: ["engineers"] } }),
      asks("hangs", ["hangs", "chat"]),
      ...["drips", "moves", "fails", "gone", "nokey", "weak", "own"].map((name) => asks(name, [name])),
    ],
  };
}

beforeAll(async () => {
  upstream = await startEchoUpstream();
  receiver = await startNoticeReceiver();
  gateway = await startGateway({
    policy: policyOf(),
    people: {
      admin: { subject: "boss", groups: ["admins"] },
      hostile: { subject: "eve", groups: ["engineers"], claims: { name: HOSTILE } },
    },
    bindings: {
      CONSOLE,
      LOGIN: JSON.stringify({ issuer: "https://login.example", client_id: "x" }),
      LOGIN_KEY: Buffer.alloc(32).toString("base64"),
      NOTIFY_OPS: SECRET,
      NOTIFY_CHAT: `${receiver.url}/hook?key=it`,
      NOTIFY_WEAK: "whsec_c2hvcnQ=",
      NOTIFY_OWN: `${CONSOLE}/logout`,
    },
    issuers: [{ issuer: "https://login.example", audiences: ["x"] }],
  });
});
afterAll(async () => {
  await gateway?.stop();
  await receiver?.stop();
  await upstream?.stop();
});

async function ask(path: string, person = "alice", headers: Record<string, string> = {}): Promise<string> {
  const answer = await gateway.fetch(person, `/c/tool/${path}`, {
    method: "POST",
    headers,
    body: "secret-of-the-body",
  });
  const { approval = "" } = (await answer.json()) as { approval?: string };
  return approval;
}

/** What came to a path about an approval. */
function about(path: string, approval: string, count = 1): Promise<GotNotice[]> {
  return eventually(
    async () => receiver.at(path).filter(({ body }) => body.includes(approval)),
    (got) => got.length >= count,
  );
}

interface Item {
  readonly id: string;
  readonly approval: string;
  readonly state: string;
  readonly tries: number;
  readonly failure: string | null;
  readonly due: number | null;
}

/** The notice of an approval in a list, once it was tried. */
async function listed(approval: string, state: "waiting" | "dead"): Promise<Item> {
  const item = await eventually(
    async () => {
      const answer = await gateway.fetch("admin", `/api/v1/notices?state=${state}`);
      return ((await answer.json()) as { items: Item[] }).items.find((one) => one.approval === approval);
    },
    (found) => found !== undefined && found.tries > 0,
  );
  if (item === undefined) throw new Error(`no ${state} notice of ${approval}`);
  return item;
}

describe("a notice", () => {
  test("is a Standard Webhook with a link and a masked title, and nothing of what was sent", async () => {
    const approval = await ask("both/things?token=hush-hush-hush-1");
    const [got] = await about("/ops", approval);
    if (got === undefined) throw new Error("nothing came");
    expect(isSigned(got, SECRET)).toBe(true);
    expect(isSigned({ ...got, body: `${got.body} ` }, SECRET)).toBe(false);
    const headers = Object.fromEntries(Object.entries(got.headers).map(([name, value]) => [name, String(value)]));
    expect(new Webhook(SECRET).verify(got.body, headers)).toEqual(JSON.parse(got.body));
    expect(headers["content-type"]).toBe("application/json");
    const message = JSON.parse(got.body) as { timestamp: string; data: { expires: string; title: string } };
    expect(message).toMatchObject({
      type: "approval.requested",
      data: {
        ...{ approval, url: `${CONSOLE}/approvals/${approval}`, connection: "tool", rule: "both", event: "requested" },
        requester: "alice",
      },
    });
    expect(message.data.title).toMatch(/^POST \/both\/things\?token=\[masked:/);
    expect(got.body).not.toContain("hush");
    expect(got.body).not.toContain("secret-of-the-body");
    expect(Date.parse(message.data.expires) - Date.parse(message.timestamp)).toBe(60 * 60_000);
  });

  test("comes for each thing that came about, to all who are named, under an id of its own", async () => {
    const approval = await ask("both/decided");
    await decide(gateway, "bob", approval);
    const got = await about("/ops", approval, 2);
    expect(got.map(({ body }) => (JSON.parse(body) as { type: string }).type)).toEqual([
      "approval.requested",
      "approval.approved",
    ]);
    expect(new Set(got.map(({ headers }) => headers["webhook-id"])).size).toBe(2);
    expect((await about("/chat", approval, 2)).length).toBe(2);
    // Whose address is the secret.
    expect((await about("/hook?key=it", approval, 2)).length).toBe(2);
  });

  test("tells that somebody went on without an approval", async () => {
    const path = `both/${randomUUID()}`;
    const answer = await gateway.fetch("alice", `/c/tool/${path}`, {
      method: "POST",
      headers: { "sallyport-break-glass": "It is on fire." },
    });
    expect(answer.status).toBe(200);
    await answer.arrayBuffer();
    const [got] = await about("/ops", path);
    expect(JSON.parse(got?.body ?? "{}")).toMatchObject({ type: "approval.break_glass" });
    const [chat] = await about("/chat", path);
    expect(chat?.body).toContain("WITHOUT an approval");
  });
});

describe("a chat", () => {
  test("gets one line of plain words and one link, whatever the caller has put into their name and target", async () => {
    const evil = encodeURI("<!channel>@everyone<http://evil.example|ok>*x*_y_`z`:skull:evil.example");
    const approval = await ask(`both/${evil}?a=[b](http://evil.example)&c=<@U1>`, "hostile");
    const [got] = await about("/chat", approval);
    const { text = "", ...more } = JSON.parse(got?.body ?? "{}") as { text?: string };
    expect(more).toEqual({});
    expect(text).toContain("Waits for an approval: POST /both/");
    const link = `<${CONSOLE}/approvals/${approval}>`;
    expect(text.endsWith(` ${link}`)).toBe(true);
    const words = text.slice(0, -link.length);
    expect(words).not.toMatch(/[<>@*_`~[\]|#!\\\n]|:\/\/|\.[a-z]|:[a-z]/i);
    expect(words).toContain("&lt;！channel&gt; ＠here");
  });
});

describe("a receiver", () => {
  test("that hangs holds up neither the call, nor its decision, nor other receivers; it has ten seconds", async () => {
    let isHanging = true;
    receiver.answers.set("/hangs", (response) => response.on("close", () => (isHanging = false)));
    const approval = await ask("hangs/a");
    expect((await about("/chat", approval)).length).toBe(1);
    expect((await decide(gateway, "bob", approval)).status).toBe(200);
    expect((await about("/chat", approval, 2)).length).toBe(2);
    // What was decided is told to the other one while the first is still being waited for.
    expect([receiver.at("/hangs").length, isHanging]).toEqual([1, true]);
    const item = await eventually(
      () => listed(approval, "waiting"),
      ({ failure }) => failure !== null,
      20_000,
    );
    expect(item).toMatchObject({ failure: "timeout", tries: 1 });
  }, 60_000);

  test("that never ends its answer is taken at its status", async () => {
    receiver.answers.set("/drips", (response) => {
      response.writeHead(200);
      const timer = setInterval(() => response.write("x".repeat(65_536)), 10);
      response.on("close", () => clearInterval(timer));
    });
    const approval = await ask("drips/a");
    const items = await eventually(
      async () => {
        const list = await gateway.fetch("admin", "/api/v1/notices?state=waiting");
        return ((await list.json()) as { items: Item[] }).items.filter((one) => one.approval === approval);
      },
      (found) => found.length === 0,
    );
    expect(items).toEqual([]);
    expect(receiver.at("/drips").length).toBe(1);
  });

  test("that sends elsewhere is not followed", async () => {
    receiver.answers.set("/moves", (response) => response.writeHead(307, { location: `${receiver.url}/moved` }).end());
    expect(await listed(await ask("moves/a"), "waiting")).toMatchObject({ failure: "status_307", tries: 1 });
    expect(receiver.at("/moved")).toEqual([]);
  });

  test("that fails gets the same notice again after five seconds, signed anew", async () => {
    receiver.answers.set("/fails", (response) => response.writeHead(500).end());
    const approval = await ask("fails/a");
    expect(await listed(approval, "waiting")).toMatchObject({ failure: "status_500", tries: 1 });
    receiver.answers.delete("/fails");
    const got = await eventually(
      async () => receiver.at("/fails"),
      (all) => all.length > 1,
      30_000,
    );
    expect(got.length).toBe(2);
    const [first, second] = got;
    expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThanOrEqual(4_900);
    expect(second?.body).toBe(first?.body);
    expect(second?.headers["webhook-id"]).toBe(first?.headers["webhook-id"]);
    expect(second !== undefined && isSigned(second, SECRET)).toBe(true);
  }, 60_000);
});

test("a notice that was not taken before everything was restarted is sent after it, by the alarm", async () => {
  const state = mkdtempSync(join(tmpdir(), "sallyport notices "));
  const port = await freePort();
  const secrets = { NOTIFY_OPS: SECRET, NOTIFY_CHAT: `${receiver.url}/chat` };
  receiver.answers.set("/fails", (response) => response.writeHead(503).end());
  const before = receiver.at("/fails").length;
  try {
    const first = await startGateway({ policy: policyOf(), port, state, secrets });
    const answer = await first.fetch("alice", "/c/tool/fails/restart", { method: "POST" });
    expect(answer.status).toBe(202);
    const count = async (): Promise<number> => receiver.at("/fails").length;
    await eventually(count, (now) => now > before);
    await first.stop();
    receiver.answers.delete("/fails");
    const second = await startGateway({ policy: null, port, state, secrets });
    // Nobody asks it anything.
    await eventually(count, (now) => now > before + 1, 30_000);
    await second.stop();
  } finally {
    rmSync(state, { recursive: true });
  }
  const [tried, sent] = receiver.at("/fails").slice(before);
  expect(sent?.headers["webhook-id"]).toBe(tried?.headers["webhook-id"]);
  expect(sent?.body).toBe(tried?.body);
}, 90_000);

describe("a notice that nobody takes", () => {
  test("is a dead letter, which an admin may have sent again, on record", async () => {
    receiver.answers.set("/gone", (response) => response.writeHead(410).end());
    const approval = await ask("gone/a");
    const item = await listed(approval, "dead");
    expect(item).toMatchObject({ state: "dead", failure: "status_410", tries: 1, due: null });
    const retry = (person: string) => gateway.fetch(person, `/api/v1/notices/${item.id}/retry`, { method: "POST" });
    expect((await retry("carol")).status).toBe(403);
    receiver.answers.delete("/gone");
    const again = await retry("admin");
    expect([again.status, ((await again.json()) as Item).state]).toEqual([202, "waiting"]);
    expect((await about("/gone", approval, 2)).length).toBe(2);
    const records = await gateway.records("admin", "console");
    expect(records.some(({ fields }) => fields.change === JSON.stringify({ notice: item.id }))).toBe(true);
    await eventually(
      async () => (await retry("admin")).status,
      (status) => status === 404,
    );
    expect((await retry("admin")).status).toBe(404);
  });

  test.each([
    ["nokey", "waiting", "secret_missing"],
    ["weak", "waiting", "secret_invalid"],
    ["own", "dead", "address_refused"],
  ] as const)("because of its %s is %s: %s", async (name, state, failure) => {
    expect(await listed(await ask(`${name}/a`), state)).toMatchObject({ state, failure });
    expect(receiver.at(`/${name}`)).toEqual([]);
  });

  test("stands in lists page by page", async () => {
    for (let i = 0; i < 3; i++) await listed(await ask("own/page"), "dead");
    const seen: string[] = [];
    for (let path: string | null = "/api/v1/notices?state=dead&limit=2"; path !== null;) {
      const answer: Response = await gateway.fetch("carol", path);
      const { items, next } = (await answer.json()) as { items: Item[]; next: string | null };
      seen.push(...items.map(({ id }) => id));
      path = next === null ? null : `/api/v1/notices?state=dead&limit=2&cursor=${next}`;
    }
    expect(seen.length).toBeGreaterThanOrEqual(4);
    expect(seen).toEqual([...new Set(seen)].sort().reverse());
    const other = await gateway.fetch("carol", "/api/v1/notices?state=waiting&cursor=AAAA");
    expect(other.status).toBe(400);
  });
});

test.each([
  ["the gateway itself", () => `http://127.0.0.1:${gateway.port}/x`],
  ["the console", () => `${CONSOLE}/approvals`],
])("a policy that sends notices to %s is refused, with its place", async (_, url) => {
  const policy = policyOf() as { notify: object };
  const text = JSON.stringify({
    ...policy,
    notify: { ...policy.notify, loops: { format: "webhook", url: url(), secret: "NOTIFY_OPS" } },
  });
  const answer = await gateway.fetch("dan", "/api/v1/policy/check", {
    method: "POST",
    headers: { "content-type": "application/yaml" },
    body: text,
  });
  const { problems } = (await answer.json()) as { problems: { path: string; expected: string }[] };
  expect(problems).toMatchObject([{ path: "notify.loops.url", expected: "a URL that is not the gateway's own" }]);
});
