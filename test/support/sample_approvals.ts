// A session in which commands wait for people, with each way in which that can end; for vectors and for tests
// of readers. Made by the code that makes records, and the same at each run.

import { sha256 } from "@noble/hashes/sha2.js";
import { toHex } from "../../core/bytes.ts";
import { requestedFacts } from "../../core/approval/requested.ts";
import type { Draft } from "../../core/record/record.ts";
import { assertionOf } from "./signed_sample.ts";
import { DIGEST, MINUTE, POLICY, sampleApproval, slot } from "./sample_approval.ts";
import { commandId, draft, STARTED } from "./sample_session.ts";

const encoder = new TextEncoder();
const counts = { tool: "none", req_bytes: 12, resp_bytes: 2, ms: 9 };

export function principal(subject: string, ...actors: readonly string[]): string {
  const chain = actors.map((one) => ({ issuer: "https://id.example.org", subject: one }));
  return `{"actors":${JSON.stringify(chain)},"authTime":1732406300,"email":"${subject}@example.org","emailVerified":true,"groups":["leads"],"issuer":"https://id.example.org","methods":["pwd"],"name":null,"subject":"${subject}"}`;
}

/** When the record at this place is appended; a time after it. */
export const at = (seq: number, ms = 0): number => STARTED + seq * 1000 + ms;

export const opened: Draft = draft(
  "session.opened",
  null,
  { protocol: "http", region: "eu" },
  { principal: principal("alice"), connection: "registry" },
);

/** Asked for at this place. */
export function asks(
  command: number,
  seq: number,
  how: {
    readonly count?: number;
    readonly expiresMs?: number;
    readonly classes?: Draft["classes"];
    readonly fields?: Draft["fields"];
  } = {},
): Draft {
  const { count = 1, expiresMs = 60 * MINUTE, classes = { protocol: "http", verb: "write" }, fields = {} } = how;
  const approval = sampleApproval({ by: [slot("leads", count)], expiresMs }, { expires: at(seq, expiresMs) });
  const told = requestedFacts(approval, "the release waits for it");
  return draft(
    "approval.requested",
    command,
    { ...classes, ...told.classes },
    {
      target: "PUT /left-pad",
      headers: `[["content-type","application/json"]]`,
      token: `{"algorithm":"ES256","client":"npm","expires":1732410000,"id":"t-1","issuedAt":1732406400,"keyId":"k1"}`,
      client: `{"address":"192.0.2.7"}`,
      decision: "needs approval by rule publish (line 12)",
      ...told.fields,
      ...fields,
    },
  );
}

export function decides(
  command: number,
  part: number,
  who: string,
  classes: Draft["classes"],
  fields: Draft["fields"] = {},
): Draft {
  return draft(
    "approval.decided",
    command,
    classes,
    { by: commandId(900 + command * 10 + part), decider: principal(who), ...fields },
    part,
  );
}

export const approved = (until: number): Draft["classes"] => ({ decision: "approve", state: "approved", until });

/** The intent of a command that goes on by an approval. */
export function uses(
  command: number,
  approval: number,
  classes: Draft["classes"] = {},
  fields: Draft["fields"] = {},
): Draft {
  return draft(
    "command.requested",
    command,
    {
      protocol: "http",
      verb: "write",
      effect: "needs_approval",
      policy: POLICY,
      rule: "publish",
      approval: commandId(approval),
      ...classes,
    },
    { target: "PUT /left-pad", headers: "[]", token: "{}", client: `{"address":"192.0.2.7"}`, ...fields },
  );
}

export function done(command: number): Draft {
  return draft(
    "command.completed",
    command,
    { transport: "ok", status: 201, folded: 1, format: "text", ...counts },
    { headers: "[]", digests: `{"request":null,"response":null}`, payload: "ok" },
  );
}

function chunk(command: number, n: number, offset: number, payload: string): Draft {
  const length = encoder.encode(payload).length;
  return draft(
    "stream.chunk",
    command,
    { side: "request", offset, length, at: offset, format: "json" },
    { payload },
    2 * n,
  );
}

const PIECES = ['{"name":"left-pad",', '"version":"1.3.1"}'] as const;
const BODY = PIECES.join("");
const MESSAGE = "deploy";
const SIGNED = assertionOf({
  approval: commandId(1),
  digest: DIGEST,
  decision: "approve",
  grantMs: 0,
  comment: null,
  policy: POLICY,
  issuer: "https://id.example.org",
  subject: "carol",
  nonce: "bm9uY2U",
  expires: at(300),
});
const of = { protocol: "websocket", socket: commandId(10), type: "text", size: MESSAGE.length };

