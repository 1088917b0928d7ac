// An approval as whoever decides it is to see it: who asks, what exactly, by which rule, and what stands
// around it. Everything that a caller sent comes from the records, masked; nothing here makes it safe to
// show: that is the business of whoever shows it.

import { type CommandRow } from "../../core/index/command_row.ts";
import { commandRows, sessionFacts } from "../../core/index/command_rows.ts";
import type { CommandId } from "../../core/ids.ts";
import type { Policy } from "../../core/policy/policy.ts";
import type { StoredRecord } from "../../core/record/record.ts";
import type { ApprovalEntry } from "../../durable/approval_rpc.ts";
import { PAYLOAD_PAGE } from "../../durable/session_rpc.ts";
import type { Caller } from "../caller.ts";
import { shownTo } from "../console/shown.ts";
import type { Env } from "../env.ts";
import { seenOf, missingOf } from "./acts.ts";
import { type FoundApproval, hasDecided, isOwn, listApprovals, maySee } from "./find.ts";
import { type Standing, standingOf } from "./standing.ts";

export interface ShownSpan {
  /** Byte offset in the body as it was sent. */
  readonly at: number;
  readonly length: number;
  /** Where it would be in the masked body, in which `put` bytes stand for it. */
  readonly place: number;
  readonly put: number;
  readonly rule: string;
}

export interface ShownBody {
  readonly format: string;
  readonly coding: string | null;
  /** Bytes of the masked body. */
  readonly size: number;
  /** The first PAYLOAD_PAGE of them. */
  readonly bytes: Uint8Array;
  readonly spans: readonly ShownSpan[];
  /** Spans that are only counted, because there are too many. */
  readonly spansCut: number;
}

export interface ApprovalDetail {
  readonly found: FoundApproval;
  readonly standing: Standing;
  readonly isOwn: boolean;
  readonly hasDecided: boolean;
  /** Names what the viewer has seen; to be sent along with a decision. */
  readonly seen: string;
  /** `<sid>/<seq>` of `approval.requested`. */
  readonly record: string | null;
  readonly rule: { readonly id: string; readonly description: string | null; readonly message: string | null };
  /** How many are still to approve, of each group. */
  readonly missing: readonly number[];
  readonly protocol: string;
  /** Of a message of a socket. */
  readonly message: "text" | "binary" | null;
  readonly method: string;
  readonly target: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly reason: string | null;
  readonly client: string | null;
  readonly body: ShownBody | null;
  /** Approvals of the very same command, newest first, as far as the viewer may see them. */
  readonly earlier: readonly ApprovalEntry[];
  /** What the session did before, newest first. */
  readonly before: readonly CommandRow[];
}

const EARLIER = 10;
const BEFORE = 10;
const RECORDS_BEFORE = 100;

export async function detailOf(
  env: Env,
  caller: Caller,
  policy: Policy,
  found: FoundApproval,
): Promise<ApprovalDetail> {
  const { approval, entry, session, sid } = found;
  const [page, earlier] = await Promise.all([
    session.recordsOf(sid, approval.id, 0, 50),
    listApprovals(env, { digest: approval.digest, before: null, limit: EARLIER + 1 }),
  ]);
  const shown = shownTo(caller);
  const records = page.records.map(shown);
  const [asked] = records;
  const fields = asked === undefined ? new Map<string, string>() : fieldsOf(asked);
  const leaf = asked === undefined ? null : leafOf(asked);
  const [method = "", target = ""] = splitOnce(fields.get("target") ?? "", " ");
  const rule = policy.rules.find(({ id }) => id === approval.rule);
  return {
    found,
    standing: standingOf(approval, caller, policy),
    isOwn: isOwn(entry, caller),
    hasDecided: hasDecided(entry, caller),
    seen: seenOf(found),
    record: leaf === null ? null : `${sid}/${leaf.seq}`,
    rule: { id: approval.rule, description: rule?.description ?? null, message: rule?.message ?? null },
    missing: missingOf(found, policy.persons),
    protocol: typeof leaf?.classes.protocol === "string" ? leaf.classes.protocol : "http",
    message: leaf?.classes.type === "text" || leaf?.classes.type === "binary" ? leaf.classes.type : null,
    method,
    target,
    headers: pairsOf(fields.get("headers")),
    reason: fields.get("reason") ?? null,
    client: addressOf(fields.get("client")),
    body: await bodyOf(found, records),
    earlier: earlier.filter((one) => one.id !== approval.id && maySee(one, caller, policy)).slice(0, EARLIER),
    before: leaf === null ? [] : await commandsBefore(found, leaf.seq, approval.id, shown),
  };
}

