// What a followed record brings of a body, under its line: on one line, or its beginning laid out.

import type { Result } from "../../core/result.ts";
import type { Access } from "../access.ts";
import { bounded } from "../bounded_text.ts";
import type { ReadRecordLine } from "../follow.ts";
import { call } from "../gateway_client.ts";
import type { Io } from "../io.ts";
import type { CliRefusal } from "../refusal.ts";
import { bytesText } from "../time_text.ts";
import { payloadPath } from "./payload_facts.ts";
import { payloadLines } from "./payload_lines.ts";
import { payloadOfRecord, type RecordPayload, shortPayload } from "./record_payload.ts";

const LINES = 20;
const BYTES: number = 4 * 1024;
const INDENT = "      ";
const UNBOUNDED = 400;

/** Lines to print; none for a record without a body. With `access` given, the beginning of the body is laid out. */
export async function tailPayload(
  record: ReadRecordLine,
  { style, width }: Pick<Io, "style" | "width">,
  access: (() => Promise<Result<Access, CliRefusal>>) | null,
): Promise<readonly string[]> {
  const payload = payloadOfRecord(record);
  if (payload === null) return [];
  const arrow = payload.isSent ? style.cyan("→") : style.green("←");
  const room = width === null ? UNBOUNDED : width - INDENT.length - 2;
  if (access === null) return [`${INDENT}${arrow} ${shortPayload(payload, room, style)}`];
  const bytes = await beginningOf(record, payload, access);
  if (bytes === null) return [`${INDENT}${arrow} ${shortPayload(payload, room, style)}`];
  // Places are counted from the body's begin, of which a later chunk is a part.
  const places = payload.at === 0 ? payload.places : [];
  const lines = payloadLines({ bytes, format: payload.format, places }, width === null ? null : room, style);
  const left = payload.size - bytes.length;
  const more = left > 0 ? `${bytesText(left)} more` : `${lines.length - LINES} lines more`;
  return [
    ...lines.slice(0, LINES).map((line, at) => `${INDENT}${at === 0 ? arrow : " "} ${line}`),
    ...(left > 0 || lines.length > LINES ? [style.dim(`${INDENT}  … ${more}`)] : []),
  ];
}

/** Null if it stands beside the record and cannot be had. */
async function beginningOf(
  { leaf: { sid, command, classes } }: ReadRecordLine,
  { bytes, at, isSent }: RecordPayload,
  access: () => Promise<Result<Access, CliRefusal>>,
): Promise<Uint8Array | null> {
  if (bytes !== null) return bytes.subarray(0, BYTES);
  if (command === null) return null;
  const as = await access();
  if (!as.ok) return null;
  // A message is its command's request, whichever way it goes.
  const side = isSent || classes.oneway === 1 ? "request" : "response";
  const range = { range: `bytes=${at}-${at + BYTES - 1}` };
  const got = await call(as.value, { path: payloadPath(sid, command, side), headers: range });
  return got.ok ? bounded(got.value, BYTES) : null;
}
