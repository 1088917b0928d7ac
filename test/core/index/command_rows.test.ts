// From records, made as the gateway makes them, to rows of the index.

import { sha256 } from "@noble/hashes/sha2.js";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  commandRow,
  commandRows,
  CUT,
  type IndexedCommand,
  NAME_LIMIT,
  PATH_LIMIT,
  sessionFacts,
} from "../../../core/index/command_rows.ts";
import { afterStart, literalStart, matchesPath } from "../../../core/index/route_filter.ts";
import type { CommandId, Digest, SessionId } from "../../../core/ids.ts";
import { exchangeRecord, ownRecord } from "../../../core/mask/mask_draft.ts";
import { matchesRoute, parseRoute, type RoutePattern } from "../../../core/policy/route.ts";
import { routeSegments } from "../../../core/protocol/http/target.ts";
import { canonicalText } from "../../../core/record/canonical.ts";
import { commit } from "../../../core/record/commit.ts";
import { leafText } from "../../../core/record/leaf.ts";
import type { Classes, Kind, Masked, StoredRecord } from "../../../core/record/record.ts";
import { commandId, countingRandom, SID } from "../../support/sample_session.ts";

const NO_PREV = "0".repeat(64) as Digest;

/** Stored records of a session, numbered and timed from 0 on. */
function stored(records: readonly Masked[]): StoredRecord[] {
  return records.map((record, seq) => {
    const committed = commit(record, countingRandom(), sha256);
    const leaf = leafText(committed, { sid: SID as SessionId, seq, prev: NO_PREV, time: 1_000 + seq });
    return { leaf, disclosure: committed.disclosure };
  });
}

const principal = (subject: string, actors: readonly string[] = [], issuer = "https://id.example"): string =>
  canonicalText({ issuer, subject, actors: actors.map((one) => ({ issuer, subject: one })), groups: ["g"] });

const opened = (who: string, connection = "registry"): Masked =>
  ownRecord({
    kind: "session.opened",
    command: null,
    part: 0,
    classes: { protocol: "http", region: "eu" },
    fields: { principal: who, connection },
  });

const asked = (id: CommandId, target: { method: string; path: string; query: string }): Masked =>
  exchangeRecord(
    {
      kind: "command.requested",
      command: id,
      part: 0,
      classes: { protocol: "http", verb: "read", effect: "allow", policy: "5d".repeat(32), rule: "r" },
    },
    { target, headers: [["accept", "*/*"]] },
    { token: "{}", client: "{}" },
  );

const of = (kind: Kind, command: CommandId, classes: Classes): Masked =>
  ownRecord({ kind, command, part: 0, classes, fields: {} });

function rowsOf(records: readonly Masked[]): IndexedCommand[] {
  const all = stored(records);
  const [first] = all;
  const facts = first === undefined ? null : sessionFacts(first);
  if (facts === null) throw new Error("no facts");
  return commandRows(facts, all);
}

const A = commandId(1);
const B = commandId(2);
const TARGET = { method: "GET", path: "/left-pad", query: "full=1&token=secret" };
const ALICE = opened(principal("alice"));

