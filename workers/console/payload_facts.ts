// What the records of a command say of its two bodies, apart from the bytes: whether they were recorded,
// as what, and what was masked in them. docs/record_format.md §5.4.

import { type Leaf, parseLeaf } from "../../core/record/leaf.ts";
import type { Side } from "../../core/record/payload.ts";
import type { Classes, Disclosed, StoredRecord } from "../../core/record/record.ts";
import type { CommandOutline, SideOutline } from "../../durable/command_outline.ts";
import type { PayloadPage } from "../../durable/session_rpc.ts";

/** Masked places that are told one by one. */
const PLACES = 256;

export type PayloadState =
  | "recorded"
  /** There is no such body, or nothing of it yet. */
  | "none"
  /** Bytes passed of which none was to be recorded. */
  | "metadata"
  /** It came in a coding that could not be opened: its commitment is all that is recorded. */
  | "opaque";

export interface MaskedPlace {
  /** Where it begins in the masked body, and how many bytes stand there. */
  readonly at: number;
  readonly put: number;
  /** Bytes that were taken out. */
  readonly length: number;
  readonly rule: string;
}

export interface PayloadFacts {
  readonly state: PayloadState;
  /** As the other side said; null if it said nothing, or nothing that can be said again. */
  readonly type: string | null;
  readonly format: string | null;
  readonly coding: string | null;
  /** Bytes that travelled; null while the command is open. */
  readonly bytes: number | null;
  /** Bytes that passed and are in no record. */
  readonly cut: number;
  readonly chunks: number;
  /** Bytes of the masked body that are recorded. */
  readonly size: number;
  /** No more can come. */
  readonly complete: boolean;
  readonly masked: {
    readonly count: number;
    /** There can be more than were counted. */
    readonly isCut: boolean;
    readonly rules: { readonly rule: string; readonly count: number }[];
    /** The first ones. */
    readonly places: MaskedPlace[];
  };
}

interface Read {
  readonly leaf: Leaf;
  field(name: string): string | null;
}

/** Where the request stands: of a command that waited, in the first of two. */
const BEGINNINGS: readonly string[] = ["approval.requested", "command.requested", "command.denied"];
const OUTCOMES: ReadonlySet<string> = new Set(["command.completed", "command.failed", "command.cancelled"]);
const PREFIX: Readonly<Record<Side, string>> = { request: "req", response: "resp" };

/** `now` is what the object has of the body itself. */
export function payloadFacts({ records, sides }: CommandOutline, side: Side, now: PayloadPage): PayloadFacts {
  const read = records.flatMap(opened);
  const begun = read.find(({ leaf }) => BEGINNINGS.includes(leaf.kind)) ?? null;
  const outcome = read.find((one) => OUTCOMES.has(kindOf(one))) ?? null;
  const holder = side === "request" ? begun : outcome;
  const inline = holder !== null && isHolding(holder, side) ? holder : null;
  const nature = inline?.leaf.classes ?? classesOf(sides[side].first);
  const ended: Classes = outcome?.leaf.classes ?? begun?.leaf.classes ?? {};
  const cut = number(ended[`${PREFIX[side]}_cut`]) ?? number(begun?.leaf.classes[`${PREFIX[side]}_cut`]) ?? 0;
  const bytes = number(ended[`${PREFIX[side]}_bytes`]) ?? (side === "request" ? number(ended.size) : null);
  const format = text(nature?.format);
  // What passed on a socket are messages, each a command of its own.
  const isSocket = read.some(({ leaf }) => leaf.kind === "response.started" && leaf.classes.status === 101);
  return {
    state: isSocket ? "none" : stateOf(format, cut, bytes),
    type: mediaType(read, side),
    format,
    coding: text(nature?.coding),
    bytes,
    cut,
    chunks: sides[side].chunks,
    size: now.size,
    // A body that stands in its command's record is there as a whole, however long the command goes on.
    complete: now.complete || inline !== null,
    masked: maskedIn(inline === null ? sides[side] : { spans: [inline.field("spans") ?? "[]"], isCut: false }),
  };
}

/** What a late outcome would have been. */
function kindOf({ leaf: { kind, classes } }: Read): string {
  return kind === "outcome.late" ? String(classes.late) : kind;
}

/** The outcome speaks of the answer where it is folded into it; else its classes are about the whole command. */
function isHolding({ leaf: { classes } }: Read, side: Side): boolean {
  return classes.format !== undefined && (side === "request" || classes.folded === 1);
}

function stateOf(format: string | null, cut: number, bytes: number | null): PayloadState {
  if (format !== null) return format === "opaque" ? "opaque" : "recorded";
  return cut > 0 || (bytes ?? 0) > 0 ? "metadata" : "none";
}

function opened({ leaf, disclosure }: StoredRecord): Read[] {
  const parsed = parseLeaf(leaf);
  if (!parsed.ok) return [];
  let fields: readonly Disclosed[] | null = null;
  const field = (name: string): string | null => {
    fields ??= JSON.parse(disclosure) as readonly Disclosed[];
    return fields.find(([one]) => one === name)?.[2] ?? null;
  };
  return [{ leaf: parsed.value, field }];
}

function classesOf(leaf: string | null): Classes | null {
  const parsed = leaf === null ? null : parseLeaf(leaf);
  return parsed !== null && parsed.ok ? parsed.value.classes : null;
}

function mediaType(read: readonly Read[], side: Side): string | null {
  const kinds = side === "request" ? BEGINNINGS : ["response.started", "command.completed"];
  for (const one of read) {
    if (!kinds.includes(kindOf(one)) && !(side === "response" && one.leaf.classes.late === "response.started"))
      continue;
    const value = headerOf(one.field("headers"), "content-type");
    // Printable ASCII, for it becomes a header again.
    if (value !== null) return /^[\x21-\x7e](?:[\x20-\x7e]{0,254}[\x21-\x7e])?$/.test(value) ? value : null;
  }
  return null;
}

function headerOf(headers: string | null, wanted: string): string | null {
  if (headers === null) return null;
  try {
    const list = JSON.parse(headers) as readonly (readonly [string, string])[];
    return list.find(([name]) => name.toLowerCase() === wanted)?.[1] ?? null;
  } catch {
    // Cut for its length: then it is not known.
    return null;
  }
}

type Span = { readonly at: number; readonly length: number; readonly put: number; readonly rule: string };

function maskedIn({ spans, isCut }: Pick<SideOutline, "spans" | "isCut">): PayloadFacts["masked"] {
  const rules = new Map<string, number>();
  const places: MaskedPlace[] = [];
  let count = 0;
  // A place moves by what was put and taken out before it.
  let moved = 0;
  for (const list of spans) {
    for (const span of JSON.parse(list) as readonly (Span | { readonly cut: number })[]) {
      if ("cut" in span) {
        count += span.cut;
        // Where the next ones stand is not known any more.
        moved = Number.NaN;
        continue;
      }
      const { at, length, put, rule } = span;
      count += 1;
      rules.set(rule, (rules.get(rule) ?? 0) + 1);
      if (places.length < PLACES && !Number.isNaN(moved)) places.push({ at: at + moved, put, length, rule });
      moved += put - length;
    }
  }
  const byRule = [...rules].map(([rule, times]) => ({ rule, count: times }));
  return { count, isCut, rules: byRule.sort((a, b) => b.count - a.count), places };
}

function number(value: string | number | undefined): number | null {
  return typeof value === "number" ? value : null;
}

function text(value: string | number | undefined): string | null {
  return typeof value === "string" ? value : null;
}
