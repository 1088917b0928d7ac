// One record as one line for a person: time, kind, who, what, result. Reads fields as text that may
// be anything; a field of another shape is left out, never an error.

import type { ReadField, ReadLeaf } from "../core/verify/read_line.ts";
import { plainOf, shown, type Style } from "./terminal.ts";
import { cutTo, widthOf } from "./table.ts";
import { bytesText, timeText } from "./time_text.ts";

const KIND_WIDTH = 18;
/** Columns below which a line leaves out what the first one said. */
const NARROW = 130;
const LEAST = 16;

export class RecordLines {
  readonly #style: Style;
  readonly #width: number | null;
  #who = "";
  /** Targets of commands under way, so that an answer can name what it answers. Bounded: an export may never end a command. */
  readonly #targets = new Map<string, string>();

  /** `width` is what a line may have; null for no bound. */
  constructor(style: Style, width: number | null = null) {
    this.#style = style;
    this.#width = width;
  }

  line({ leaf, fields }: { readonly leaf: ReadLeaf; readonly fields: readonly ReadField[] }): string {
    const s = this.#style;
    const field = (name: string): string | null => fields.find((one) => one.name === name)?.value ?? null;
    if (leaf.kind === "session.opened") this.#who = who(field("principal")) ?? field("subject") ?? this.#who;
    const target = this.#target(leaf, field("target"));
    // Narrow: the date and who it is stand in the first line alone, as they are the same in all.
    const isNarrow = this.#width !== null && this.#width < NARROW;
    const isFirst = leaf.kind === "session.opened";
    const person = (isNarrow && !isFirst) || this.#who === "" ? "" : s.cyan(shown(this.#who, 40));
    const before = [
      s.dim(String(leaf.seq).padStart(4)),
      s.dim(isNarrow ? timeText(leaf.time).slice(11) : timeText(leaf.time)),
      this.#kind(leaf),
      person,
      field("connection") === null ? "" : shown(field("connection") ?? "", 40),
    ].filter((part) => part !== "");
    const date = isNarrow && isFirst ? `  ${s.dim(timeText(leaf.time).slice(0, 10))}` : "";
    const decider = who(field("decider"));
    const after = results(leaf, decider === null ? "" : ` by ${s.cyan(shown(decider, 40))}`, s) + date;
    const parts = [...before, target === null ? "" : this.#cut(shown(target, 120), [...before, after]), after];
    return parts.filter((part) => part !== "").join("  ");
  }

  /** What is left beside the others, but enough to tell what it was. */
  #cut(target: string, others: readonly string[]): string {
    if (this.#width === null) return target;
    const used = others.reduce((sum, one) => (one === "" ? sum : sum + widthOf(plainOf(one)) + 2), 0);
    return cutTo(target, Math.max(LEAST, this.#width - used));
  }

  #target({ command, kind }: ReadLeaf, own: string | null): string | null {
    if (command === null) return own;
    if ((kind === "command.requested" || kind === "approval.requested") && own !== null) {
      if (this.#targets.size < 10_000) this.#targets.set(command, own.slice(0, 400));
      return own;
    }
    const target = own ?? this.#targets.get(command) ?? null;
    if (kind.startsWith("command.")) this.#targets.delete(command);
    return target;
  }

  #kind({ kind }: ReadLeaf): string {
    const text = kind.padEnd(KIND_WIDTH);
    switch (kind) {
      case "command.denied":
      case "command.failed":
      case "gap":
        return this.#style.red(text);
      case "command.cancelled":
      case "outcome.late":
        return this.#style.yellow(text);
      case "command.completed":
        return this.#style.green(text);
      default:
        return text;
    }
  }
}

/** `by`: who decided, where somebody did. */
function results({ classes }: ReadLeaf, by: string, s: Style): string {
  const {
    status,
    reason,
    rule,
    effect,
    transport,
    req_bytes: sent,
    resp_bytes: received,
    ms,
    count,
    late,
    protocol,
    region,
    side,
    length,
    offset,
    verb,
    type,
    size,
    decision,
    state,
    if_gone: ifGone,
    approval,
    grant,
  } = classes;
  const parts: string[] = [];
  if (verb === "send" || verb === "receive") parts.push(`${verb === "send" ? "→" : "←"} ${String(type)}`);
  if (protocol === "websocket" && typeof size === "number") parts.push(bytesText(size));
  if (typeof length === "number" && typeof offset === "number")
    parts.push(`${side === "request" ? "↑" : "↓"}${bytesText(length)} ${s.dim(`from ${offset} on`)}`);
  if (protocol === "registry" || protocol === "perimeter") parts.push(protocol);
  if (region !== undefined) parts.push(`in ${String(region)}`);
  if (late !== undefined) parts.push(`late ${String(late)}`);
  // Messages have none.
  if (typeof status === "number" && status > 0)
    parts.push(status < 400 ? s.green(String(status)) : s.red(String(status)));
  if (transport !== undefined && transport !== "ok") parts.push(s.red(String(transport)));
  if (reason !== undefined) parts.push(s.yellow(String(reason)));
  if (effect !== undefined) parts.push(rule === undefined ? String(effect) : `${String(effect)} by ${String(rule)}`);
  if (ifGone !== undefined) parts.push(`waits by ${String(rule)}`);
  if (decision !== undefined)
    parts.push(`${String(decision)}${by}${decision === "review" ? "" : `: ${String(state)}`}`);
  if (approval !== undefined) parts.push(s.dim(`${grant === 1 ? "grant" : "approval"} ${String(approval)}`));
  if (typeof sent === "number" && sent > 0) parts.push(`↑${bytesText(sent)}`);
  if (typeof received === "number") parts.push(`↓${bytesText(received)}`);
  if (typeof ms === "number") parts.push(s.dim(`${ms} ms`));
  if (typeof count === "number" && count > 1) parts.push(`×${count}`);
  return parts.join(" ");
}

function who(principal: string | null): string | null {
  if (principal === null) return null;
  try {
    const value: unknown = JSON.parse(principal);
    if (typeof value !== "object" || value === null) return null;
    const { name, email, subject, actors } = value as Record<string, unknown>;
    const first = [name, email, subject].find((one): one is string => typeof one === "string" && one !== "");
    const actor: unknown = Array.isArray(actors) ? actors[0] : undefined;
    const through =
      typeof actor === "object" && actor !== null ? (actor as Record<string, unknown>).subject : undefined;
    return typeof through === "string" ? `${first ?? "?"} through ${through}` : (first ?? null);
  } catch {
    return null;
  }
}
