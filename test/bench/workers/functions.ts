// Runs one of the gateway's pure functions many times within a request, on what the measured exchange
// gives it. A Worker's clock stands still meanwhile: whoever asks takes the time.

import { toHex } from "../../../core/bytes.ts";
import type { CommandId, Digest, SessionId } from "../../../core/ids.ts";
import { newCommandId } from "../../../core/ids.ts";
import { leafHash } from "../../../core/log/merkle.ts";
import { exchangeRecord } from "../../../core/mask/mask_draft.ts";
import type { Header } from "../../../core/mask/mask_headers.ts";
import { decide } from "../../../core/policy/decide.ts";
import { parsePolicy, type Policy } from "../../../core/policy/policy.ts";
import type { Principal } from "../../../core/auth/principal.ts";
import { requestHeaders } from "../../../core/protocol/http/request_headers.ts";
import { responseHeaders } from "../../../core/protocol/http/response_headers.ts";
import { parseTarget, routeSegments } from "../../../core/protocol/http/target.ts";
import { commit } from "../../../core/record/commit.ts";
import { leafText } from "../../../core/record/leaf.ts";
import type { Committed, Masked } from "../../../core/record/record.ts";
import { fillRandom, sha256 } from "../../../durable/sha256.ts";
import { Meter } from "../../../workers/http/meter.ts";
import { HOST, PATH } from "../exchange.ts";

interface Env {
  readonly POLICY: string;
}

const URL_ASKED = `http://${HOST}${PATH}`;
const UPSTREAM = "http://127.0.0.1:8080";
const FROM = {
  address: null,
  host: HOST,
  scheme: "http",
  pathForm: `http://${HOST}/c/tool`,
  upstream: UPSTREAM,
} as const;
const SENT: readonly Header[] = [
  ["host", HOST],
  ["authorization", "Bearer x"],
  ["content-type", "application/json"],
  ["accept", "application/json"],
  ["user-agent", "bench/1"],
  ["content-length", "110"],
];
const ANSWERED: readonly Header[] = [
  ["content-type", "application/json"],
  ["content-length", "45"],
  ["date", "Tue, 24 Nov 2026 10:00:00 GMT"],
  ["connection", "keep-alive"],
];
const PRINCIPAL: Principal = {
  issuer: "http://127.0.0.1:8081",
  subject: "person-0",
  name: null,
  email: null,
  emailVerified: false,
  groups: ["engineers"],
  authTime: null,
  methods: [],
  actors: [],
};
const ROLES: ReadonlySet<string> = new Set(["engineer"]);
const TOKEN = JSON.stringify({
  algorithm: "ES256",
  client: "test",
  expires: 1795514400,
  id: "0190b0c4-0000-7000-8000-000000000000",
  issuedAt: 1795510800,
  keyId: "test-key",
});
const COMMAND = "0190b0c4-0000-7000-8000-000000000000" as CommandId;
const POSITION = {
  sid: "0190b0c4-0000-7000-8000-000000000001" as SessionId,
  seq: 1234,
  prev: "0".repeat(64) as Digest,
  time: 1795510800000,
};
const DIGESTS = `{"request":{"complete":true,"sha256":"${"0".repeat(64)}"},"response":{"complete":true,"sha256":"${"0".repeat(64)}"}}`;
const BYTES = new Uint8Array(110);

function intent(): Masked {
  const classes = {
    protocol: "http",
    verb: "write",
    effect: "allow",
    policy: "0".repeat(64),
    rule: "engineers-write",
    req_size: 110,
  };
  return exchangeRecord(
    { kind: "command.requested", command: COMMAND, part: 0, classes },
    { target: { method: "POST", path: "/v1/items", query: "" }, headers: SENT.slice(2, 5) },
    { token: TOKEN, client: '{"address":null}' },
  );
}

function outcome(): Masked {
  const classes = { transport: "ok", status: 200, folded: 1, tool: "none", req_bytes: 110, resp_bytes: 45, ms: 3 };
  return exchangeRecord(
    { kind: "command.completed", command: COMMAND, part: 0, classes },
    { headers: ANSWERED },
    { digests: DIGESTS },
  );
}

function digest(): string {
  const meter = new Meter(toHex);
  meter.whole(BYTES);
  return meter.text();
}

function decided(policy: Policy): unknown {
  const target = parseTarget(URL_ASKED, "/c/");
  if (!target.ok) throw new Error("the target is refused");
  const { connection, path, query } = target.value;
  return decide(policy, {
    principal: PRINCIPAL,
    roles: ROLES,
    connection,
    method: "POST",
    segments: routeSegments(path),
    path,
    query,
    headers: SENT,
    address: null,
    region: "local",
    now: Date.now(),
    body: { kind: "unread" },
    message: null,
  });
}

function functions(policy: Policy, record: Committed): Readonly<Record<string, () => unknown>> {
  return {
    nothing: () => BYTES.length,
    id: () => newCommandId(Date.now(), fillRandom),
    decide: () => decided(policy),
    request_headers: () => requestHeaders(SENT, FROM),
    response_headers: () => responseHeaders(ANSWERED, { pathForm: FROM.pathForm, upstream: UPSTREAM }),
    mask_intent: intent,
    commit_intent: () => commit(intent(), fillRandom, sha256),
    mask_outcome: outcome,
    commit_outcome: () => commit(outcome(), fillRandom, sha256),
    leaf: () => leafHash(leafText(record, POSITION), sha256),
    body_digest: digest,
    sha256: () => sha256(BYTES),
  };
}

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    const { searchParams } = new URL(request.url);
    const policy = parsePolicy(env.POLICY, "0".repeat(64) as Digest);
    if (!policy.ok) throw new Error(`the policy is refused: ${JSON.stringify(policy.problems)}`);
    const run = functions(policy.value, commit(intent(), fillRandom, sha256))[searchParams.get("function") ?? ""];
    if (run === undefined) return new Response(null, { status: 404 });
    const times = Number(searchParams.get("times"));
    let last: unknown;
    for (let i = 0; i < times; i++) last = run();
    return Response.json({ last: typeof last });
  },
} satisfies ExportedHandler<Env>;
