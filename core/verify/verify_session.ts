// verify: reads an export of a session, registry shard or perimeter and says whether it was altered
// and whether it is complete. Independent of the code that writes records: it shares types with it
// and the SHA-256 it is given, nothing else.
//
// Invariant: whatever the input, it ends with a verdict, never an exception of its own; it holds one
// line, the tree's edge and a little for each command.

import { sha256 as nobleSha256 } from "@noble/hashes/sha2.js";
import { toHex } from "../bytes.ts";
import type { Sha256 } from "../record/record.ts";
import { hashOfLeaf, rootOfFields, Tree } from "./hashes.ts";
import { type Line, linesOf } from "./lines.ts";
import { Order } from "./order.ts";
import { type ReadFields, type ReadHead, type ReadLeaf, readLine } from "./read_line.ts";
import type { Completeness, SessionVerdict, Wrong, WrongReason } from "./verdict.ts";

export interface VerifyOptions {
  readonly sha256: Sha256;
  /** A head from elsewhere: what somebody noted earlier. */
  readonly head?: { readonly size: number; readonly root: string } | undefined;
  /** Told of each record that holds, in order; awaited, so that output can push back. */
  readonly onRecord?: (record: HeldRecord) => void | Promise<void>;
}

/** A record that follows those before it, in its place and with its fields. */
export interface HeldRecord extends ReadFields {
  readonly leaf: ReadLeaf;
}

/** A record that does not follow the one before it: what comes next tells which of the two was changed. */
interface Suspect {
  readonly line: number;
  readonly seq: number;
  readonly hash: string;
}

/** `chunks` is the export as it arrives, cut anywhere. Errors of the source pass through. */
export async function verifySession(
  chunks: AsyncIterable<string | Uint8Array>,
  options: VerifyOptions,
): Promise<SessionVerdict> {
  const verifier = new Verifier(options);
  for await (const line of linesOf(chunks)) {
    const record = verifier.take(line);
    if (verifier.first !== null) break;
    if (record !== null) await options.onRecord?.(record);
  }
  return verifier.verdict();
}

/** The same for an export in memory. */
export async function verifyExport(
  text: string | Uint8Array,
  options: Partial<VerifyOptions> = {},
): Promise<SessionVerdict> {
  async function* once(): AsyncGenerator<string | Uint8Array> {
    yield text;
  }
  return verifySession(once(), { sha256: nobleSha256, ...options });
}

const NO_RECORD = "0".repeat(64);

class Verifier {
  readonly #options: VerifyOptions;
  readonly #tree: Tree;
  readonly #order = new Order();
  first: Wrong | null = null;
  #line = 0;
  #size = 0;
  #sid: string | null = null;
  #tip = NO_RECORD;
  #head: ReadHead | null = null;
  #suspect: Suspect | null = null;
  /** Root over as many records as the given head counts. */
  #rootAtGiven: string | null = null;

  constructor(options: VerifyOptions) {
    this.#options = options;
    this.#tree = new Tree(options.sha256);
    if (options.head?.size === 0) this.#rootAtGiven = this.#tree.root();
  }

