// Times stand in the page in UTC; here they become the reader's own, with UTC kept in the tooltip. Those
// that are told as how long until, or since, then go on counting.

import { relativeTime } from "../relative_time.ts";

const SHOWN = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const TICK_MS = 1_000;

export function showLocalTimes(within: ParentNode): void {
  for (const element of within.querySelectorAll<HTMLTimeElement>("time[datetime]")) {
    const time = Date.parse(element.dateTime);
    if (Number.isNaN(time)) continue;
    if (element.dataset.relative !== undefined) {
      element.title = SHOWN.format(time);
      continue;
    }
    element.title = element.textContent ?? "";
    element.textContent = SHOWN.format(time);
  }
}

/** By the server's clock, as it stood when the page was made: the device's own may be wrong. */
export function countOn(within: ParentNode): void {
  const made = Number(document.documentElement.dataset.now);
  const ahead = Number.isFinite(made) && made > 0 ? Date.now() - made : 0;
  setInterval(() => {
    if (document.hidden) return;
    for (const element of within.querySelectorAll<HTMLTimeElement>("time[data-relative]")) {
      const text = relativeTime(Date.parse(element.dateTime), Date.now() - ahead);
      if (element.textContent !== text) element.textContent = text;
    }
  }, TICK_MS);
}
