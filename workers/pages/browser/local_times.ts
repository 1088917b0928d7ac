// Times stand in the page in UTC; here they become the reader's own, with UTC kept in the tooltip.

const SHOWN = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });

export function showLocalTimes(within: ParentNode): void {
  for (const element of within.querySelectorAll<HTMLTimeElement>("time[datetime]")) {
    const time = Date.parse(element.dateTime);
    if (Number.isNaN(time)) continue;
    element.title = element.textContent ?? "";
    element.textContent = SHOWN.format(time);
  }
}
