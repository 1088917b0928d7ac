// Each way in which an exchange breaks, upstream's side and caller's side, with all that is recorded of
// it beside the chunks of its bodies: every kind in order, every class but times, digests of what passed. What the caller hears beyond
// a status is the matter of test/gateway/failures.test.ts.

import { createHash } from "node:crypto";
import { connect, type Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { verifyExport } from "../../core/verify/verify_session.ts";
import { keyedDigest } from "../support/commands.ts";
import { eventually, type ReadRecord, startGateway, testPolicy, type TestGateway } from "../support/gateway.ts";
import type { Person } from "../support/issuer.ts";
import { type RawAnswer, rawExchange, rawRequest, type RawUpstream, startRawUpstream } from "../support/raw_http.ts";

let upstream: RawUpstream;
let gateway: TestGateway;
/** What the upstream does once it has a request's head. */
let behave: (socket: Socket) => void = () => undefined;

beforeAll(async () => {
  upstream = await startRawUpstream((socket) => behave(socket));
  const down = await startRawUpstream(() => undefined);
  await down.stop();
  gateway = await startGateway({
    policy: testPolicy({ tool: { upstream: upstream.url, timeout_seconds: 1 }, down: down.url }),
  });
});
afterAll(async () => {
  await gateway?.stop();
  await upstream?.stop();
});

function writes(text: string, then: (socket: Socket) => void): (socket: Socket) => void {
  return (socket) => socket.write(Buffer.from(text, "latin1"), () => then(socket));
}
const ends = (socket: Socket): unknown => socket.end();
const resets = (socket: Socket): unknown => socket.resetAndDestroy();
const stalls = (): undefined => undefined;

function digest(text: string): string {
  return createHash("sha256").update(text, "latin1").digest("hex");
}

/** What is recorded of a fault: the kinds after `command.requested`, and of the outcome all but its time. */
interface Recorded {
  readonly kinds: readonly string[];
  readonly classes: ReadRecord["classes"];
  readonly digests: unknown;
}

/** The person's only command, once it has its outcome. Checks that its session verifies. */
async function recorded(person: Person, connection: string): Promise<Recorded> {
  const records = await eventually(
    () => gateway.records(person, connection),
    (all) => all.at(-1)?.kind.startsWith("command.") === true && all.length > 2,
  );
  const [text = "", ...others] = await gateway.exports(person, connection);
  expect(others).toEqual([]);
  expect(await verifyExport(text)).toMatchObject({
    integrity: { kind: "intact" },
    completeness: { kind: "shown", by: "head" },
  });
  const [opened, requested, ...rest] = records;
  expect([opened?.kind, requested?.kind]).toEqual(["session.opened", "command.requested"]);
  const outcome = rest.at(-1);
  const { ms, ...classes } = outcome?.classes ?? {};
  expect(ms).toBeTypeOf("number");
  return {
    kinds: rest.map((one) => one.kind).filter((kind) => kind !== "stream.chunk"),
    classes,
    digests: JSON.parse(outcome?.fields.digests ?? "null", plainDigest) as unknown,
  };
}

/** What broke off undecided is not in the records as it was, so that its digest is keyed: told as what it is of. */
function plainDigest(_: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null || !("keyed" in value)) return value;
  const { keyed, ...rest } = value;
  const sha256 = ["half", "hello"].map(digest).find((one) => keyedDigest(gateway.pseudonymKey, one) === keyed);
  return { ...rest, sha256 };
}

const ASKED = "ask";
const REQUEST = { complete: true, sha256: digest(ASKED) };
const HEAD = "HTTP/1.1 200 OK\r\n";

/** An outcome before anything of an answer's body was read. */
function failed(transport: string, reason: string, more: Readonly<Record<string, number>> = {}): Recorded {
  return {
    kinds: ["command.failed"],
    classes: { transport, reason, tool: "none", req_bytes: ASKED.length, resp_bytes: 0, ...more },
    digests: { request: REQUEST, response: null },
  };
}

/** An outcome of a stream that broke off after `body`. */
function cut(body: string): Recorded {
  return {
    kinds: ["response.started", "command.failed"],
    classes: {
      transport: "cut",
      reason: "body_cut",
      status: 200,
      tool: "none",
      req_bytes: ASKED.length,
      resp_bytes: body.length,
    },
    digests: { request: REQUEST, response: { complete: false, sha256: digest(body) } },
  };
}

