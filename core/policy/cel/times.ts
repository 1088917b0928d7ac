// Timestamps and durations: how they are written, and what a timestamp is in a time zone.

import { duration, timestamp } from "./arithmetic.ts";
import { Duration, FAILED, Timestamp } from "./values.ts";

const RFC3339 = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,9}))?(Z|[+-]\d{2}:\d{2})$/;

/** RFC 3339; what is finer than a millisecond is cut off. */
export function parseTimestamp(text: string): unknown {
  const found = RFC3339.exec(text);
  if (found === null) return FAILED;
  const [, year, month, day, hour, minute, second] = found.map(Number);
  const [fraction = "0", zone = "Z"] = [found[7], found[8]];
  const date = new Date(0);
  date.setUTCFullYear(year ?? 0, (month ?? 0) - 1, day ?? 0);
  // February 30th is no day, although Date makes March 2nd of it.
  if (date.getUTCMonth() + 1 !== month || date.getUTCDate() !== day) return FAILED;
  if ((hour ?? 99) > 23 || (minute ?? 99) > 59 || (second ?? 99) > 59) return FAILED;
  const offset = zone === "Z" ? 0 : offsetOf(zone);
  if (offset === null) return FAILED;
  const ms = Math.trunc(Number(`0.${fraction}`) * 1000);
  const inDay = ((hour ?? 0) * 3600 + (minute ?? 0) * 60 + (second ?? 0)) * 1000 + ms;
  return timestamp(date.getTime() + inDay - offset * 60_000);
}

const UNIT_MS: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1000, ms: 1 };

/** `1h30m`, `-1.5s`, `250ms`: as Go writes durations, down to milliseconds. */
export function parseDuration(text: string): unknown {
  if (text === "0") return new Duration(0);
  const found = /^([+-]?)((?:\d{1,12}(?:\.\d{1,9})?(?:h|ms|m|s)){1,8})$/.exec(text);
  if (found === null) return FAILED;
  let ms = 0;
  for (const [, amount = "", unit = ""] of (found[2] ?? "").matchAll(/([\d.]+)(h|ms|m|s)/g))
    ms += Number(amount) * (UNIT_MS[unit] ?? 0);
  const rounded = Math.trunc(Math.round(ms * 1000) / 1000);
  return duration(found[1] === "-" ? -rounded : rounded);
}

/** Minutes east of UTC. */
function offsetOf(zone: string): number | null {
  const found = /^([+-]?)(\d{2}):(\d{2})$/.exec(zone);
  if (found === null) return null;
  const minutes = Number(found[2]) * 60 + Number(found[3]);
  if (minutes > 24 * 60 || Number(found[3]) > 59) return null;
  return found[1] === "-" ? -minutes : minutes;
}

/** What a timestamp's clock shows: a date whose UTC parts are the local ones. */
export type Clock = (ms: number) => Date;

export const UTC: Clock = (ms) => new Date(ms);

/** `Europe/Berlin` or `+02:00`; null if there is no such zone. */
export function clockOf(zone: string): Clock | null {
  const offset = zone === "UTC" ? 0 : offsetOf(zone);
  if (offset !== null) return (ms) => new Date(ms + offset * 60_000);
  if (zone.length > 64) return null;
  let format: Intl.DateTimeFormat;
  try {
    format = new Intl.DateTimeFormat("en-US", {
      timeZone: zone,
      calendar: "gregory",
      numberingSystem: "latn",
      hourCycle: "h23",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
      second: "numeric",
      era: "short",
    });
  } catch {
    return null;
  }
  return (ms) => {
    const parts = new Map<string, string>(format.formatToParts(ms).map(({ type, value }) => [type, value]));
    const part = (type: string): number => Number(parts.get(type));
    const year = parts.get("era") === "BC" ? 1 - part("year") : part("year");
    const date = new Date(0);
    date.setUTCFullYear(year, part("month") - 1, part("day"));
    const second = Math.floor(ms / 1000) * 1000;
    date.setUTCHours(part("hour"), part("minute"), part("second"), ms - second);
    return date;
  };
}

const DAY_MS = 86_400_000;

const OF_TIMESTAMP: Readonly<Record<string, (date: Date) => number>> = {
  getFullYear: (date) => date.getUTCFullYear(),
  getMonth: (date) => date.getUTCMonth(),
  getDate: (date) => date.getUTCDate(),
  getDayOfMonth: (date) => date.getUTCDate() - 1,
  getDayOfWeek: (date) => date.getUTCDay(),
  getDayOfYear: (date) => Math.floor((date.getTime() - new Date(date).setUTCMonth(0, 1)) / DAY_MS),
  getHours: (date) => date.getUTCHours(),
  getMinutes: (date) => date.getUTCMinutes(),
  getSeconds: (date) => date.getUTCSeconds(),
  getMilliseconds: (date) => date.getUTCMilliseconds(),
};

const OF_DURATION: Readonly<Record<string, number>> = { getHours: 3_600_000, getMinutes: 60_000, getSeconds: 1000 };

/**
 * `now.getHours()`: months and days of the month, of the year and of the week count from 0, as CEL
 * says. A duration's hours, minutes and seconds are all of it, its milliseconds those behind the second.
 */
export function partOf(name: string, value: unknown, clock: Clock): unknown {
  if (value instanceof Timestamp) {
    // The most frequent question by far, and it takes no calendar.
    if (name === "getHours" && clock === UTC) return BigInt(((Math.floor(value.ms / 3_600_000) % 24) + 24) % 24);
    const part = OF_TIMESTAMP[name];
    return part === undefined ? FAILED : BigInt(part(clock(value.ms)));
  }
  if (!(value instanceof Duration)) return FAILED;
  if (name === "getMilliseconds") return BigInt(value.ms % 1000);
  const unit = OF_DURATION[name];
  return unit === undefined ? FAILED : BigInt(Math.trunc(value.ms / unit));
}

export const TIME_PARTS: ReadonlySet<string> = new Set(Object.keys(OF_TIMESTAMP));
