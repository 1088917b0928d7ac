// append (answer): makes what came back durable before the caller gets it. A small answer is one
// record, its body included; a larger one is a stream (answer_stream.ts).

import type { Header } from "../../core/mask/mask_headers.ts";
import { isAboutParts } from "../../core/protocol/http/masked_exchange.ts";
import { isBodyless, isFinalStatus } from "../../core/protocol/http/status.ts";
import type { Classes, Masked } from "../../core/record/record.ts";
import { problem, type ProblemReason } from "../problem.ts";
import { proceed } from "../session_client.ts";
import { answerStream } from "./answer_stream.ts";
import type { Cleared } from "./exchange.ts";
import type { Forwarded } from "./forward.ts";
import { cancelled, completed, failed, withheld } from "./outcome.ts";
import { release, releasedHeaders } from "./release.ts";
import { statedBy } from "./sent_body.ts";
import { isSocket } from "./socket.ts";
import { recordWhole, WHOLE_BODY_LIMIT } from "./whole_body.ts";
import { placeOfRecord, recordEnding, toldOf, withhold } from "./withhold.ts";

export async function answerCommand(cleared: Cleared, forwarded: Forwarded): Promise<Response> {
  const { response } = forwarded;
  if (response === null) return withoutAnswer(cleared, forwarded);
  if (isSocket(cleared, response)) {
    // Its records are made by the object that relays it, from `response.started` on.
    forwarded.done();
    return response;
  }
  if (!isFinalStatus(response.status) || response.webSocket) return invalidAnswer(cleared, forwarded);
  if (forwarded.callerMask !== null && isAboutParts(response.status)) return unmaskable(cleared, forwarded, response);
  let headers: readonly Header[] = releasedHeaders(cleared, response);
  try {
    headers = forwarded.callerMask?.head(headers) ?? headers;
  } catch {
    return maskFailed(cleared, forwarded, response.status);
  }
  const declared = response.headers.get("content-length");
  const length = declared === null || !/^\d{1,15}$/.test(declared) ? null : Number(declared);
  if (
    response.body === null ||
    isBodyless(cleared.asked.method, response.status) ||
    (length !== null && length <= WHOLE_BODY_LIMIT)
  ) {
    return answerWhole(cleared, forwarded, response, headers);
  }
  return answerStream(cleared, forwarded, response, headers, response.body, length);
}

/** The upstream gave no answer: down, too slow, or the caller left. */
async function withoutAnswer(cleared: Cleared, forwarded: Forwarded): Promise<Response> {
  if (forwarded.cut !== null && forwarded.cut !== "timeout") {
    const outcome = cancelled({ cleared, forwarded, meter: null });
    if (!(await settle(cleared, forwarded, outcome))) recordEnding(cleared, [outcome]);
    // Heard only by a client that is still there: one whose rights ended, or whose body was malformed midway.
    return problem(toldOf(forwarded.cut), placeOfRecord(cleared));
  }
  if (forwarded.broken !== null) {
    const reason = forwarded.broken;
    return settleWithProblem(cleared, forwarded, reason, { transport: "cut", reason });
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

function invalidAnswer(cleared: Cleared, forwarded: Forwarded): Promise<Response> {
  forwarded.abort.abort();
  return settleWithProblem(cleared, forwarded, "upstream_invalid", {
    transport: "invalid",
    reason: "upstream_invalid",
  });
}

/** It was asked for whole, and unconditionally: a part can be searched for no secret that it holds half of. */
function unmaskable(cleared: Cleared, forwarded: Forwarded, { status }: Response): Promise<Response> {
  forwarded.abort.abort();
  const reason = "answer_unmaskable";
  return settleWithProblem(cleared, forwarded, reason, { transport: "invalid", status, reason });
}

function maskFailed(cleared: Cleared, forwarded: Forwarded, status: number): Promise<Response> {
  forwarded.abort.abort();
  return settleWithProblem(cleared, forwarded, "mask_failed", { transport: "invalid", status, reason: "mask_failed" });
}

/** One append for status, headers, body and outcome. */
async function answerWhole(
  cleared: Cleared,
  forwarded: Forwarded,
  response: Response,
  headers: readonly Header[],
): Promise<Response> {
  const { status } = response;
  const toCaller = forwarded.callerMask?.body(response.headers.get("content-type")) ?? null;
  let body: Uint8Array | null = null;
  if (response.body !== null && !isBodyless(cleared.asked.method, status)) {
    try {
      body = new Uint8Array(await response.arrayBuffer());
    } catch {
      if (forwarded.cut !== null || forwarded.broken !== null) return withoutAnswer(cleared, forwarded);
      return settleWithProblem(cleared, forwarded, "body_cut", { transport: "cut", status, reason: "body_cut" });
    }
  } else if (response.body !== null) cleared.exchange.ctx.waitUntil(response.body.cancel().catch(() => undefined));
  const whole = recordWhole(body ?? NO_BYTES, cleared.asked.recording, statedBy(response.headers), toCaller);
  switch (whole.kind) {
    case "mask_failed":
      return maskFailed(cleared, forwarded, status);
    case "unreadable":
      return settleWithProblem(cleared, forwarded, "answer_unreadable", unreadableBy(status));
    case "in_chunks": {
      const source = new Response(body).body;
      if (source === null) throw new Error("a body in chunks has bytes");
      return answerStream(cleared, forwarded, response, headers, source, body?.length ?? 0);
    }
    case "recorded": {
      const { payload, meter, release: released } = whole;
      const ending = { cleared, forwarded, meter };
      if (!(await settle(cleared, forwarded, completed(ending, status, { headers, payload }))))
        return withhold(cleared, withheld(ending, status));
      return release(forwarded, response, headers, body === null ? null : released);
    }
  }
}

const NO_BYTES: Uint8Array = new Uint8Array(0);

function unreadableBy(status: number): Classes {
  return { transport: "invalid", status, reason: "answer_unreadable" };
}

/** The caller is listened to until the outcome is durable: one who leaves meanwhile must not take it along. */
async function settle(cleared: Cleared, forwarded: Forwarded, outcome: Masked): Promise<boolean> {
  const isRecorded = await proceed(cleared.begun.session, [outcome]);
  forwarded.done();
  return isRecorded;
}

async function settleWithProblem(
  cleared: Cleared,
  forwarded: Forwarded,
  told: ProblemReason,
  classes: Classes,
): Promise<Response> {
  const outcome = failed({ cleared, forwarded, meter: null }, classes);
  return (await settle(cleared, forwarded, outcome))
    ? problem(told, placeOfRecord(cleared))
    : withhold(cleared, outcome);
}
