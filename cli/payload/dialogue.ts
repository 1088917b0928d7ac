// The messages of a socket as a conversation: what was sent, what was received, and what was refused.

import { ok, type Result } from "../../core/result.ts";
import { linesOf } from "../../core/verify/lines.ts";
import { readLine } from "../../core/verify/read_line.ts";
import type { Access } from "../access.ts";
import type { ReadRecordLine } from "../follow.ts";
import { call } from "../gateway_client.ts";
import type { Io } from "../io.ts";
import type { CliRefusal } from "../refusal.ts";
import { widthOf } from "../table.ts";
import { plainOf, shown, type Style } from "../terminal.ts";
import { bytesText, timeText } from "../time_text.ts";
import { payloadOfRecord, shortPayload } from "./record_payload.ts";

const MESSAGES = 100;
const UNBOUNDED = 400;
/** Columns of a message that are worth showing. */
const LEAST = 8;

export interface Socket {
  /** The command by which it was opened. */
  readonly id: string;
  readonly sid: string;
  readonly seq: number;
}

/** Prints nothing where no message was. */
export async function showDialogue(
  socket: Socket,
  isAll: boolean,
  access: Access,
  io: Io,
): Promise<Result<null, CliRefusal>> {
  const got = await call(access, {
    path: `/api/v1/sessions/${encodeURIComponent(socket.sid)}/records?from=${socket.seq}`,
  });
  if (!got.ok) return got;
  let count = 0;
  for await (const message of messagesOf(got.value, socket.id)) {
    if (!isAll && count === MESSAGES) {
      await io.print(io.style.dim("  … more messages: --all"));
      return ok(null);
    }
    if (count === 0) {
      await io.print("");
      await io.print(io.style.bold("messages"));
    }
    count += 1;
    await io.print(`  ${messageLine(message, io.width === null ? null : io.width - 2, io.style)}`);
  }
  return ok(null);
}

/** Until the socket is closed, or the records end. */
async function* messagesOf(response: Response, socket: string): AsyncGenerator<ReadRecordLine> {
  const isOwn = ({ leaf }: ReadRecordLine): boolean => leaf.classes.socket === socket;
  const isEnd = ({ leaf }: ReadRecordLine): boolean =>
    leaf.command === socket && /^command\.(?:completed|failed|cancelled)$/.test(leaf.kind);
  try {
    for await (const line of linesOf((response.body ?? []) as AsyncIterable<Uint8Array>)) {
      if (line.kind !== "line") return;
      const record = readLine(line.bytes);
      if (record.kind !== "record" || isEnd(record)) return;
      if (isOwn(record)) yield record;
    }
  } catch {
    // The connection broke: what came is shown.
  }
}

export function isMessage({ classes }: ReadRecordLine["leaf"]): boolean {
  return classes.protocol === "websocket" && classes.oneway === 1;
}

/** `12:00:01.250  → SEND     text  24 B  {"op":"hello"}` */
export function messageLine(record: ReadRecordLine, width: number | null, style: Style): string {
  const { leaf } = record;
  const { verb, type, size } = leaf.classes;
  const isSent = verb !== "receive";
  const direction = isSent ? style.cyan("→ SEND   ") : style.green("← RECEIVE");
  const before = [
    style.dim(timeText(leaf.time).slice(11)),
    direction,
    shown(String(type ?? ""), 10).padEnd(6),
    typeof size === "number" ? bytesText(size).padStart(8) : "",
    whyText(leaf, style),
  ]
    .filter((part) => part !== "")
    .join("  ");
  const payload = payloadOfRecord(record);
  if (payload === null) return before;
  const room = width === null ? UNBOUNDED : width - widthOf(plainOf(before)) - 2;
  if (room < LEAST) return before;
  return `${before}  ${shortPayload(payload, room, style)}`;
}

/** What is to be said beside a message that passed as it came: one that people had to approve stands twice, when they were asked and when it went on. */
function whyText({ kind, command, classes }: ReadRecordLine["leaf"], style: Style): string {
  const { reason, rule, approval } = classes;
  if (kind === "command.denied") return style.red(`refused: ${shown(String(rule ?? reason), 40)}`);
  if (kind === "approval.requested") return style.yellow(`asks: ${shown(String(rule), 40)}`);
  return approval === command ? style.green("approved") : "";
}