describe("a row", () => {
  it("has who, what, by which rule, and how it ended", () => {
    const classes = { transport: "ok", status: 200, tool: "none", folded: 1, req_bytes: 3, resp_bytes: 5, ms: 7 };
    expect(rowsOf([ALICE, asked(A, TARGET), of("command.completed", A, classes)])).toEqual([
      {
        id: A,
        sid: SID,
        seq: 1,
        time: 1_001,
        issuer: "https://id.example",
        subject: "alice",
        actor: null,
        connection: "registry",
        protocol: "http",
        method: "GET",
        path: "/left-pad",
        query: "full=1&token=[masked:query]",
        rule: "r",
        policy: "5d".repeat(32),
        effect: "allow",
        outcome: "completed",
        reason: null,
        status: 200,
        ms: 7,
        req_bytes: 3,
        resp_bytes: 5,
        ended: 1_002,
        upto: 2,
      },
    ]);
  });

  it("names the actor that called, and no other of the chain", () => {
    expect(rowsOf([opened(principal("alice", ["tool", "agent"])), asked(A, TARGET)])).toMatchObject([
      { subject: "alice", actor: "tool" },
    ]);
  });

  it("tells each outcome apart, and a status that the answer began with from none", () => {
    const end = (...records: readonly Masked[]): unknown => {
      const [{ outcome, reason, status, ended } = {} as IndexedCommand] = rowsOf([ALICE, asked(A, TARGET), ...records]);
      return [outcome, reason, status, ended];
    };
    const started = of("response.started", A, { status: 206, ms: 1 });
    expect(end()).toEqual(["open", null, null, null]);
    expect(end(started)).toEqual(["open", null, 206, null]);
    expect(end(started, of("command.completed", A, { status: 206, folded: 0 }))).toEqual([
      "completed",
      null,
      206,
      1_003,
    ]);
    expect(end(started, of("command.cancelled", A, { reason: "killed" }))).toEqual(["cancelled", "killed", 206, 1_003]);
    expect(end(of("command.failed", A, { reason: "upstream_timeout" }))).toEqual([
      "failed",
      "upstream_timeout",
      null,
      1_002,
    ]);
    const lapsed = of("command.failed", A, { transport: "unknown", reason: "outcome_unknown" });
    expect(end(lapsed)).toEqual(["unknown", "outcome_unknown", null, 1_002]);
    expect(end(lapsed, of("outcome.late", A, { late: "command.completed", status: 200 }))).toEqual([
      "completed",
      null,
      200,
      1_003,
    ]);
    expect(end(lapsed, of("outcome.late", A, { late: "gap", reason: "x" }))).toEqual([
      "unknown",
      "outcome_unknown",
      null,
      1_002,
    ]);
  });

  it("takes a message of a socket for handed on, unless a record says that it was not", () => {
    const message = (id: CommandId, verb: string): Masked =>
      of("command.requested", id, { protocol: "websocket", verb, oneway: 1, socket: A, type: "text", size: 5 });
    const undone = of("command.cancelled", B, { reason: "client_gone", req_bytes: 0, resp_bytes: 0 });
    expect(rowsOf([ALICE, message(A, "send"), message(B, "receive"), undone])).toMatchObject([
      { protocol: "websocket", outcome: "delivered", req_bytes: 5, resp_bytes: 0, ended: 1_001 },
      { outcome: "cancelled", reason: "client_gone", resp_bytes: 0, ended: 1_003 },
    ]);
    expect(rowsOf([ALICE, message(B, "receive")])).toMatchObject([{ req_bytes: 0, resp_bytes: 5 }]);
  });

  it("of a command that waits for people says what they decided, until it goes on itself", () => {
    const asks = of("approval.requested", A, { protocol: "http", verb: "write", policy: "5d".repeat(32), rule: "r" });
    const decides = (state: string, part = 0): Masked => ({
      ...of("approval.decided", A, { decision: state === "denied" ? "deny" : "approve", state, until: 9_000 }),
      part,
    });
    const end = (...records: readonly Masked[]): unknown => {
      const [{ outcome, reason, status, ended } = {} as IndexedCommand] = rowsOf([ALICE, asks, ...records]);
      return [outcome, reason, status, ended];
    };
    expect(rowsOf([ALICE, asks])).toMatchObject([{ effect: "needs_approval", rule: "r", seq: 1, protocol: "http" }]);
    expect(end()).toEqual(["waiting", null, null, null]);
    expect(end(decides("pending"))).toEqual(["waiting", null, null, null]);
    expect(end(decides("pending"), decides("approved", 1))).toEqual(["approved", null, null, null]);
    expect(end(decides("denied"))).toEqual(["denied", "approval_denied", null, 1_002]);
    expect(end(of("approval.expired", A, { reason: "unanswered" }))).toEqual(["expired", "unanswered", null, 1_002]);
    expect(end(of("approval.revoked", A, { reason: "requester" }))).toEqual(["cancelled", "requester", null, 1_002]);
    const gone = of("command.cancelled", A, { reason: "client_gone" });
    expect(end(gone, decides("approved"))).toEqual(["cancelled", "client_gone", null, 1_002]);
    const intent = of("command.requested", A, { protocol: "http", effect: "needs_approval", approval: A });
    const over = of("approval.expired", A, { reason: "grant_over" });
    const review = { ...of("approval.decided", A, { decision: "review", state: "approved" }), part: 1 };
    expect(end(decides("approved"), over)).toEqual(["approved", null, null, null]);
    expect(end(decides("approved"), intent)).toEqual(["open", null, null, null]);
    const done = of("command.completed", A, { status: 201 });
    const revoked = of("approval.revoked", A, { reason: "revoked" });
    expect(end(decides("approved"), intent, done, over, revoked, review)).toEqual(["completed", null, 201, 1_004]);
  });

  it("of a message that waited says that it was handed on", () => {
    const message = { protocol: "websocket", verb: "send", oneway: 1, socket: B, type: "text", size: 5 };
    const rows = rowsOf([
      ALICE,
      of("approval.requested", A, message),
      of("approval.decided", A, { decision: "approve", state: "approved" }),
      of("command.requested", A, { ...message, approval: A }),
    ]);
    expect(rows).toMatchObject([{ outcome: "delivered", req_bytes: 5, resp_bytes: 0, ended: 1_003 }]);
  });

  it("of a refused command says why and that it ended as it began", () => {
    const denied = of("command.denied", A, { protocol: "http", effect: "deny", reason: "no_rule", status: 403 });
    expect(rowsOf([ALICE, denied])).toMatchObject([
      {
        outcome: "denied",
        reason: "no_rule",
        status: 403,
        effect: "deny",
        rule: null,
        time: 1_001,
        ended: 1_001,
        path: "",
      },
    ]);
  });

  it("is made for each command that begins among the records, whatever lies between", () => {
    const rows = rowsOf([
      ALICE,
      asked(A, TARGET),
      asked(B, { ...TARGET, path: "/b" }),
      of("gap", A, { reason: "outcome_not_recorded" }),
      of("command.completed", B, { status: 200 }),
      of("command.failed", A, { reason: "body_cut" }),
      ownRecord({ kind: "session.closed", command: null, part: 0, classes: { reason: "idle", size: 7 }, fields: {} }),
    ]);
    expect(rows.map(({ id, outcome, upto }) => [id, outcome, upto])).toEqual([
      [A, "failed", 5],
      [B, "completed", 4],
    ]);
    const [first] = stored([ALICE]);
    const facts = first === undefined ? null : sessionFacts(first);
    expect(facts === null ? undefined : commandRow(facts, stored([of("command.completed", A, {})]))).toBe(null);
  });

  it("a row says what its command's records say, whatever stands in them", () => {
    const text = fc.oneof(
      fc.string({ unit: "binary", maxLength: 2_000 }),
      fc.string({ maxLength: 40 }),
      fc.constantFrom("\0", "a\0b", "'; DROP TABLE command; --", "\u202e", "\ud83d\ude00".repeat(600), "__proto__"),
    );
    const given = fc.record({
      subject: text,
      issuer: text,
      actors: fc.array(text, { maxLength: 3 }),
      method: fc.constantFrom("GET", "M-SEARCH", "PROPFIND"),
      path: text,
      query: text,
      rule: fc.stringMatching(/^[a-z-]{1,64}$/),
      status: fc.integer({ min: 100, max: 599 }),
    });
    /** As stored: well-formed, without NUL, and cut. */
    const kept = (value: string, limit: number): string =>
      (value.length <= limit ? value : `${value.slice(0, limit - 1)}${CUT}`).toWellFormed().replaceAll("\0", "\uFFFD");
    fc.assert(
      fc.property(given, ({ subject, issuer, actors, method, path, query, rule, status }) => {
        const written = asked(A, { method, path: path.toWellFormed(), query: query.toWellFormed() });
        const classes = { ...written.classes, rule };
        const [row] = rowsOf([
          opened(
            principal(
              subject.toWellFormed(),
              actors.map((one) => one.toWellFormed()),
              issuer.toWellFormed(),
            ),
          ),
          { ...written, classes },
          of("command.completed", A, { status }),
        ] as Masked[]);
        const target = written.fields.target ?? "";
        const rest = target.slice(method.length + 1);
        const [wantedPath = ""] = rest.split("?", 1);
        expect(row).toMatchObject({
          subject: kept(subject.toWellFormed(), NAME_LIMIT),
          issuer: kept(issuer.toWellFormed(), NAME_LIMIT),
          actor: actors[0] === undefined ? null : kept(actors[0].toWellFormed(), NAME_LIMIT),
          method,
          path: kept(wantedPath, PATH_LIMIT),
          query: rest.includes("?") ? kept(rest.slice(wantedPath.length + 1), PATH_LIMIT) : null,
          rule,
          status,
          outcome: "completed",
        });
        for (const value of Object.values(row ?? {}))
          expect(typeof value === "string" ? value.length <= PATH_LIMIT && value.isWellFormed() : true).toBe(true);
      }),
    );
  });

  it("is made or left out, and nothing throws, whatever the texts are", () => {
    const text = fc.oneof(
      fc.string(),
      fc.json(),
      fc.constantFrom(
        "null",
        "[]",
        "{}",
        '{"kind":"command.requested"}',
        `{"kind":"command.requested","sid":"${SID}","cmd":"${A}","seq":1,"time":2}`,
        `{"kind":"command.requested","sid":"${SID}","cmd":"${A}","seq":1.5,"time":-0,"class":[]}`,
        `{"kind":"session.opened","sid":"${SID}","seq":0,"time":2,"class":{"protocol":1}}`,
      ),
      fc.string().map((value) => JSON.stringify([["target", "", value]])),
      fc
        .json()
        .map((value) => JSON.stringify([["principal", "", value], ["connection", "", "c"], 7, null, ["target"]])),
    );
    const record = fc.record({ leaf: text, disclosure: text });
    fc.assert(
      fc.property(record, fc.array(record, { maxLength: 5 }), (first, records) => {
        const facts = sessionFacts(first);
        if (facts !== null) commandRows(facts, records);
      }),
    );
  });
});

