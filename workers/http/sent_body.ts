// The request's body before the intent: a small one is read first, so that the intent's own record
// holds it, masked. A larger one, or one of unstated length, is recorded as it passes (forward.ts).

import { ok, refuse, type Result } from "../../core/result.ts";
import type { Caller } from "../caller.ts";
import type { ProblemReason } from "../problem.ts";
import type { Stated } from "./body_record.ts";
import { codingOf } from "./coding.ts";
import type { Asked, Exchange } from "./exchange.ts";
import { knownAfterBody } from "./meanwhile.ts";
import { BODY_MS, readBody } from "./read_body.ts";
import type { Recording } from "./recording.ts";
import { recordWhole, WHOLE_BODY_LIMIT, type Whole } from "./whole_body.ts";

export interface SentBody {
  /** What is forwarded; null if it was not read, or there is none. */
  readonly bytes: Uint8Array | null;
  /** What the intent's record has of it; null if that has nothing. */
  readonly whole: Extract<Whole, { kind: "recorded" }> | null;
}

export const UNREAD: SentBody = { bytes: null, whole: null };

export function statedBy(headers: Headers): Stated {
  return { contentType: headers.get("content-type"), coding: codingOf(headers.get("content-encoding")) };
}

/** True if there is something to wait for. */
export function isReadFirst({ request }: Exchange, { answerer, body }: Asked): boolean {
  if (answerer?.kind !== "upstream" || request.body === null) return false;
  const declared = request.headers.get("content-length");
  return body !== undefined || (declared !== null && Number(declared) <= WHOLE_BODY_LIMIT);
}

/** What the record of a refused command has of its body: nothing, unless a rule had to read it and it can be masked. */
export function readAnyway({ request }: Exchange, { recording, body }: Asked): SentBody {
  if (body === undefined) return UNREAD;
  const read = recorded(body, recording, statedBy(request.headers));
  return read.ok ? read.value : UNREAD;
}

/** The reason if the command is to be refused. */
export async function readSentBody(
  exchange: Exchange,
  caller: Caller,
  { connection, recording, body }: Asked,
): Promise<Result<SentBody, { reason: ProblemReason }>> {
  const { request } = exchange;
  if (body !== undefined) return recorded(body, recording, statedBy(request.headers));
  const read = await readBody(request, WHOLE_BODY_LIMIT, BODY_MS);
  if (read.kind === "late") return refuse({ reason: "body_late" });
  if (read.kind !== "whole") return refuse({ reason: "request_cut" });
  const known = await knownAfterBody(exchange, caller, connection);
  return known.ok ? recorded(read.bytes, recording, statedBy(request.headers)) : known;
}

function recorded(
  bytes: Uint8Array,
  recording: Recording,
  stated: Stated,
): Result<SentBody, { reason: ProblemReason }> {
  const whole = recordWhole(bytes, recording, stated);
  switch (whole.kind) {
    case "recorded":
      return ok({ bytes, whole });
    case "in_chunks":
      return ok({ bytes, whole: null });
    case "mask_failed":
      return refuse({ reason: "mask_failed" });
    case "unreadable":
      return refuse({ reason: "request_unreadable" });
  }
}
