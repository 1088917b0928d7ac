// verify: holds a body's bytes, asked for apart, against the records of its command. The records must have
// been verified themselves: what is shown here is that the bytes are those that they commit to.
//
// Invariant: holds a digest for each record and the bytes of one, 1 MiB at most, whatever it is fed.

import { sha256 as noble } from "@noble/hashes/sha2.js";
import { toHex } from "../bytes.ts";
import { readPayload, type ReadPayload } from "./payload.ts";
import type { HeldRecord } from "./verify_session.ts";

/** One record's bytes: they follow those of the one before, or its log would not have been intact. */
interface Extent {
  readonly seq: number;
  /** Null where it is not shown. */
  readonly bytes: { readonly size: number; readonly sha256: string } | null;
}

export type PayloadVerdict =
  /** `size` bytes are those of the records; `whole`: the body's own digest says so, too. */
  | { readonly kind: "holds"; readonly size: number; readonly whole: boolean }
  /** From this record on, or, where `seq` is null, as a whole. */
  | { readonly kind: "differs"; readonly seq: number | null; readonly detail: string }
  /** A record's payload, or where it ends, is not shown to this reader. */
  | { readonly kind: "not_shown"; readonly seq: number };

/** What the records of one command and side commit to. Take the command's records in order, then the bytes, then ask. */
export class PayloadVerifier {
  readonly #command: string;
  readonly #side: "request" | "response";
  readonly #extents: Extent[] = [];
  readonly #whole = noble.create();
  #wholeDigest: string | null = null;
  #isChanged = false;
  #index = 0;
  #size = 0;
  #held: Uint8Array[] = [];
  #heldSize = 0;
  #verdict: PayloadVerdict | null = null;

  constructor(command: string, side: "request" | "response") {
    this.#command = command;
    this.#side = side;
  }

  /** Records of other commands are passed over. */
  take({ leaf, fields, withheld }: HeldRecord): void {
    if (leaf.command !== this.#command) return;
    const { kind, classes } = leaf;
    if (kind === "command.completed") this.#readDigest(fields.find(({ name }) => name === "digests")?.value ?? "null");
    if (typeof classes[this.#side === "request" ? "req_cut" : "resp_cut"] === "number") this.#isChanged = true;
    const isRequest = kind === "command.requested" || kind === "command.denied" || kind === "approval.requested";
    const isOwn =
      kind === "stream.chunk"
        ? classes.side === this.#side
        : isRequest === (this.#side === "request") &&
          (isRequest || kind === "command.completed" || kind === "outcome.late");
    if (!isOwn) return;
    const payload = readPayload({ fields, withheld });
    if (payload.kind === "none" || (payload.kind === "here" && payload.bytes.length === 0)) return;
    if (fields.some(({ name }) => name === "spans" || name === "raw") || typeof classes.coding === "string")
      this.#isChanged = true;
    this.#extents.push({ seq: leaf.seq, bytes: digestOf(payload) });
  }

  push(bytes: Uint8Array): void {
    this.#whole.update(bytes);
    let rest = bytes;
    while (rest.length > 0 && this.#verdict === null) {
      const extent = this.#extents[this.#index];
      if (extent === undefined) return this.#differs(null, "more bytes than the records have");
      if (extent.bytes === null) return this.#notShown(extent.seq);
      const { size, sha256 } = extent.bytes;
      const some = rest.subarray(0, size - this.#heldSize);
      this.#held.push(some.slice());
      this.#heldSize += some.length;
      rest = rest.subarray(some.length);
      if (this.#heldSize === size) this.#check(extent.seq, size, sha256);
    }
  }

  verdict(): PayloadVerdict {
    if (this.#verdict !== null) return this.#verdict;
    const next = this.#extents[this.#index];
    if (next !== undefined)
      return next.bytes === null
        ? { kind: "not_shown", seq: next.seq }
        : {
            kind: "differs",
            seq: next.seq,
            detail: `the bytes end at ${this.#size + this.#heldSize}, the records go on`,
          };
    const digest = this.#isChanged ? null : this.#wholeDigest;
    if (digest !== null && digest !== toHex(this.#whole.clone().digest()))
      return { kind: "differs", seq: null, detail: "the records' bytes are not those that travelled" };
    return { kind: "holds", size: this.#size, whole: digest !== null };
  }

  #check(seq: number, size: number, sha256: string): void {
    const bytes = new Uint8Array(size);
    let place = 0;
    for (const part of this.#held) {
      bytes.set(part, place);
      place += part.length;
    }
    this.#held = [];
    this.#heldSize = 0;
    if (toHex(noble(bytes)) !== sha256) return this.#differs(seq, "these are not the bytes that the record commits to");
    this.#index += 1;
    this.#size += size;
  }

  #readDigest(text: string): void {
    try {
      const digests = JSON.parse(text) as Record<string, { complete?: unknown; sha256?: unknown } | null> | null;
      const one = digests?.[this.#side];
      if (one?.complete === true && typeof one.sha256 === "string") this.#wholeDigest = one.sha256;
    } catch {
      // Digests of another form say nothing.
    }
  }

  #differs(seq: number | null, detail: string): void {
    this.#verdict ??= { kind: "differs", seq, detail };
  }

  #notShown(seq: number): void {
    this.#verdict ??= { kind: "not_shown", seq };
  }
}

function digestOf(payload: ReadPayload): Extent["bytes"] {
  switch (payload.kind) {
    case "here":
      return { size: payload.bytes.length, sha256: toHex(noble(payload.bytes)) };
    case "beside":
      return payload;
    case "none":
    case "withheld":
    case "wrong":
      return null;
  }
}
