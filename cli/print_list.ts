// What lists of the API have in common on a terminal: limits, filters of time, pages, and that there is more.

import type * as v from "valibot";
import { ok } from "../core/result.ts";
import { accessOf, type AccessOptions } from "./access.ts";
import { readLimit, timeFilters, type Times } from "./filters.ts";
import type { Io } from "./io.ts";
import { listed } from "./pages.ts";
import { type Done, EXIT } from "./refusal.ts";
import { jsonText, type Style } from "./terminal.ts";

/** Items that a list has if nobody says otherwise. */
export const USUAL = 25;

export interface ListOptions extends AccessOptions, Times {
  readonly limit?: string;
  readonly json?: boolean;
}

export interface PrintedList<Item> {
  /** The route is `/api/v1/<name>`. */
  readonly name: string;
  readonly item: v.GenericSchema<unknown, Item>;
  /** Those without a value are left out. */
  readonly filters: Readonly<Record<string, string | undefined>>;
  readonly lines: (items: readonly Item[], width: number | null, style: Style) => readonly string[];
}

export async function printList<Item>(options: ListOptions, list: PrintedList<Item>, io: Io): Promise<Done> {
  const times = timeFilters(options, Date.now());
  if (!times.ok) return times;
  const limit = readLimit(options.limit, USUAL);
  if (!limit.ok) return limit;
  const access = await accessOf(options, io);
  if (!access.ok) return access;
  const filters = { ...list.filters, ...times.value };
  const got = await listed(access.value, `/api/v1/${list.name}`, filters, list.item, limit.value);
  if (!got.ok) return got;
  const { items, hasMore } = got.value;
  if (options.json === true) await io.print(jsonText(items));
  else if (items.length === 0) io.note(`no ${list.name} found`);
  else for (const line of list.lines(items, io.width, io.style)) await io.print(line);
  if (hasMore && options.json !== true) io.note(io.noteStyle.dim(`there are more: --limit ${limit.value * 4}`));
  return ok(EXIT.ok);
}