/** All but the two records at its end. */
export const LIVE_APPROVALS: readonly Draft[] = [
  opened,
  // 1: two people, one of them with a passkey; the caller waits.
  asks(1, 1, { count: 2, classes: { protocol: "http", verb: "write", format: "json" }, fields: { payload: BODY } }),
  decides(1, 0, "bob", { decision: "approve", state: "pending" }, { comment: "looks right" }),
  decides(1, 1, "carol", { ...approved(at(3, 5 * MINUTE)), step_up: "passkey" }, { assertion: SIGNED }),
  uses(1, 1),
  done(1),
  // 2: a body in pieces; the caller leaves, comes again as 3, and does the like as 4 until that is taken back.
  asks(2, 6),
  chunk(2, 0, 0, PIECES[0]),
  chunk(2, 1, PIECES[0].length, PIECES[1]),
  draft(
    "command.cancelled",
    2,
    { reason: "client_gone", ...counts, req_bytes: 0, resp_bytes: 0 },
    { digests: `{"request":null,"response":null}` },
  ),
  decides(2, 0, "bob", { ...approved(at(10, 30 * MINUTE)), grant_until: at(10, 30 * MINUTE) }),
  uses(3, 2, { format: "json" }, { payload: BODY }),
  draft("response.started", 3, { status: 201, ms: 4 }, { headers: "[]" }),
  draft(
    "command.completed",
    3,
    { transport: "ok", status: 201, folded: 0, ...counts, req_bytes: BODY.length, resp_bytes: 0 },
    { digests: `{"request":{"complete":true,"sha256":"${toHex(sha256(encoder.encode(BODY)))}"},"response":null}` },
  ),
  uses(4, 2, { grant: 1 }),
  done(4),
  draft("approval.revoked", 2, { reason: "revoked" }, { by: commandId(930), comment: "enough" }),
  // 5: denied. 6: nobody answers, and 7 comes too late.
  asks(5, 17),
  decides(5, 0, "bob", { decision: "deny", state: "denied" }, { comment: "not on a Friday" }),
  asks(6, 19, { expiresMs: 1000 }),
  draft("approval.expired", 6, { reason: "unanswered" }),
  draft(
    "command.denied",
    7,
    {
      protocol: "http",
      verb: "write",
      effect: "needs_approval",
      policy: POLICY,
      rule: "publish",
      reason: "approval_expired",
      status: 403,
      approval: commandId(6),
    },
    { target: "PUT /left-pad", headers: "[]", token: "{}", client: `{"address":null}` },
  ),
  // 8: the glass is broken.
  asks(8, 22),
  draft(
    "approval.decided",
    8,
    { decision: "break_glass", state: "approved", until: at(23, 5 * MINUTE) },
    { by: commandId(8), decider: principal("alice"), comment: "the site is down" },
  ),
  uses(8, 8),
  done(8),
  // 9: nobody uses what was allowed.
  asks(9, 26),
  decides(9, 0, "bob", { ...approved(at(27, 2000)), grant_until: at(27, 2000) }),
  draft("approval.expired", 9, { reason: "unused" }),
  draft("approval.expired", 9, { reason: "grant_over" }, {}, 1),
  // 10: a socket with a message that waits, 11.
  draft(
    "command.requested",
    10,
    { protocol: "websocket", verb: "read", effect: "allow", policy: POLICY, rule: "chat" },
    { target: "GET /chat" },
  ),
  asks(11, 31, {
    classes: { ...of, verb: "send", oneway: 1, format: "text" },
    fields: { target: "SEND /chat", payload: MESSAGE },
  }),
  decides(11, 0, "carol", approved(at(32, 5 * MINUTE))),
  uses(11, 11, { ...of, verb: "send", oneway: 1 }, { target: "SEND /chat" }),
  draft(
    "command.completed",
    10,
    { transport: "ok", status: 101, folded: 1, tool: "none", req_bytes: 6, resp_bytes: 0, ms: 90 },
    { headers: "[]", digests: `{"request":null,"response":null}` },
  ),
  // 12: taken back.
  asks(12, 35),
  draft("approval.revoked", 12, { reason: "requester" }, { by: commandId(940) }),
];

export const APPROVALS: readonly Draft[] = [
  ...LIVE_APPROVALS,
  draft("session.closed", null, { reason: "idle", size: LIVE_APPROVALS.length + 1 }),
  decides(8, 1, "bob", { decision: "review", state: "approved" }, { comment: "it was down" }),
];
