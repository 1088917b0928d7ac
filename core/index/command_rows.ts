// index: from stored records to what the index holds of each command. Pure; reads records that this
// gateway wrote, and still takes nothing in them for granted: what cannot be read becomes null or an
// empty text, never an exception that would keep everything after it out of the index.

import type { CommandId, ConnectionName, SessionId } from "../ids.ts";
import { parseCommandId, parseConnectionName, parseSessionId } from "../ids.ts";
import type { StoredRecord } from "../record/record.ts";
import type { CommandOutcome, CommandRow } from "./command_row.ts";

/** UTF-16 units; what is longer is cut and ends in `CUT`. */
export const PATH_LIMIT = 1024;
export const NAME_LIMIT = 256;
/** In a path it stands for the cut alone: there, what is not ASCII is percent-encoded. */
export const CUT = "…";

/** A row, and the place of the last record that it tells of: of two rows of one command the one that knows more counts. */
export interface IndexedCommand extends CommandRow {
  readonly upto: number;
}

/** What `session.opened` says: who, and on which connection. */
export interface SessionFacts {
  readonly sid: SessionId;
  readonly issuer: string;
  readonly subject: string;
  readonly actor: string | null;
  readonly connection: ConnectionName;
  readonly protocol: string;
}

/** Null if the record does not open a session of a person on a connection. */
export function sessionFacts(opened: StoredRecord): SessionFacts | null {
  const leaf = readLeaf(opened.leaf);
  const fields = readFields(opened.disclosure);
  const connection = parseConnectionName(fields.get("connection") ?? "");
  if (leaf === null || leaf.kind !== "session.opened" || connection === null) return null;
  const principal = parsed(fields.get("principal") ?? "");
  const { issuer, subject, actors } = isObject(principal) ? principal : {};
  // The one that called stands first.
  const nearest: unknown = Array.isArray(actors) ? actors[0] : undefined;
  const actor = isObject(nearest) ? nearest.subject : undefined;
  return {
    sid: leaf.sid,
    issuer: name(issuer) ?? "",
    subject: name(subject) ?? "",
    actor: name(actor),
    connection,
    protocol: name(leaf.classes.protocol) ?? "",
  };
}

/** `records`: those of one command, in their order, from its first on. Null if the first does not begin a command. */
export function commandRow(facts: SessionFacts, records: readonly StoredRecord[]): IndexedCommand | null {
  const [first, ...rest] = records;
  const began = first === undefined ? null : readLeaf(first.leaf);
  if (first === undefined || began === null || began.command === null || !BEGINNINGS.has(began.kind)) return null;
  const { classes, command, seq, time } = began;
  let row: IndexedCommand = {
    id: command,
    sid: facts.sid,
    seq,
    time,
    issuer: facts.issuer,
    subject: facts.subject,
    actor: facts.actor,
    connection: facts.connection,
    protocol: name(classes.protocol) ?? facts.protocol,
    ...targetOf(readFields(first.disclosure).get("target") ?? ""),
    rule: name(classes.rule),
    policy: name(classes.policy),
    effect: began.kind === "approval.requested" ? "needs_approval" : name(classes.effect),
    ...beginning(began),
    upto: seq,
  };
  for (const { leaf: text } of rest) {
    const leaf = readLeaf(text);
    if (leaf === null || leaf.command !== command) continue;
    const change = changeBy(leaf, row);
    // A status that an answer began with stands, though its end does not repeat it.
    row = { ...row, ...change, status: change.status ?? row.status, upto: Math.max(row.upto, leaf.seq) };
  }
  return row;
}

/** A message of a socket is over with its first record, unless another one says that it was not handed on. */
function beginning(began: ReadLeaf): Required<Change> {
  if (began.kind === "approval.requested") return { ...OPEN, outcome: "waiting" };
  if (began.kind === "command.denied") return ended("denied", began);
  if (began.classes.oneway !== 1) return OPEN;
  const size = count(began.classes.size);
  const isSent = began.classes.verb === "send";
  return { ...ended("delivered", began), req_bytes: isSent ? size : 0, resp_bytes: isSent ? 0 : size };
}

/** The rows of a whole session, or of any run of its records that has each command's first one. */
export function commandRows(facts: SessionFacts, records: readonly StoredRecord[]): IndexedCommand[] {
  const commands = new Map<string, StoredRecord[]>();
  for (const record of records) {
    const command = readLeaf(record.leaf)?.command ?? null;
    if (command === null) continue;
    const before = commands.get(command);
    if (before === undefined) commands.set(command, [record]);
    else before.push(record);
  }
  return [...commands.values()].flatMap((own) => commandRow(facts, own) ?? []);
}

