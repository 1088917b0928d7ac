// append (answer): makes what came back durable before the caller gets it. A small answer is one
// record; a stream is `response.started` before its first byte and an outcome before its last.

import type { Header } from "../../core/mask/mask_headers.ts";
import { exchangeRecord, ownRecord } from "../../core/mask/mask_draft.ts";
import { responseHeaders } from "../../core/protocol/http/response_headers.ts";
import { isBodyless, isFinalStatus } from "../../core/protocol/http/status.ts";
import type { Classes, Kind, Masked } from "../../core/record/record.ts";
import { problem, type ProblemReason } from "../problem.ts";
import { proceed, proceedAfter } from "../session_client.ts";
import type { Cleared } from "./exchange.ts";
import { type Cut, type Forwarded, WHOLE_BODY_LIMIT } from "./forward.ts";
import { digestsText, Meter } from "./meter.ts";
import { pump, type PumpEnd } from "./pump.ts";
import { isSocket } from "./socket.ts";

/** Within a lease's 30 s, and within the time that the platform leaves to work beside an answer. */
const ENDING_PAUSES_MS: readonly number[] = [0, 1_000, 5_000];

export async function answerCommand(cleared: Cleared, forwarded: Forwarded): Promise<Response> {
  const { response } = forwarded;
  if (response === null) return withoutAnswer(cleared, forwarded);
  if (isSocket(cleared, response)) {
    // Its records are made by the object that relays it, from `response.started` on.
    forwarded.done();
    return response;
  }
  if (!isFinalStatus(response.status) || response.webSocket) return invalidAnswer(cleared, forwarded);
  const headers = releasedHeaders(cleared, response);
  const declared = response.headers.get("content-length");
  const length = declared === null || !/^\d{1,15}$/.test(declared) ? null : Number(declared);
  if (
    response.body === null ||
    isBodyless(cleared.asked.method, response.status) ||
    (length !== null && length <= WHOLE_BODY_LIMIT)
  ) {
    return answerWhole(cleared, forwarded, response, headers);
  }
  return answerStream(cleared, forwarded, response, headers, length);
}

/** The upstream gave no answer: down, too slow, or the caller left. */
async function withoutAnswer(cleared: Cleared, forwarded: Forwarded): Promise<Response> {
  if (forwarded.cut !== null && forwarded.cut !== "timeout") {
    const record = cancelled(cleared, forwarded, null);
    if (!(await settle(cleared, forwarded, record))) recordEnding(cleared, [record]);
    // Heard only by a client that is still there: one whose rights ended, or whose body was malformed midway.
    return problem(toldOf(forwarded.cut), placeOfRecord(cleared));
  }
  if (cleared.asked.answerer?.kind === "local")
    return settleWithProblem(cleared, forwarded, "trail_unavailable", {
      transport: "refused",
      reason: "trail_unavailable",
    });
  const timeout = forwarded.cut === "timeout";
  const reason: ProblemReason = timeout ? "upstream_timeout" : "upstream_unreachable";
  return settleWithProblem(cleared, forwarded, reason, { transport: timeout ? "timeout" : "refused", reason });
}

function toldOf(cut: Exclude<Cut, "timeout">): ProblemReason {
  switch (cut) {
    case "client_gone":
      return "request_cut";
    case "token_expired":
    case "token_revoked":
      return "unauthenticated";
    case "killed":
      return "session_killed";
    case "policy_changed":
      return "allowed_no_more";
    case "session_over":
      return "session_over";
  }
}

function invalidAnswer(cleared: Cleared, forwarded: Forwarded): Promise<Response> {
  forwarded.abort.abort();
  return settleWithProblem(cleared, forwarded, "upstream_invalid", {
    transport: "invalid",
    reason: "upstream_invalid",
  });
}

