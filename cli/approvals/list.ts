// `sallyport approvals list`.

import { listTime } from "../command_rows.ts";
import type { Io } from "../io.ts";
import { type ListOptions, printList } from "../print_list.ts";
import type { Done } from "../refusal.ts";
import { type Cell, type Column, tableLines } from "../table.ts";
import { shown, type Style } from "../terminal.ts";
import { ListedApproval, type Party } from "./approval.ts";

export interface ApprovalsOptions extends ListOptions {
  readonly view?: string;
  readonly connection?: string;
  readonly state?: string;
}

export function list(options: ApprovalsOptions, io: Io): Promise<Done> {
  const { view, connection, state } = options;
  const filters = { view, connection, state };
  return printList(options, { name: "approvals", item: ListedApproval, filters, lines: approvalLines }, io);
}

const COLUMNS: readonly Column[] = [
  { title: "APPROVAL" },
  { title: "ASKED" },
  { title: "WHO", min: 6, want: 8 },
  { title: "CONNECTION", min: 6, want: 10, drop: 2 },
  { title: "WHAT", min: 12, want: 30 },
  { title: "STATE" },
  { title: "LEFT", align: "right", drop: 1 },
];

function approvalLines(all: readonly ListedApproval[], width: number | null, s: Style): string[] {
  const times = all.map(({ requested }) => ({ time: requested }));
  const now = Date.now();
  const rows = all.map(({ id, requested, requester, connection, title, state, review, expires }): Cell[] => [
    { text: shown(id, 40), style: s.bold },
    { text: listTime(requested, times), style: s.dim },
    { text: shown(who(requester), 60), style: s.cyan },
    { text: shown(connection, 40) },
    { text: shown(title, 200) },
    { text: review === "owed" ? "review owed" : shown(state, 20), style: styleOf(state, review, s) },
    { text: state === "pending" ? leftText(expires - now) : "", style: s.dim },
  ]);
  return tableLines(COLUMNS, rows, width, s);
}

export function who({ name, subject }: Party): string {
  return name === null || name === "" ? subject : name;
}

export function leftText(milliseconds: number): string {
  const minutes = Math.ceil(milliseconds / 60_000);
  if (minutes <= 0) return "over";
  return minutes < 120 ? `${minutes} min` : `${Math.floor(minutes / 60)} h`;
}

export function styleOf(state: string, review: string | null, s: Style): (text: string) => string {
  if (review === "owed") return s.magenta;
  switch (state) {
    case "pending":
      return s.yellow;
    case "approved":
      return s.green;
    case "denied":
    case "revoked":
      return s.red;
    default:
      return s.dim;
  }
}
