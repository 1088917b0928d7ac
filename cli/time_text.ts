// Times and sizes for a person.

/** ISO 8601 to the millisecond; a time that no date can have as it stands. */
export function timeText(milliseconds: number): string {
  return Math.abs(milliseconds) <= 8.64e15 && Number.isFinite(milliseconds)
    ? new Date(milliseconds).toISOString().replace("T", " ").replace("Z", "")
    : String(milliseconds);
}

/** To the second, for tables. */
export function shortTime(milliseconds: number): string {
  return timeText(milliseconds).replace(/\.\d{3}$/, "");
}

export function bytesText(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  const units = ["KiB", "MiB", "GiB", "TiB", "PiB"];
  let value = bytes / 1024;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${units[unit] ?? ""}`;
}
