// Commands as the API lists them, and as a table.

import * as v from "valibot";
import { type Cell, type Column, tableLines } from "./table.ts";
import { shown, type Style } from "./terminal.ts";
import { timeText } from "./time_text.ts";

const text = v.fallback(v.string(), "");
const optional = v.optional(v.fallback(v.nullable(v.string()), null), null);
const count = v.optional(v.fallback(v.nullable(v.number()), null), null);

export const CommandRow = v.object({
  id: v.string(),
  sid: v.string(),
  seq: count,
  time: v.number(),
  issuer: text,
  subject: text,
  actor: optional,
  connection: text,
  protocol: text,
  method: optional,
  path: optional,
  query: optional,
  rule: optional,
  policy: optional,
  effect: optional,
  outcome: text,
  reason: optional,
  status: count,
  ms: count,
  req_bytes: count,
  resp_bytes: count,
  ended: count,
});
export type CommandRow = v.InferOutput<typeof CommandRow>;

export function outcomeText({ outcome, status, reason }: CommandRow): string {
  if (outcome === "completed") return status === null ? outcome : String(status);
  return reason === null ? outcome : `${outcome}: ${reason}`;
}

export function paintOutcome(row: CommandRow, s: Style): (text: string) => string {
  switch (row.outcome) {
    case "delivered":
      return s.green;
    case "completed":
      return row.status !== null && row.status >= 400 ? s.red : s.green;
    case "open":
    case "waiting":
    case "approved":
      return s.cyan;
    case "cancelled":
      return s.yellow;
    default:
      return s.red;
  }
}

export function requestText({ method, path, query }: CommandRow): string {
  const asked = query === null || query === "" ? (path ?? "") : `${path ?? ""}?${query}`;
  return `${shown(method ?? "", 20)} ${shown(asked, 2000)}`.trim();
}

/** Whose it is: the person, and who acts for them. */
function whoText({ subject, actor }: CommandRow): string {
  return actor === null || actor === "" ? shown(subject, 80) : `${shown(subject, 60)} through ${shown(actor, 60)}`;
}

const COLUMNS: readonly Column[] = [
  { title: "COMMAND" },
  { title: "TIME" },
  { title: "WHO", min: 6, drop: 3 },
  { title: "CONNECTION", min: 8 },
  { title: "REQUEST", min: 12, want: 30 },
  { title: "OUTCOME", min: 5, want: 16 },
  { title: "MS", align: "right", drop: 4 },
  { title: "RULE", min: 8, want: 16, drop: 5 },
];

export function commandLines(rows: readonly CommandRow[], width: number | null, s: Style): string[] {
  const cells = rows.map((row): Cell[] => [
    { text: shown(row.id, 40), style: s.bold },
    { text: listTime(row.time, rows), style: s.dim },
    { text: whoText(row), style: s.cyan },
    { text: shown(row.connection, 40) },
    { text: requestText(row) },
    { text: shown(outcomeText(row), 60), style: paintOutcome(row, s) },
    { text: row.ms === null ? "" : String(row.ms), style: s.dim },
    { text: shown(row.rule ?? "", 80), style: s.dim },
  ]);
  return tableLines(COLUMNS, cells, width, s);
}

/** The date only where the list has more than one: 80 columns are soon full. */
export function listTime(time: number, all: readonly { readonly time: number }[]): string {
  const day = (milliseconds: number): string => timeText(milliseconds).slice(0, 10);
  const isOneDay = all.every((one) => day(one.time) === day(time));
  return isOneDay ? timeText(time).slice(11, 19) : timeText(time).slice(5, 16);
}