/** One append for status, headers and outcome. */
async function answerWhole(
  cleared: Cleared,
  forwarded: Forwarded,
  response: Response,
  headers: readonly Header[],
): Promise<Response> {
  const meter = new Meter();
  let body: Uint8Array | null = null;
  if (response.body !== null && !isBodyless(cleared.asked.method, response.status)) {
    try {
      body = new Uint8Array(await response.arrayBuffer());
    } catch {
      if (forwarded.cut !== null) return withoutAnswer(cleared, forwarded);
      return settleWithProblem(cleared, forwarded, "body_cut", {
        transport: "cut",
        status: response.status,
        reason: "body_cut",
      });
    }
    meter.whole(body);
  } else if (response.body !== null) cleared.exchange.ctx.waitUntil(response.body.cancel().catch(() => undefined));
  meter.complete = true;
  const classes = { transport: "ok", status: response.status, folded: 1, ...counts(cleared, forwarded, meter) };
  const record = exchangeRecord(
    { kind: "command.completed", command: cleared.exchange.command, part: 0, classes },
    { headers },
    { digests: digestsText(forwarded.sent, meter) },
  );
  if (!(await settle(cleared, forwarded, record)))
    return withhold(cleared, withheld(cleared, forwarded, meter, response.status));
  return release(response, headers, body);
}

async function answerStream(
  cleared: Cleared,
  forwarded: Forwarded,
  response: Response,
  headers: readonly Header[],
  length: number | null,
): Promise<Response> {
  const { exchange, begun } = cleared;
  forwarded.untimed();
  const started = exchangeRecord(
    {
      kind: "response.started",
      command: exchange.command,
      part: 0,
      classes: { status: response.status, ms: Date.now() - exchange.started },
    },
    { headers },
    {},
  );
  if (response.body === null || !(await proceed(begun.session, [started]))) {
    forwarded.abort.abort();
    forwarded.done();
    return withhold(cleared, withheld(cleared, forwarded, null, response.status));
  }
  const { readable, writable } = length === null ? new IdentityTransformStream() : new FixedLengthStream(length);
  exchange.ctx.waitUntil(stream(cleared, forwarded, response, response.body, writable, length));
  return release(response, headers, readable);
}

/** Runs after the headers have left, until the outcome is durable. */
async function stream(
  cleared: Cleared,
  forwarded: Forwarded,
  response: Response,
  source: ReadableStream<Uint8Array>,
  sink: WritableStream<Uint8Array>,
  length: number | null,
): Promise<void> {
  const meter = new Meter();
  const status = response.status;
  let recorded = false;
  const beforeEnd = async (): Promise<boolean> => {
    const classes = { transport: "ok", status, folded: 0, ...counts(cleared, forwarded, meter) };
    recorded = await proceed(cleared.begun.session, [outcome(cleared, forwarded, meter, "command.completed", classes)]);
    return recorded;
  };
  const end = await pump(source, sink, meter, { length, beforeEnd, signal: forwarded.abort.signal });
  forwarded.done();
  if (end !== "done") forwarded.abort.abort();
  if (!recorded) recordEnding(cleared, endings(cleared, forwarded, meter, status, end));
}

/** The client has seen the cut already; the record of it may come a little later. What fails here too ends as a lapsed lease. */
function recordEnding({ exchange, begun }: Cleared, records: readonly Masked[]): void {
  exchange.ctx.waitUntil(proceedAfter(ENDING_PAUSES_MS, begun.session, records));
}

/** The outcome cannot be recorded, so the answer stays here. What is to be said of that is tried again beside the refusal. */
function withhold(cleared: Cleared, outcomeRecord: Masked): Response {
  recordEnding(cleared, [gap(cleared), outcomeRecord]);
  return problem("answer_not_recordable", placeOfRecord(cleared));
}

/** Records of a stream that did not come to its end. */
function endings(cleared: Cleared, forwarded: Forwarded, meter: Meter, status: number, end: PumpEnd): Masked[] {
  if (end === "held_back") return [gap(cleared), withheld(cleared, forwarded, meter, status)];
  if (end === "sink_closed" || forwarded.cut !== null) {
    forwarded.cut ??= "client_gone";
    return [cancelled(cleared, forwarded, meter)];
  }
  return [failed(cleared, forwarded, meter, { transport: "cut", status, reason: "body_cut" })];
}