let people = 0;

describe("an upstream that", () => {
  test.each<[string, (socket: Socket) => void, number, Recorded]>([
    ["closes at once", ends, 502, failed("refused", "upstream_unreachable")],
    ["resets at once", resets, 502, failed("refused", "upstream_unreachable")],
    ["closes in its head", writes(`${HEAD}Content-`, ends), 502, failed("refused", "upstream_unreachable")],
    ["resets in its head", writes(`${HEAD}Content-`, resets), 502, failed("refused", "upstream_unreachable")],
    ["speaks no HTTP", writes("220 mail.example ESMTP\r\n\r\n", ends), 502, failed("refused", "upstream_unreachable")],
    ["never answers", stalls, 504, failed("timeout", "upstream_timeout")],
    ["stalls in its head", writes(`${HEAD}Content-`, stalls), 504, failed("timeout", "upstream_timeout")],
    [
      "stalls in a small body",
      writes(`${HEAD}Content-Length: 9\r\n\r\nhalf`, stalls),
      504,
      failed("timeout", "upstream_timeout"),
    ],
    [
      "gives a status that is none",
      writes("HTTP/1.1 999 Odd\r\nContent-Length: 2\r\n\r\nhi", ends),
      502,
      failed("invalid", "upstream_invalid"),
    ],
    [
      "ends in a small body",
      writes(`${HEAD}Content-Length: 9\r\n\r\nhalf`, ends),
      502,
      failed("cut", "body_cut", { status: 200 }),
    ],
    [
      "resets in a small body",
      writes(`${HEAD}Content-Length: 9\r\n\r\nhalf`, resets),
      502,
      failed("cut", "body_cut", { status: 200 }),
    ],
    ["ends in a large body", writes(`${HEAD}Content-Length: 90000\r\n\r\nhalf`, ends), 200, cut("half")],
    ["ends in a chunk", writes(`${HEAD}Transfer-Encoding: chunked\r\n\r\n9\r\nhalf`, ends), 200, cut("half")],
    ["ends between chunks", writes(`${HEAD}Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n`, ends), 200, cut("half")],
    [
      "sends a malformed chunk",
      writes(`${HEAD}Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\nzz\r\n`, ends),
      200,
      cut("half"),
    ],
  ])("%s: one call, and exactly these records", async (_, what, status, expected) => {
    behave = what;
    const before = upstream.received.length;
    const person: Person = { subject: `person ${++people}`, groups: ["engineers"] };
    const answer = await ask(person, "tool");
    expect(answer.status).toBe(status);
    // A cut answer is never one that ended: with a length it is short, in chunks the last one is missing.
    if (status === 200) expect([answer.closed, answer.text.endsWith("0\r\n\r\n")]).toEqual([true, false]);
    else expect(answer.body).not.toContain("half");
    expect(await recorded(person, "tool")).toEqual(expected);
    // Whatever failed is not tried again: the upstream may have acted.
    expect(upstream.received.length - before).toBe(1);
  });

  test("resets in the middle of an upload: 502, and what went up until then", async () => {
    const before = upstream.received.length;
    const resetAfterBody = (socket: Socket): void => {
      if (upstream.received.at(-1)?.includes("hello") === true) socket.resetAndDestroy();
      else socket.once("data", () => resetAfterBody(socket));
    };
    behave = resetAfterBody;
    const person: Person = { subject: `person ${++people}`, groups: ["engineers"] };
    const answer = await rawExchange(
      gateway.port,
      [
        "POST /c/tool/x HTTP/1.1",
        ...(await credentials(person)),
        "Transfer-Encoding: chunked",
        "",
        "5\r\nhello\r\n",
      ].join("\r\n"),
      { until: (text) => text.includes("upstream_unreachable") },
    );
    expect(answer.status).toBe(502);
    const expected = failed("refused", "upstream_unreachable");
    expect(await recorded(person, "tool")).toEqual({
      kinds: expected.kinds,
      classes: { ...expected.classes, req_bytes: 5 },
      digests: { request: { complete: false, sha256: digest("hello") }, response: null },
    });
    expect(upstream.received.length - before).toBe(1);
  });

  test("is down: exactly these records", async () => {
    const person: Person = { subject: "of one that is down", groups: ["engineers"] };
    expect((await ask(person, "down")).status).toBe(502);
    expect(await recorded(person, "down")).toEqual(failed("refused", "upstream_unreachable"));
  });
});

