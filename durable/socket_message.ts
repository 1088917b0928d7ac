// A message of a socket as records. One record each, complete in itself, up to what a record holds; a
// larger one is an intent, its chunks and an outcome, like any large body. One that people have to approve is
// shown to them by what asks, and its intent holds nothing of it any more.

import type { ApprovalId } from "../core/approval/approval.ts";
import { toHex } from "../core/bytes.ts";
import type { CommandId } from "../core/ids.ts";
import { chunkRecord, exchangeRecord, ownRecord } from "../core/mask/mask_draft.ts";
import type { MaskPlan } from "../core/mask/mask_plan.ts";
import { payloadFields, type RecordedPayload } from "../core/mask/payload_fields.ts";
import { maskWhole } from "../core/mask/payload_masker.ts";
import type { MaskedPiece, Pseudonym } from "../core/mask/span.ts";
import { splitPiece } from "../core/mask/split_piece.ts";
import type { Decision, Extent } from "../core/policy/decision.ts";
import { CHUNK_LIMIT, DETACHED_LIMIT } from "../core/record/payload.ts";
import type { Classes, Fields, Masked } from "../core/record/record.ts";
import type { Method } from "./socket_judge.ts";
import { sha256 } from "./sha256.ts";

export interface Message {
  readonly method: Method;
  readonly data: string | ArrayBuffer;
  /** As it travels; of text, its UTF-8. */
  readonly bytes: Uint8Array;
}

export function isText({ data }: Message): boolean {
  return typeof data === "string";
}

/** What its records say beside its payload. */
export interface MessageFacts {
  readonly command: CommandId;
  /** The upgrade. */
  readonly socket: CommandId;
  /** Masked, `SEND /path`. */
  readonly target: string;
  readonly decision: Decision;
}

/** The approval by which a message goes on. */
export interface MessageUse {
  readonly approval: ApprovalId;
  /** It was allowed for a time. */
  readonly isGrant: boolean;
}

export interface Recorder {
  readonly plan: MaskPlan;
  readonly pseudonym: Pseudonym;
  commitment(digest: Uint8Array): string;
}

/** In the order in which they are appended. */
export interface MessageRecords {
  /** Opens the command, or is all there is of it. */
  readonly first: Masked;
  /** Before it is handed on. */
  readonly chunks: readonly Masked[];
  /** Afterwards; null where the first record is complete in itself. */
  readonly outcome: Masked | null;
}

/** How people are asked about a message, and how it goes on once they have approved it. */
export interface AskedRecords {
  readonly request: Masked;
  /** Together with it. */
  readonly chunks: readonly Masked[];
  readonly afterwards: MessageRecords;
  /** Nothing of it is left out of the record. */
  readonly isWhole: boolean;
}

/** `use`: null where it needs no approval. Throws what the masker throws. */
export function messageRecords(
  message: Message,
  facts: MessageFacts,
  extent: Extent,
  by: Recorder,
  use: MessageUse | null = null,
): MessageRecords {
  const body = bodyOf(message, facts, extent, by);
  return { first: intent(message, facts, use, body, true), chunks: body.chunks, outcome: body.outcome };
}

/** `told`: what `approval.requested` says of the approval. Throws what the masker throws. */
export function askedRecords(
  message: Message,
  facts: MessageFacts,
  told: { readonly classes: Classes; readonly fields: Fields },
  extent: Extent,
  by: Recorder,
): AskedRecords {
  const body = bodyOf(message, facts, extent, by);
  const { command, target } = facts;
  const classes = { ...classesOf(message, facts), ...told.classes, ...body.classes };
  const fields = { ...told.fields, target };
  const request = exchangeRecord({ kind: "approval.requested", command, part: 0, classes }, body.sent, fields);
  const use = { approval: command, isGrant: false };
  const first = intent(message, facts, use, body, false);
  const isWhole = body.classes.req_cut === undefined;
  return { request, chunks: body.chunks, afterwards: { first, chunks: [], outcome: body.outcome }, isWhole };
}

/** What the records show of a message: in the first one, or in chunks. */
interface Body {
  readonly classes: Classes;
  readonly sent: { readonly payload?: RecordedPayload };
  readonly chunks: readonly Masked[];
  readonly outcome: Masked | null;
}

function bodyOf(message: Message, { command }: MessageFacts, extent: Extent, by: Recorder): Body {
  const { bytes } = message;
  const alone = (payload: RecordedPayload, cut: number): Body => ({
    classes: { oneway: 1, ...(cut === 0 ? {} : { req_cut: cut }) },
    sent: { payload },
    chunks: [],
    outcome: null,
  });
  if (extent === "metadata") return alone(unseen(bytes, by), bytes.length);
  const piece = maskWhole(by.plan, contentType(message), bytes, by.pseudonym);
  const limit = extent === "full" ? Infinity : Math.min(extent.head, DETACHED_LIMIT);
  const [part] = limit === Infinity ? [piece] : splitPiece(piece, 0, limit, Infinity);
  const cut = bytes.length - part.upto;
  if (part.bytes.length > DETACHED_LIMIT) {
    const chunks = chunksOf(command, bytes, piece, by);
    return { classes: {}, sent: {}, chunks, outcome: handedOn(command, bytes, piece.spans.length > 0, by) };
  }
  const isAsItWas = cut === 0 && part.spans.length === 0;
  const raw = isAsItWas ? null : by.commitment(sha256(bytes));
  return alone(payloadFields([part], { format: piece.format, raw }, sha256), cut);
}