describe("a route", () => {
  const patterns = [
    "/**",
    "/",
    "/a",
    "/a/",
    "/a/*",
    "/a/**",
    "/*/b",
    "/{x}/b/**",
    "/@acme%2Fthing",
    "/a%2fb/**",
    "/%61",
  ];
  const parse = (text: string): RoutePattern => {
    const pattern = parseRoute(text);
    if (pattern === null) throw new Error(text);
    return pattern;
  };

  it("lets through whatever it matches, by its literal beginning alone", () => {
    const segment = fc.constantFrom(
      "a",
      "b",
      "%61",
      "%41",
      "a%2Fb",
      "a%2fb",
      "@acme%2Fthing",
      "@acme%2fthing",
      "",
      "ab",
      "~",
      "z",
    );
    const path = fc.array(segment, { maxLength: 4 }).map((segments) => segments.map((one) => `/${one}`).join(""));
    fc.assert(
      fc.property(fc.constantFrom(...patterns).map(parse), path, (pattern, asWritten) => {
        const matches = matchesRoute(pattern, routeSegments(asWritten));
        expect(matchesPath(pattern, asWritten)).toBe(matches);
        if (!matches || asWritten.includes("%")) return;
        const start = literalStart(pattern);
        expect(start === "" || (asWritten >= start && asWritten < afterStart(start))).toBe(true);
      }),
    );
    expect(patterns.map((text) => literalStart(parse(text)))).toEqual([
      "",
      "",
      "/a",
      "/a/",
      "/a/",
      "/a",
      "",
      "",
      "/@acme%2Fthing",
      "/a%2Fb",
      "/a",
    ]);
  });

  it("of a path that was cut knows only what it begins with", () => {
    expect(matchesPath(parse("/a/**"), `/a/b${CUT}`)).toBe(true);
    expect(matchesPath(parse("/a/b/**"), `/a/b${CUT}`)).toBe(false);
    expect(matchesPath(parse("/a/*"), `/a/b${CUT}`)).toBe(false);
    expect(matchesPath(parse("/a"), `/a/b${CUT}`)).toBe(false);
  });
});
