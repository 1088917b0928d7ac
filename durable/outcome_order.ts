// Whether a command may be completed by what its outcome says: docs/record_format.md §5.2, rules 4, 8
// and 9. Asked before it is written: a verifier would call the whole session altered from there on.

import type { CommandId } from "../core/ids.ts";
import type { Side } from "../core/record/payload.ts";
import type { Classes, Committed, Disclosed } from "../core/record/record.ts";
import type { ChunksAhead } from "./chunk_order.ts";

const SIDES = [
  ["request", "req_bytes", "req_cut"],
  ["response", "resp_bytes", "resp_cut"],
] as const;

/** Throws what the storage throws. */
export function mayComplete(record: Committed, command: CommandId, chunks: ChunksAhead): boolean {
  const classes = JSON.parse(record.classes) as Classes;
  const hasStarted = chunks.hasStarted(command);
  if (classes.folded === 1 && hasStarted) return false;
  if (classes.folded === 0 && (!hasStarted || holdsBody(record))) return false;
  // A request that was recorded when an approval was asked for is not counted here: only a verifier does.
  const sides = SIDES.filter(([side]) => isChunked(chunks.end(command, side).n));
  if (sides.length === 0) return true;
  const digests = digestsIn(record.disclosure);
  return sides.every(([side, bytes, cut]) => {
    if (digests?.[side]?.complete !== true) return true;
    return chunks.end(command, side).offset + Number(classes[cut] ?? 0) === classes[bytes];
  });
}

function isChunked(n: number): boolean {
  return n > 0 && n !== Infinity;
}

type Digests = Readonly<Partial<Record<Side, { readonly complete?: unknown } | null>>>;

function holdsBody({ payload, disclosure }: Committed): boolean {
  return payload !== null || /\["payload(?:\.b64)?","/.test(disclosure);
}

/** Null where nobody could read it. */
function digestsIn(disclosure: string): Digests | null {
  try {
    const found = (JSON.parse(disclosure) as readonly Disclosed[]).find(([name]) => name === "digests");
    return found === undefined ? null : (JSON.parse(found[2]) as Digests | null);
  } catch {
    return null;
  }
}
