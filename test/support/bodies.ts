// Bodies as records hold them: chunks in their order, small ones in their command's record. Nothing in
// them is masked. Runs inside workerd.

import type { CommandId } from "../../core/ids.ts";
import { chunkRecord, exchangeRecord } from "../../core/mask/mask_draft.ts";
import { payloadFields, type RecordedPayload } from "../../core/mask/payload_fields.ts";
import { commit } from "../../core/record/commit.ts";
import type { Side } from "../../core/record/payload.ts";
import type { Classes, Committed, Kind } from "../../core/record/record.ts";
import { fillRandom, sha256 } from "../../durable/sha256.ts";
import { newCommand } from "./objects.ts";

/** Bytes that differ from place to place; not UTF-8. */
export function noise(size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  for (let from = 0; from < size; from += 65_536) crypto.getRandomValues(bytes.subarray(from, from + 65_536));
  return bytes;
}

export function text(size: number): Uint8Array {
  return new TextEncoder().encode("0123456789 äöü €\n".repeat(Math.ceil(size / 17))).slice(0, size);
}

export function joined(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** Of large ones, where an assertion on arrays takes seconds. */
export function isSame(one: Uint8Array | undefined, other: Uint8Array): boolean {
  return one?.length === other.length && one.every((byte, i) => byte === other[i]);
}

export function recordedBody(bytes: Uint8Array): RecordedPayload {
  return payloadFields([{ bytes, spans: [] }], { format: "binary" }, sha256);
}

export function withBody(kind: Kind, command: CommandId, classes: Classes, bytes: Uint8Array): Committed {
  const draft = { kind, command, part: 0, classes };
  return commit(exchangeRecord(draft, { payload: recordedBody(bytes) }, {}), fillRandom, sha256);
}

/** The chunks of one side, as they come. */
export class Body {
  readonly command: CommandId;
  readonly side: Side;
  readonly parts: Uint8Array[] = [];
  #offset = 0;

  constructor(command: CommandId, side: Side) {
    this.command = command;
    this.side = side;
  }

  next(bytes: Uint8Array): Committed {
    const made = this.peek(bytes);
    this.parts.push(bytes);
    this.#offset += bytes.length;
    return made;
  }

  /** The same without counting it as sent. `change` says something else of its place. */
  peek(
    bytes: Uint8Array,
    change: { readonly n?: number; readonly offset?: number; readonly at?: number } = {},
  ): Committed {
    const { command, side } = this;
    const place = { side, n: this.parts.length, offset: this.#offset, length: bytes.length, at: this.#offset, held: 0 };
    return commit(chunkRecord(command, { ...place, ...change }, recordedBody(bytes)), fillRandom, sha256);
  }

  get whole(): Uint8Array {
    return joined(this.parts);
  }
}

/** A `command.requested` of which only the body matters. */
export const ASKED = { protocol: "http", verb: "write", effect: "allow", policy: "5d".repeat(32), rule: "r" };

/** A message of a socket that `socket` opened. */
export function message(socket: CommandId, body: Uint8Array, command: CommandId = newCommand()): Committed {
  const { length: size } = body;
  const classes = { ...ASKED, protocol: "websocket", verb: "send", oneway: 1, socket, type: "binary", size };
  return withBody("command.requested", command, classes, body);
}
