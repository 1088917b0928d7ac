// What a masker has decided of a body and no record tells of yet, and where its recording ends. Hands
// it out in parts of a size that one record takes.

import type { MaskedPiece } from "../../core/mask/span.ts";
import { type Part, splitPiece } from "../../core/mask/split_piece.ts";
import { DETACHED_LIMIT } from "../../core/record/payload.ts";
import type { Extent } from "../../core/policy/decision.ts";
import type { Masker } from "./recording.ts";

/** Masked bytes and spans of one record; more spans than the field `spans` holds would only be counted. */
const PART_LIMIT: number = DETACHED_LIMIT;
const PART_SPANS = 400;

/** What one record holds of a body. */
export interface PayloadPart {
  readonly pieces: readonly Part[];
  /** Plain bytes of the body that are told with it, from the body's start. */
  readonly upto: number;
  readonly hasSpans: boolean;
}

export class MaskedPayload {
  readonly #masker: Masker;
  /** Masked bytes that may still be recorded. */
  #left: number;
  readonly #pieces: MaskedPiece[] = [];
  /** Masked bytes in there. */
  gathered = 0;
  /**
   * Plain bytes that came; that are decided; that parts were handed out for. Of a secret whose end has not
   * come, the bytes so far are decided, and the masker tells of them only with its end.
   */
  plain = 0;
  decided = 0;
  told = 0;
  /** Plain bytes that the masker has told of. */
  #given = 0;

  constructor(masker: Masker, extent: Extent) {
    this.#masker = masker;
    this.#left = bytesOf(extent);
  }

  get format(): Masker["format"] {
    return this.#masker.format;
  }

  /** True once as much was recorded as is to be. */
  get isFull(): boolean {
    return this.#left === 0;
  }

  /** Throws what the masker throws. */
  push(plain: Uint8Array): void {
    this.plain += plain.length;
    this.#gather(this.#masker.push(plain));
  }

  end(): void {
    this.#gather(this.#masker.end());
  }

  #gather(piece: MaskedPiece): void {
    this.decided = piece.upto;
    this.#given += piece.bytes.length;
    for (const { length, put } of piece.spans) this.#given += length - put;
    if (piece.bytes.length === 0 && piece.spans.length === 0) return;
    this.#pieces.push(piece);
    this.gathered += piece.bytes.length;
  }

  takeParts(): PayloadPart[] {
    const parts: PayloadPart[] = [];
    let open = new OpenPart();
    for (const piece of this.#pieces.splice(0)) {
      let rest: Pick<MaskedPiece, "bytes" | "spans" | "upto"> = piece;
      while (rest.bytes.length > 0 && this.#left > 0) {
        const room = Math.min(PART_LIMIT - open.size, this.#left);
        const [part, after] = splitPiece(rest, this.told, room, PART_SPANS - open.spans);
        if (part.bytes.length === 0 && room === this.#left) this.#left = 0;
        else if (part.bytes.length === 0) {
          parts.push(open.close());
          open = new OpenPart();
        } else {
          open.add(part);
          this.#left -= part.bytes.length;
          this.told = part.upto;
          rest = after;
        }
      }
    }
    if (open.size > 0) parts.push(open.close());
    this.gathered = 0;
    if (this.#left > 0) this.told = this.#given;
    return parts;
  }
}

class OpenPart {
  readonly #pieces: Part[] = [];
  size = 0;
  spans = 0;
  #upto = 0;

  add(part: Part): void {
    this.#pieces.push(part);
    this.size += part.bytes.length;
    this.spans += part.spans.length;
    this.#upto = part.upto;
  }

  close(): PayloadPart {
    return { pieces: this.#pieces, upto: this.#upto, hasSpans: this.spans > 0 };
  }
}

function bytesOf(extent: Extent): number {
  if (extent === "full") return Infinity;
  return extent === "metadata" ? 0 : extent.head;
}