const BEGINNINGS: ReadonlySet<string> = new Set(["command.requested", "command.denied", "approval.requested"]);

interface ReadLeaf {
  readonly kind: string;
  readonly command: CommandId | null;
  readonly sid: SessionId;
  readonly seq: number;
  readonly time: number;
  readonly classes: Readonly<Record<string, unknown>>;
}

type Change = Partial<Pick<CommandRow, "outcome" | "reason" | "status" | "ms" | "req_bytes" | "resp_bytes" | "ended">>;

const OPEN = {
  outcome: "open",
  reason: null,
  status: null,
  ms: null,
  req_bytes: null,
  resp_bytes: null,
  ended: null,
} as const;

function changeBy(leaf: ReadLeaf, before: CommandRow): Change {
  const isLate = leaf.kind === "outcome.late";
  switch (isLate ? leaf.classes.late : leaf.kind) {
    case "command.completed":
      return ended("completed", leaf);
    case "command.cancelled":
      return ended("cancelled", leaf);
    case "command.failed":
      return ended(leaf.classes.reason === "outcome_unknown" ? "unknown" : "failed", leaf);
    // It waited, and goes on.
    case "command.requested":
      return before.outcome === "waiting" || before.outcome === "approved" ? beginning(leaf) : {};
    case "approval.decided":
    case "approval.expired":
    case "approval.revoked":
      return before.outcome === "waiting" || before.outcome === "approved" ? decided(leaf) : {};
    case "response.started":
      return isLate ? {} : { status: count(leaf.classes.status) };
    default:
      return {};
  }
}

/** What becomes of a command that has not gone on. What was granted beside it, or reviewed later, is not told of it. */
function decided(leaf: ReadLeaf): Change {
  const { state, reason, decision } = leaf.classes;
  if (leaf.kind === "approval.revoked") return ended("cancelled", leaf);
  if (leaf.kind === "approval.expired") return reason === "grant_over" ? {} : ended("expired", leaf);
  if (decision === "review" || state === "pending") return {};
  return state === "denied" ? { ...ended("denied", leaf), reason: "approval_denied" } : { outcome: "approved" };
}

function ended(outcome: CommandOutcome, { classes, time }: ReadLeaf): Required<Change> {
  return {
    outcome,
    reason: name(classes.reason),
    status: count(classes.status),
    ms: count(classes.ms),
    req_bytes: count(classes.req_bytes),
    resp_bytes: count(classes.resp_bytes),
    ended: time,
  };
}

/** Of `GET /path?query`. */
function targetOf(target: string): Pick<CommandRow, "method" | "path" | "query"> {
  const space = target.indexOf(" ");
  const rest = space < 0 ? "" : target.slice(space + 1);
  const at = rest.indexOf("?");
  return {
    method: bounded(space < 0 ? target : target.slice(0, space), NAME_LIMIT),
    path: bounded(at < 0 ? rest : rest.slice(0, at), PATH_LIMIT),
    query: at < 0 ? null : bounded(rest.slice(at + 1), PATH_LIMIT),
  };
}

/** Reads only what is used here; the record's own form is the verifier's business. */
function readLeaf(text: string): ReadLeaf | null {
  const value = parsed(text);
  if (!isObject(value) || typeof value.kind !== "string") return null;
  const sid = typeof value.sid === "string" ? parseSessionId(value.sid) : null;
  const seq = count(value.seq);
  const time = count(value.time);
  if (sid === null || seq === null || time === null) return null;
  return {
    kind: value.kind,
    command: typeof value.cmd === "string" ? parseCommandId(value.cmd) : null,
    sid,
    seq,
    time,
    classes: isObject(value.class) ? value.class : {},
  };
}

function readFields(disclosure: string): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  const value = parsed(disclosure);
  if (!Array.isArray(value)) return fields;
  for (const one of value as readonly unknown[]) {
    const [field, , text]: readonly unknown[] = Array.isArray(one) ? one : [];
    if (typeof field === "string" && typeof text === "string") fields.set(field, text);
  }
  return fields;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function name(value: unknown): string | null {
  return typeof value === "string" ? bounded(value, NAME_LIMIT) : null;
}

function count(value: unknown): number | null {
  return typeof value === "number" && Number.isSafeInteger(value) ? value : null;
}

/** A NUL would end the text for some readers of SQLite, and a cut may halve a character. */
function bounded(text: string, limit: number): string {
  const cut = text.length <= limit ? text : `${text.slice(0, limit - 1)}${CUT}`;
  return cut.toWellFormed().replaceAll("\0", "\uFFFD");
}
