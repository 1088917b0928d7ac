// What a followed record brings of a body, under its line: on one line, or its beginning laid out.

import type { Result } from "../../core/result.ts";
import type { Access } from "../access.ts";
import { bounded } from "../bounded_text.ts";
import type { ReadRecordLine } from "../follow.ts";
import { call } from "../gateway_client.ts";
import type { Io } from "../io.ts";
import type { CliRefusal } from "../refusal.ts";
import { bytesText } from "../time_text.ts";
import { payloadPath, SIDES } from "./payload_facts.ts";
import { payloadLines } from "./payload_lines.ts";
import { payloadOfRecord, type RecordPayload, shortPayload } from "./record_payload.ts";

const LINES = 20;
const BYTES: number = 4 * 1024;
const INDENT = "      ";
const UNBOUNDED = 400;

type Renewed = () => Promise<Result<Access, CliRefusal>>;

/** Bodies under way whose masked places are followed; more are shown without. */
const BODIES = 1000;

export class TailPayloads {
  readonly #io: Pick<Io, "style" | "width">;
  /** Null for one line of each. */
  readonly #access: Renewed | null;
  /** By how much masking has moved the bytes of a body, for its next chunk. */
  readonly #moved = new Map<string, number | null>();

  constructor(io: Pick<Io, "style" | "width">, access: Renewed | null) {
    this.#io = io;
    this.#access = access;
  }

  /** Lines to print; none for a record without a body. */
  async lines(record: ReadRecordLine): Promise<readonly string[]> {
    const payload = this.#payloadOf(record);
    if (payload === null) return [];
    const { style, width } = this.#io;
    const arrow = payload.isSent ? style.cyan("→") : style.green("←");
    const room = width === null ? UNBOUNDED : width - INDENT.length - 2;
    const bytes = this.#access === null ? null : await beginningOf(record, payload, this.#access);
    if (bytes === null) return [`${INDENT}${arrow} ${shortPayload(payload, room, style)}`];
    const { format, places } = payload;
    const lines = payloadLines({ bytes, format, places }, width === null ? null : room, style);
    const left = payload.size - bytes.length;
    const more = left > 0 ? `${bytesText(left)} more` : `${lines.length - LINES} lines more`;
    return [
      ...lines.slice(0, LINES).map((line, at) => `${INDENT}${at === 0 ? arrow : " "} ${line}`),
      ...(left > 0 || lines.length > LINES ? [style.dim(`${INDENT}  … ${more}`)] : []),
    ];
  }

  #payloadOf(record: ReadRecordLine): RecordPayload | null {
    const { command, kind, classes } = record.leaf;
    const body = `${command} ${String(classes.side)}`;
    const payload = payloadOfRecord(record, this.#moved.get(body) ?? null);
    if (kind === "stream.chunk" && payload !== null && (this.#moved.has(body) || this.#moved.size < BODIES))
      this.#moved.set(body, payload.moved);
    if (/^command\.(?:completed|failed|cancelled)$/.test(kind))
      for (const side of SIDES) this.#moved.delete(`${command} ${side}`);
    return payload;
  }
}

/** Null if it stands beside the record and cannot be had. */
async function beginningOf(
  { leaf: { sid, command, classes } }: ReadRecordLine,
  { bytes, at, isSent }: RecordPayload,
  access: Renewed,
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