/** `hasBody`: what the records show of it was not shown before. */
function intent(
  message: Message,
  facts: MessageFacts,
  use: MessageUse | null,
  { classes: more, sent }: Body,
  hasBody: boolean,
): Masked {
  const { command, target } = facts;
  const by: Classes =
    use === null
      ? { effect: "allow" }
      : { effect: "needs_approval", approval: use.approval, ...(use.isGrant ? { grant: 1 } : {}) };
  const classes = { ...classesOf(message, facts), ...by, ...more };
  return exchangeRecord({ kind: "command.requested", command, part: 0, classes }, hasBody ? sent : {}, { target });
}

/** A refused message that nothing was looked for in: too large, or its masker failed. `code`: that the socket is closed with, 0 if it is not. */
export function refusedUnseen(message: Message, facts: MessageFacts, refusal: Refusal, by: Recorder): Masked {
  return denied(message, facts, refusal, { req_cut: message.bytes.length }, unseen(message.bytes, by));
}

export interface Refusal {
  readonly reason: string;
  readonly code: number;
  /** The approval by which it was to go on, in vain. */
  readonly approval?: ApprovalId;
}

/** Throws what the masker throws. */
export function refusedMessage(
  message: Message,
  facts: MessageFacts,
  refusal: Refusal,
  extent: Extent,
  by: Recorder,
): Masked {
  const { bytes } = message;
  if (extent === "metadata" || bytes.length > DETACHED_LIMIT / 2) return refusedUnseen(message, facts, refusal, by);
  const piece = maskWhole(by.plan, contentType(message), bytes, by.pseudonym);
  const [part] = splitPiece(piece, 0, Math.min(extent === "full" ? Infinity : extent.head, DETACHED_LIMIT), Infinity);
  const cut = bytes.length - part.upto;
  const raw = cut === 0 && part.spans.length === 0 ? null : by.commitment(sha256(bytes));
  const payload = payloadFields([part], { format: piece.format, raw }, sha256);
  return denied(message, facts, refusal, cut === 0 ? {} : { req_cut: cut }, payload);
}

/** It was recorded, and could not be handed on. */
export function undelivered(command: CommandId, reason: string): Masked {
  const classes = { reason, tool: "none", req_bytes: 0, resp_bytes: 0, ms: 0 };
  return ownRecord({
    kind: "command.cancelled",
    command,
    part: 0,
    classes,
    fields: { digests: '{"request":null,"response":null}' },
  });
}

/** What it is read as in order to mask it: most text over sockets is JSON, and says so by its first character. */
export function contentType(message: Message): string | null {
  if (typeof message.data !== "string") return "application/octet-stream";
  return /^\s*[{[]/.test(message.data) ? "application/json" : "text/plain; charset=utf-8";
}

/** Nothing of it stands in the record but what cannot be guessed from. */
function unseen(bytes: Uint8Array, by: Recorder): RecordedPayload {
  return payloadFields([], { format: "opaque", raw: by.commitment(sha256(bytes)) }, sha256);
}

function classesOf(message: Message, { socket, decision }: MessageFacts): Classes {
  return {
    protocol: "websocket",
    verb: message.method === "SEND" ? "send" : "receive",
    policy: decision.policy,
    ...(decision.rule === null ? {} : { rule: decision.rule }),
    socket,
    type: isText(message) ? "text" : "binary",
    size: message.bytes.length,
  };
}

function denied(
  message: Message,
  facts: MessageFacts,
  { reason, code, approval }: Refusal,
  more: Classes,
  payload: RecordedPayload,
): Masked {
  const { command, decision, target } = facts;
  const effect = decision.effect === "needs_approval" ? "needs_approval" : "deny";
  const named = approval === undefined ? {} : { approval };
  const classes = { ...classesOf(message, facts), effect, oneway: 1, reason, status: code, ...named, ...more };
  return exchangeRecord({ kind: "command.denied", command, part: 0, classes }, { payload }, { target });
}

/** Never cut within what stands for a secret; `held` is 0 throughout, because all of it is decided. */
function chunksOf(
  command: CommandId,
  bytes: Uint8Array,
  piece: MaskedPiece & Pick<ReturnType<typeof maskWhole>, "format">,
  by: Recorder,
): readonly Masked[] {
  const chunks: Masked[] = [];
  let rest: MaskedPiece = piece;
  let at = 0;
  for (let offset = 0; offset < bytes.length;) {
    const [part, left] = splitPiece(rest, offset, CHUNK_LIMIT, 1024);
    const travelled = bytes.subarray(offset, part.upto);
    const raw = part.spans.length === 0 ? null : by.commitment(sha256(travelled));
    const payload = payloadFields([part], { format: piece.format, raw }, sha256);
    const chunk = { side: "request", n: chunks.length, offset, length: travelled.length, at, held: 0 } as const;
    chunks.push(chunkRecord(command, chunk, payload));
    at += part.bytes.length;
    offset = part.upto;
    rest = left;
  }
  return chunks;
}

function handedOn(command: CommandId, bytes: Uint8Array, isMasked: boolean, by: Recorder): Masked {
  const digest = sha256(bytes);
  const told = isMasked ? `"keyed":"${by.commitment(digest)}"` : `"sha256":"${toHex(digest)}"`;
  return ownRecord({
    kind: "command.completed",
    command,
    part: 0,
    classes: { transport: "ok", status: 0, tool: "none", folded: 1, req_bytes: bytes.length, resp_bytes: 0, ms: 0 },
    fields: { headers: "[]", digests: `{"request":{"complete":true,${told}},"response":null}` },
  });
}
