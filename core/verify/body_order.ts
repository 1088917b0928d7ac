// The order of a command's chunks (docs/record_format.md §5.2, rules 7 to 9): of each side they count from
// 0, and neither what travelled nor what is recorded of it has a gap or is there twice.

import { type ReadPayload, sizeOf } from "./payload.ts";
import type { ReadField, ReadLeaf } from "./read_line.ts";

const SIDES = ["request", "response"] as const;
type Side = (typeof SIDES)[number];

interface SideSoFar {
  chunks: number;
  offset: number;
  /** Null after a chunk whose size is not shown: the next one says where it begins. */
  at: number | null;
  /** No place before this one. */
  least: number;
}

export class BodyOrder {
  readonly #sides: Record<Side, SideSoFar> = { request: nothing(), response: nothing() };

  /** Null if the chunk may stand here, else the rule it breaks. */
  take({ classes, part }: ReadLeaf, payload: ReadPayload): string | null {
    const side = SIDES.find((one) => one === classes.side);
    if (side === undefined) return "a stream.chunk of no side";
    const { offset, length, at } = classes;
    if (!isCount(offset) || !isCount(length) || !isCount(at)) return "a stream.chunk without its place";
    const before = this.#sides[side];
    if (part !== 2 * before.chunks + SIDES.indexOf(side)) return `a stream.chunk of the ${side} out of turn`;
    if (offset !== before.offset)
      return `a stream.chunk of the ${side} at byte ${offset} of what travelled, where ${before.offset} is next`;
    if (before.at === null ? at < before.least : at !== before.at)
      return `a stream.chunk of the ${side} at byte ${at} of what is recorded, where ${before.at ?? before.least} is next`;
    const size = sizeOf(payload);
    before.chunks += 1;
    before.offset += length;
    before.at = size === null ? null : at + size;
    before.least = at + (size ?? 0);
    return null;
  }

  /** What `command.completed` counts must be what the chunks release, and what was not to be recorded. */
  brokenCount({ classes }: ReadLeaf, fields: readonly ReadField[]): string | null {
    const digests = parsed(fields.find(({ name }) => name === "digests")?.value ?? "null");
    for (const [side, bytes, cut] of [
      ["request", classes.req_bytes, classes.req_cut ?? 0],
      ["response", classes.resp_bytes, classes.resp_cut ?? 0],
    ] as const) {
      const { chunks, offset } = this.#sides[side];
      if (chunks === 0 || !isComplete(digests, side)) continue;
      if (!isCount(bytes) || !isCount(cut) || offset + cut !== bytes)
        return `the chunks of the ${side} release ${offset} bytes, its command counts others`;
    }
    return null;
  }
}

function nothing(): SideSoFar {
  return { chunks: 0, offset: 0, at: 0, least: 0 };
}

function isComplete(digests: unknown, side: Side): boolean {
  const one = isObject(digests) ? digests[side] : null;
  return isObject(one) && one.complete === true;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}
