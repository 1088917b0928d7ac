// What a person types to narrow a list, as the API takes it. Pure.

import { ok, refuse, type Result } from "../core/result.ts";
import type { CliRefusal } from "./refusal.ts";
import { shown } from "./terminal.ts";

const UNITS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };
const MOST = 10_000;

/** "30m", "2h", "7d" before now; a date or a time of ISO 8601, UTC unless it says otherwise. In milliseconds since 1970. */
export function readTime(text: string, now: number): number | null {
  const [, count = "", unit = ""] = /^(\d{1,6})([smhdw])$/.exec(text) ?? [];
  if (unit !== "") return now - Number(count) * (UNITS[unit] ?? 0);
  const [, date, time = "00:00", zone = "Z"] =
    /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?)(Z|[+-]\d\d:\d\d)?)?$/.exec(text) ?? [];
  if (date === undefined) return null;
  const milliseconds = Date.parse(`${date}T${time}${zone}`);
  return Number.isNaN(milliseconds) ? null : milliseconds;
}

export interface Times {
  readonly since?: string;
  readonly until?: string;
}

export function timeFilters(
  times: Times,
  now: number,
): Result<{ readonly since: string | undefined; readonly until: string | undefined }, CliRefusal> {
  const read = { since: undefined as string | undefined, until: undefined as string | undefined };
  for (const name of ["since", "until"] as const) {
    const text = times[name];
    if (text === undefined) continue;
    const time = readTime(text, now);
    if (time === null)
      return refuse({
        reason: "usage",
        what: `--${name} takes 30m, 2h, 7d, or a time such as 2026-11-24T10:00, not ${shown(text, 40)}.`,
      });
    read[name] = String(time);
  }
  return ok(read);
}

export function readLimit(text: string | undefined, usual: number): Result<number, CliRefusal> {
  if (text === undefined) return ok(usual);
  const limit = /^\d{1,6}$/.test(text) ? Number(text) : 0;
  return limit >= 1 && limit <= MOST
    ? ok(limit)
    : refuse({ reason: "usage", what: `--limit takes a number from 1 to ${MOST}.` });
}