  take(line: Line): HeldRecord | null {
    this.#line += 1;
    if (this.#suspect !== null) return this.#judge(line, this.#suspect);
    if (line.kind === "too_long") return this.#wrong("line_too_long", "longer than 2 MiB");
    if (line.kind === "cut") return this.#wrong("line_cut", "the last line has no end: the export was cut off");
    if (this.#head !== null) return this.#wrong("after_head", "a line after the head");
    const read = readLine(line.bytes);
    switch (read.kind) {
      case "wrong":
        return this.#wrong(read.reason, read.detail);
      case "head":
        this.#takeHead(read.head);
        return null;
      case "record":
        return this.#takeRecord(read);
    }
  }

  #takeRecord({ leaf, fields, withheld }: HeldRecord): HeldRecord | null {
    const { sha256, head } = this.#options;
    if (this.#sid !== null && leaf.sid !== this.#sid)
      return this.#wrong("other_session", "a record of another session");
    if (leaf.seq !== this.#size)
      return this.#wrong("wrong_seq", `record ${leaf.seq} where ${this.#size} belongs: dropped, doubled or moved`);
    if (leaf.prev !== this.#tip) {
      if (leaf.seq === 0) return this.#wrong("wrong_prev", "the first record names one before it");
      this.#suspect = { line: this.#line, seq: leaf.seq, hash: toHex(hashOfLeaf(leaf.text, sha256)) };
      return null;
    }
    const read: ReadFields = { fields, withheld };
    if (rootOfFields(read, sha256) !== leaf.root)
      return this.#wrong("wrong_root", "the fields are not those that the leaf commits to");
    const broken = this.#order.take(leaf, read);
    if (broken !== null) return this.#wrong("wrong_order", broken);
    const hash = hashOfLeaf(leaf.text, sha256);
    this.#sid = leaf.sid;
    this.#tip = toHex(hash);
    this.#tree.add(hash);
    this.#size += 1;
    if (head?.size === this.#size) this.#rootAtGiven = this.#tree.root();
    return { leaf, fields, withheld };
  }

  /** If what follows the suspect vouches for it, then it names the true predecessor and that one was changed. */
  #judge(line: Line | null, { line: at, seq, hash }: Suspect): null {
    const read = line?.kind === "line" ? readLine(line.bytes) : null;
    const vouched = read?.kind === "record" ? read.leaf.prev : read?.kind === "head" ? read.head.tip : null;
    this.first ??=
      vouched === hash
        ? {
            reason: "wrong_prev",
            line: at - 1,
            seq: seq - 1,
            detail: `record ${seq} follows another record than this one: this one was changed`,
          }
        : {
            reason: "wrong_prev",
            line: at,
            seq,
            detail: `does not follow record ${seq - 1}: its prev was changed, or that record`,
          };
    return null;
  }

  #takeHead(head: ReadHead): void {
    this.#head = head;
    if (this.#size === 0) return;
    if (head.sid !== this.#sid) this.#wrong("wrong_head", "the head names another session");
    else if (head.size < this.#size)
      this.#wrong("wrong_head", `the head counts ${head.size} records, here are ${this.#size}`, head.size);
    else if (head.size > this.#size) return;
    else this.#compareHead(head);
  }

  #compareHead(head: ReadHead): void {
    const isRoot = head.root === this.#tree.root();
    if (head.tip === this.#tip && isRoot) return;
    if (head.tip === this.#tip || isRoot)
      this.#wrong("wrong_head", "the head's root and tip do not belong together: the head was changed");
    else
      this.first ??= {
        reason: "wrong_head",
        line: this.#line - 1,
        seq: this.#size - 1,
        detail: "the head names another last record: this one was changed, or the head",
      };
  }

  #wrong(reason: WrongReason, detail: string, seq: number = this.#size): null {
    this.first ??= { reason, line: Math.max(1, this.#line), seq, detail };
    return null;
  }

  #givenHeadDiffers(): boolean {
    const { head } = this.#options;
    return head !== undefined && this.#rootAtGiven !== null && this.#rootAtGiven !== head.root;
  }

  verdict(): SessionVerdict {
    if (this.first === null && this.#suspect !== null) this.#judge(null, this.#suspect);
    if (this.first === null && this.#size === 0) this.#wrong("no_records", "no record to verify");
    if (this.first === null && this.#givenHeadDiffers()) {
      this.#wrong(
        "wrong_head",
        `the first ${this.#options.head?.size ?? 0} records do not lead to the root you brought: the log was rewritten, or it is another one`,
        0,
      );
    }
    return {
      integrity: this.first === null ? { kind: "intact" } : { kind: "altered", first: this.first },
      completeness: this.#completeness(),
      sid: this.#sid,
      log: this.#order.log,
      records: this.#size,
      root: this.#tree.root(),
      tip: this.#size === 0 ? null : this.#tip,
      closed: this.#order.closed,
      findings: this.#order.findings(),
    };
  }

  #completeness(): Completeness {
    if (this.first !== null) return { kind: "not_shown", reason: "altered" };
    const given = this.#options.head;
    const size = Math.max(this.#head?.size ?? 0, given?.size ?? 0);
    if (size > this.#size) return { kind: "not_shown", reason: "records_missing", seq: this.#size, size };
    const byGiven = given?.size === this.#size;
    if (this.#head === null)
      return byGiven ? { kind: "shown", by: "given_head" } : { kind: "not_shown", reason: "no_head" };
    return { kind: "shown", by: byGiven ? "both" : "head" };
  }
}