async function bodyOf(
  { session, sid, approval }: FoundApproval,
  records: readonly StoredRecord[],
): Promise<ShownBody | null> {
  const spans: ShownSpan[] = [];
  /** Bytes by which what was put in place of those before is longer. */
  let shift = 0;
  let spansCut = 0;
  let format: string | null = null;
  let coding: string | null = null;
  for (const record of records) {
    const leaf = leafOf(record);
    if (
      leaf === null ||
      !(leaf.kind === "approval.requested" || (leaf.kind === "stream.chunk" && leaf.classes.side === "request"))
    )
      continue;
    if (typeof leaf.classes.format === "string") format ??= leaf.classes.format;
    if (typeof leaf.classes.coding === "string") coding ??= leaf.classes.coding;
    for (const span of listOf(fieldsOf(record).get("spans"))) {
      if (isSpan(span)) {
        const { at, length, put, rule } = span;
        spans.push({ at, length, put, rule, place: at + shift });
        shift += put - length;
      } else if (hasCut(span)) spansCut += span.cut;
    }
  }
  if (format === null) return null;
  const page = await session.payloadOf(sid, approval.id, "request", 0, PAYLOAD_PAGE);
  const bytes = page?.bytes ?? new Uint8Array(0);
  return { format, coding, size: page?.size ?? 0, bytes, spans, spansCut };
}

async function commandsBefore(
  { session, sid }: FoundApproval,
  seq: number,
  but: CommandId,
  shown: (record: StoredRecord) => StoredRecord,
): Promise<readonly CommandRow[]> {
  const from = Math.max(0, seq - RECORDS_BEFORE);
  const [opening, page] = await Promise.all([session.read(sid, 0, 1), session.read(sid, from, seq - from)]);
  const opened = opening?.records[0];
  const facts = opened === undefined ? null : sessionFacts(opened);
  if (facts === null || page === null) return [];
  const rows = commandRows(facts, page.records.map(shown));
  return rows
    .filter(({ id }) => id !== but)
    .sort((a, b) => b.seq - a.seq)
    .slice(0, BEFORE);
}

interface ShortLeaf {
  readonly kind: string;
  readonly seq: number;
  readonly classes: Readonly<Record<string, unknown>>;
}

function leafOf({ leaf }: StoredRecord): ShortLeaf | null {
  const parsed: unknown = JSON.parse(leaf);
  if (!isObject(parsed) || typeof parsed.kind !== "string" || typeof parsed.seq !== "number") return null;
  return { kind: parsed.kind, seq: parsed.seq, classes: isObject(parsed.class) ? parsed.class : {} };
}

function fieldsOf({ disclosure }: StoredRecord): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  for (const one of listOf(disclosure)) {
    if (!Array.isArray(one)) continue;
    const [name, , value] = one as readonly unknown[];
    if (typeof name === "string" && typeof value === "string") fields.set(name, value);
  }
  return fields;
}

function listOf(text: string | undefined): readonly unknown[] {
  if (text === undefined) return [];
  const parsed: unknown = JSON.parse(text);
  return Array.isArray(parsed) ? parsed : [];
}

function pairsOf(text: string | undefined): readonly (readonly [string, string])[] {
  return listOf(text).flatMap((one) => {
    if (!Array.isArray(one)) return [];
    const [name, value] = one as readonly unknown[];
    return typeof name === "string" && typeof value === "string" ? [[name, value] as const] : [];
  });
}

function addressOf(text: string | undefined): string | null {
  const parsed: unknown = text === undefined ? null : JSON.parse(text);
  return isObject(parsed) && typeof parsed.address === "string" ? parsed.address : null;
}

function isSpan(value: unknown): value is Omit<ShownSpan, "place"> {
  return (
    isObject(value) &&
    typeof value.at === "number" &&
    typeof value.length === "number" &&
    typeof value.put === "number" &&
    typeof value.rule === "string"
  );
}

function hasCut(value: unknown): value is { readonly cut: number } {
  return isObject(value) && typeof value.cut === "number";
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function splitOnce(text: string, by: string): readonly string[] {
  const at = text.indexOf(by);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + by.length)];
}