function release(response: Response, headers: readonly Header[], body: Uint8Array | ReadableStream | null): Response {
  const released = new Headers();
  for (const [name, value] of headers) released.append(name, value);
  return new Response(body, {
    status: response.status,
    statusText: response.statusText,
    headers: released,
    encodeBody: "manual",
  });
}

function releasedHeaders({ asked }: Cleared, response: Response): Header[] {
  const { answerer } = asked;
  if (answerer === null || answerer.kind === "local") return [...response.headers];
  const headers = responseHeaders(response.headers, answerer);
  const { secretQuery } = answerer;
  // A redirect often repeats the query it was asked with, and with it the upstream's credential.
  return secretQuery === "" ? headers : headers.map(([name, value]) => [name, withoutSecret(value, secretQuery)]);
}

/** The pair is taken out, so that a redirect leads where it would have without it. */
function withoutSecret(value: string, pair: string): string {
  if (!value.includes(pair)) return value;
  return value
    .replaceAll(`?${pair}&`, "?")
    .replaceAll(`?${pair}`, "")
    .replaceAll(`&${pair}`, "")
    .replaceAll(pair, "[masked:query]");
}

/** The caller is listened to until the outcome is durable: one who leaves meanwhile must not take it along. */
async function settle(cleared: Cleared, forwarded: Forwarded, record: Masked): Promise<boolean> {
  const isRecorded = await proceed(cleared.begun.session, [record]);
  forwarded.done();
  return isRecorded;
}

async function settleWithProblem(
  cleared: Cleared,
  forwarded: Forwarded,
  told: ProblemReason,
  classes: Classes,
): Promise<Response> {
  const record = failed(cleared, forwarded, null, classes);
  return (await settle(cleared, forwarded, record)) ? problem(told, placeOfRecord(cleared)) : withhold(cleared, record);
}

function gap({ exchange }: Cleared): Masked {
  const classes = { reason: "outcome_not_recorded" };
  return ownRecord({ kind: "gap", command: exchange.command, part: 0, classes, fields: {} });
}

/** `meter` of what the upstream has answered; null if none of its body was read. */
function withheld(cleared: Cleared, forwarded: Forwarded, meter: Meter | null, status: number): Masked {
  const transport = meter === null ? "unknown" : "cut";
  return failed(cleared, forwarded, meter, { transport, status, reason: "answer_not_recordable" });
}

function failed(cleared: Cleared, forwarded: Forwarded, meter: Meter | null, classes: Classes): Masked {
  return outcome(cleared, forwarded, meter, "command.failed", { ...classes, ...counts(cleared, forwarded, meter) });
}

function cancelled(cleared: Cleared, forwarded: Forwarded, meter: Meter | null): Masked {
  return outcome(cleared, forwarded, meter, "command.cancelled", {
    reason: forwarded.cut ?? "client_gone",
    ...counts(cleared, forwarded, meter),
  });
}

function outcome(cleared: Cleared, forwarded: Forwarded, meter: Meter | null, kind: Kind, classes: Classes): Masked {
  const by = kind === "command.cancelled" ? forwarded.cutBy : null;
  return exchangeRecord(
    { kind, command: cleared.exchange.command, part: 0, classes },
    {},
    { digests: digestsText(forwarded.sent, meter), ...(by === null ? {} : { by }) },
  );
}

function counts({ exchange }: Cleared, forwarded: Forwarded, meter: Meter | null): Classes {
  return {
    tool: "none",
    req_bytes: forwarded.sent?.bytes ?? 0,
    resp_bytes: meter?.bytes ?? 0,
    ms: Date.now() - exchange.started,
  };
}

function placeOfRecord({ begun }: Cleared): string {
  return `${begun.sid}/${begun.seq}`;
}
