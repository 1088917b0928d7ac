// The policy by the API: read, checked, put in force, put back; and what is on record of it.

import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type EchoUpstream, startEchoUpstream } from "../support/echo_upstream.ts";
import { type ReadRecord, startGateway, testPolicy, type TestGateway } from "../support/gateway.ts";

let upstream: EchoUpstream;
let gateway: TestGateway;

beforeAll(async () => {
  upstream = await startEchoUpstream();
  gateway = await startGateway({ policy: testPolicy({ tool: upstream.url }) });
});
afterAll(async () => {
  await gateway?.stop();
  await upstream?.stop();
});

interface Version {
  readonly no: number;
  readonly hash: string;
  readonly previous: string | null;
  readonly by: unknown;
  readonly command: string;
  readonly comment: string;
}

function hashOf(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

async function current(): Promise<{ text: string; etag: string; hash: string }> {
  const answer = await gateway.fetch("dan", "/api/v1/policy");
  expect(answer.status).toBe(200);
  expect(answer.headers.get("content-type")).toBe("application/yaml");
  const etag = answer.headers.get("etag") ?? "";
  return { text: await answer.text(), etag, hash: etag.slice(1, -1) };
}

async function put(text: string, ifMatch: string | null, query = "", person = "dan"): Promise<Response> {
  return gateway.fetch(person, `/api/v1/policy${query}`, {
    method: "PUT",
    headers: { "content-type": "application/yaml", ...(ifMatch === null ? {} : { "if-match": ifMatch }) },
    body: text,
  });
}

async function versions(): Promise<Version[]> {
  return ((await (await gateway.fetch("dan", "/api/v1/policies")).json()) as { items: Version[] }).items;
}

/** The text in force with one more comment line: another text of the same meaning. */
async function another(note: string): Promise<{ text: string; etag: string }> {
  const { text, etag } = await current();
  return { text: `# ${note}\n${text}`, etag };
}

/** The record that a refused or answered change left. */
async function recordOf(found: (record: ReadRecord) => boolean): Promise<ReadRecord | undefined> {
  return (await gateway.records("dan", "console")).findLast(found);
}

test("what is read is what was applied, byte for byte, and its tag its hash", async () => {
  const { text, hash, etag } = await current();
  expect(hashOf(text)).toBe(hash);
  const again = await gateway.fetch("carol", "/api/v1/policy", { headers: { "if-none-match": etag } });
  expect([again.status, again.headers.get("etag")]).toEqual([304, etag]);
  const old = await gateway.fetch("carol", `/api/v1/policies/${hash}`);
  expect([await old.text(), old.headers.get("etag")]).toEqual([text, etag]);
  expect(old.headers.get("cache-control")).toBe("private, max-age=31536000, immutable");
  const kept = await gateway.fetch("carol", `/api/v1/policies/${hash}`, { headers: { "if-none-match": etag } });
  expect(kept.status).toBe(304);
});

test("what is put in force decides the next command, and the record has who, why and what changed", async () => {
  const { text, etag } = await current();
  const file = testPolicy({ tool: upstream.url }) as { rules: object[] };
  const closed = {
    ...file,
    rules: [
      ...file.rules,
      {
        id: "no-more",
        effect: "deny",
        who: { roles: ["engineer"] },
        connections: ["tool"],
        methods: ["*"],
        routes: ["/closed/**"],
      },
    ],
  };
  expect((await gateway.fetch("alice", "/c/tool/closed/x")).status).toBe(200);
  const wanted = JSON.stringify(closed, null, 2);
  const answer = await put(wanted, etag, "?comment=closing%20time");
  expect(answer.status).toBe(200);
  expect(answer.headers.get("etag")).toBe(`"${hashOf(wanted)}"`);
  const { version, diff } = (await answer.json()) as {
    version: Version;
    diff: { text: string; changes: { rules: { added: string[] } } };
  };
  expect(version).toMatchObject({
    hash: hashOf(wanted),
    previous: hashOf(text),
    by: { issuer: gateway.issuer.url, subject: "dan" },
    comment: "closing time",
  });
  expect(diff.changes.rules.added).toEqual(["no-more"]);
  expect((await gateway.fetch("alice", "/c/tool/closed/x")).status).toBe(403);
  expect((await versions())[0]).toEqual(version);
  const requested = await recordOf((one) => one.command === version.command && one.kind === "command.requested");
  expect(requested?.classes).toMatchObject({ rule: "console-policy-apply", verb: "write", effect: "allow" });
  expect(requested?.fields.change).toBe(diff.text);
  expect(diff.text).toContain('+      "id": "no-more"');
  // And back, by its hash.
  const back = await gateway.fetch("dan", "/api/v1/policy/rollback", {
    method: "POST",
    headers: { "content-type": "application/json", "if-match": `"${version.hash}"` },
    body: JSON.stringify({ hash: hashOf(text), comment: "open again" }),
  });
  expect(back.status).toBe(200);
  const rolled = ((await back.json()) as { version: Version }).version;
  expect(rolled).toMatchObject({
    no: version.no + 1,
    hash: hashOf(text),
    previous: version.hash,
    comment: "open again",
  });
  expect((await gateway.fetch("alice", "/c/tool/closed/x")).status).toBe(200);
  const asked = await recordOf((one) => one.command === rolled.command && one.kind === "command.requested");
  expect(asked?.fields.change?.split("\n")[0]).toBe(`{"comment":"open again","hash":"${hashOf(text)}"}`);
  expect(asked?.fields.change).toContain('-      "id": "no-more"');
});

describe("a change of what is not in force any more", () => {
  test("is 412, tells what is, and leaves a record", async () => {
    const { text, etag } = await current();
    for (const stale of [`"${"0".repeat(64)}"`, `W/${etag}`, "x", `"${"0".repeat(64)}", "x"`]) {
      const answer = await put(`# stale\n${text}`, stale);
      expect([stale, answer.status, answer.headers.get("etag")]).toEqual([stale, 412, etag]);
      const { reason, record } = (await answer.json()) as { reason: string; record: string };
      expect(reason).toBe("precondition_failed");
      const denied = await recordOf(({ sid, seq }) => `${sid}/${seq}` === record);
      expect(denied).toMatchObject({
        kind: "command.denied",
        classes: { reason: "precondition_failed", rule: "console-policy-apply", status: 412 },
      });
    }
    expect((await current()).etag).toBe(etag);
  });

  test("without saying of what is 428", async () => {
    const { text, etag } = await another("without a tag");
    for (const none of [null, "*"]) expect((await put(text, none)).status).toBe(428);
    expect((await current()).etag).toBe(etag);
  });

  test.each([2, 8])("of %i at once, one wins and the others hear of it", async (count) => {
    const before = (await versions()).length;
    const { text, etag } = await current();
    const answers = await Promise.all(
      Array.from({ length: count }, (_, n) => put(`# racer ${n}\n${text}`, etag, `?comment=racer-${n}`)),
    );
    expect(answers.map(({ status }) => status).sort((a, b) => a - b)).toEqual([
      200,
      ...Array<number>(count - 1).fill(412),
    ]);
    const won = answers.findIndex(({ status }) => status === 200);
    const after = await versions();
    expect(after.length).toBe(before + 1);
    expect(after[0]).toMatchObject({ comment: `racer-${won}` });
    expect((await current()).text).toBe(`# racer ${won}\n${text}`);
  });
});

describe("a policy that is none", () => {
  test("is 422 with each problem's place, changes nothing, and is on record with what was asked for", async () => {
    const { etag } = await current();
    const text =
      "version: 1\nrules:\n  - id: x\n    effect: perhaps\n    who: anyone\n    connections: [tool]\n    methods: [GET]\n    routes: [no-slash]\n";
    const answer = await put(text, etag);
    expect(answer.status).toBe(422);
    const { reason, errors, record } = (await answer.json()) as {
      reason: string;
      errors: { path: string; line: number; column: number; expected: string }[];
      record: string;
    };
    expect(reason).toBe("policy_invalid");
    expect(errors.map(({ path, line }) => [path, line])).toEqual(
      expect.arrayContaining([
        ["rules[0].effect", 4],
        ["rules[0].routes[0]", 8],
      ]),
    );
    for (const { column, expected } of errors) expect([column > 0, expected.length > 0]).toEqual([true, true]);
    expect((await current()).etag).toBe(etag);
    const denied = await recordOf(({ sid, seq }) => `${sid}/${seq}` === record);
    expect(denied).toMatchObject({ kind: "command.denied", classes: { reason: "policy_invalid", status: 422 } });
    expect(denied?.fields.change).toContain("+    effect: perhaps");
  });

  test("an upstream that is the gateway itself is such a problem, which only the gateway knows", async () => {
    const { etag } = await current();
    const answer = await put(JSON.stringify(testPolicy({ loop: gateway.url })), etag);
    expect(await answer.json()).toMatchObject({
      status: 422,
      reason: "policy_invalid",
      errors: [{ path: "connections.loop.upstream" }],
    });
  });

  test("an example that is decided otherwise is another, and is named", async () => {
    const { etag } = await current();
    const file = testPolicy({ tool: upstream.url }) as object;
    const examples = [
      {
        name: "an engineer reads",
        as: { subject: "alice", groups: ["engineers"] },
        do: "GET /x",
        on: "tool",
        expect: "allow",
      },
      { name: "a stranger reads", as: { subject: "mallory" }, do: "GET /x", on: "tool", expect: "allow" },
    ];
    const text = JSON.stringify({ ...file, examples });
    const answer = await put(text, etag);
    expect(await answer.json()).toMatchObject({
      status: 422,
      reason: "policy_examples_fail",
      errors: [{ path: "examples[1]", expected: expect.stringContaining("denied by default") }],
    });
    expect((await current()).etag).toBe(etag);
    const checked = await gateway.fetch("carol", "/api/v1/policy/check", {
      method: "POST",
      headers: { "content-type": "application/yaml" },
      body: text,
    });
    expect(await checked.json()).toMatchObject({ ok: false, problems: [{ path: "examples[1]" }] });
  });
});

describe("checking", () => {
  const check = (text: string, person = "carol"): Promise<Response> =>
    gateway.fetch(person, "/api/v1/policy/check", {
      method: "POST",
      headers: { "content-type": "application/yaml" },
      body: text,
    });

  test("says what would change, and changes nothing", async () => {
    const { text, etag } = await another("only a comment");
    const answer = (await (await check(text)).json()) as Record<string, unknown>;
    expect(answer).toMatchObject({
      ok: true,
      hash: hashOf(text),
      problems: [],
      diff: { added: 1, removed: 0, isWhole: true, changes: { isSame: true } },
    });
    expect((await current()).etag).toBe(etag);
  });

  test("names the problems of a text that is none, of whatever kind", async () => {
    for (const text of [
      "",
      "{",
      "version: 2",
      "a: &x 1\nb: *x\n",
      "version: 1\nversion: 1\n",
      "\ufeffversion: 1",
      "- 1",
      "!!js/function x",
    ]) {
      const answer = await check(text);
      expect([text, answer.status]).toEqual([text, 200]);
      const { ok, problems } = (await answer.json()) as { ok: boolean; problems: unknown[] };
      expect([text, ok, problems.length > 0]).toEqual([text, false, true]);
    }
  });
});

test.each(["a%0d%0aSet-Cookie:%20x=1", "a%0aX-Injected:%201", "%00", "%1b[31m", "%ed%a0%80", "x".repeat(513), ""])(
  "a comment that is not one line of text is refused: %.30s",
  async (comment) => {
    const { text, etag } = await another("with a comment");
    const answer = await put(text, etag, `?comment=${comment}`);
    expect(answer.status).toBe(400);
    expect([...answer.headers.keys()].filter((name) => /set-cookie|x-injected/.test(name))).toEqual([]);
    expect((await current()).etag).toBe(etag);
  },
);

test("a comment with any other text is kept and given back as it is", async () => {
  const { text, etag } = await another("with an odd comment");
  const comment = `"><script>'; DROP TABLE policy; -- ünïcödé \u{1f600} {"a":1}`;
  const answer = await put(text, etag, `?comment=${encodeURIComponent(comment)}`);
  expect(answer.status).toBe(200);
  expect((await versions())[0]?.comment).toBe(comment);
});

test("what was never in force cannot be put back", async () => {
  const { etag } = await current();
  const answer = await gateway.fetch("dan", "/api/v1/policy/rollback", {
    method: "POST",
    headers: { "content-type": "application/json", "if-match": etag },
    body: JSON.stringify({ hash: "0".repeat(64) }),
  });
  expect([answer.status, (await current()).etag]).toEqual([404, etag]);
});

test("versions are listed newest first, page by page, without gaps", async () => {
  const whole = await versions();
  const paged: Version[] = [];
  for (let cursor: string | null = null; ;) {
    const query: string = cursor === null ? "" : `&cursor=${cursor}`;
    const page = (await (await gateway.fetch("dan", `/api/v1/policies?limit=2${query}`)).json()) as {
      items: Version[];
      next: string | null;
    };
    paged.push(...page.items);
    cursor = page.next;
    if (cursor === null) break;
  }
  expect(paged).toEqual(whole);
  expect(whole.map(({ no }) => no)).toEqual(whole.map((_, index) => whole.length - index));
});