async function ask(person: Person, connection: string): Promise<RawAnswer> {
  return rawExchange(
    gateway.port,
    rawRequest(`POST /c/${connection}/x HTTP/1.1`, [...(await credentials(person)), "Content-Length: 3"], ASKED),
  );
}

async function credentials(person: Person): Promise<string[]> {
  return [`Host: 127.0.0.1:${gateway.port}`, `Authorization: Bearer ${await gateway.token(person)}`];
}

describe("a caller who leaves", () => {
  /** Sends a request and resets the connection once `isTime`, told of the upstream's last request and of what came back. */
  async function leave(lines: readonly string[], isTime: (asked: string, heard: string) => boolean): Promise<Person> {
    const person: Person = { subject: `person ${++people}`, groups: ["engineers"] };
    const [line = "", ...headers] = lines;
    const before = upstream.received.length;
    const socket = connect(gateway.port, "127.0.0.1");
    let heard = "";
    socket.on("error", () => undefined);
    socket.setEncoding("latin1").on("data", (chunk: string) => (heard += chunk));
    socket.write([line, ...(await credentials(person)), ...headers].join("\r\n"));
    const came = await eventually(async () => isTime(upstream.received[before] ?? "", heard), Boolean);
    expect(came).toBe(true);
    const closed = upstream.closed;
    socket.resetAndDestroy();
    // The upstream's side ends with the caller's.
    expect(
      await eventually(
        async () => upstream.closed,
        (now) => now > closed,
      ),
    ).toBe(closed + 1);
    expect(upstream.received.length - before).toBe(1);
    return person;
  }

  /** Null where there is none, else what passed and whether that was all. */
  type Passed = readonly [string, boolean] | null;

  function cancelled(kinds: readonly string[], sent: Passed, got: Passed): Recorded {
    const one = (passed: Passed): unknown =>
      passed === null ? null : { complete: passed[1], sha256: digest(passed[0]) };
    return {
      kinds: [...kinds, "command.cancelled"],
      classes: {
        reason: "client_gone",
        tool: "none",
        req_bytes: sent?.[0].length ?? 0,
        resp_bytes: got?.[0].length ?? 0,
      },
      digests: { request: one(sent), response: one(got) },
    };
  }

  test("before the answer", async () => {
    behave = stalls;
    const person = await leave(["POST /c/tool/x HTTP/1.1", "Content-Length: 3", "", ASKED], (asked) =>
      asked.endsWith(ASKED),
    );
    expect(await recorded(person, "tool")).toEqual(cancelled([], [ASKED, true], null));
  });

  test("in an upload in chunks", async () => {
    behave = stalls;
    const person = await leave(
      ["POST /c/tool/x HTTP/1.1", "Transfer-Encoding: chunked", "", "5\r\nhello\r\n"],
      (asked) => asked.includes("hello"),
    );
    expect(await recorded(person, "tool")).toEqual(cancelled([], ["hello", false], null));
  });

  test("in an upload with a stated length", async () => {
    behave = stalls;
    const person = await leave(["POST /c/tool/x HTTP/1.1", "Content-Length: 100000", "", "hello"], (asked) =>
      asked.endsWith("hello"),
    );
    expect(await recorded(person, "tool")).toEqual(cancelled([], ["hello", false], null));
  });

  test.each([
    ["in chunks", "Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n"],
    ["with a stated length", "Content-Length: 100000\r\n\r\nhalf"],
  ])("in a download %s", async (_, rest) => {
    behave = writes(HEAD + rest, stalls);
    const person = await leave(["GET /c/tool/x HTTP/1.1", "", ""], (_asked, heard) => heard.includes("half"));
    expect(await recorded(person, "tool")).toEqual(cancelled(["response.started"], null, ["half", false]));
  });
});
