// How long until then, or since then, as people say it. The server writes it into pages, and the browser
// goes on counting from there.

export function relativeTime(at: number, now: number): string {
  const text = lengthText(Math.abs(at - now));
  if (at > now) return `in ${text}`;
  return now - at < 1000 ? "now" : `${text} ago`;
}

export function lengthText(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 10 && seconds % 60 > 0) return `${minutes} min ${seconds % 60} s`;
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours >= 48) return `${Math.floor(hours / 24)} days`;
  return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
}
