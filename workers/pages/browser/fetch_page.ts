// Other pages of the console, fetched and put in the place of this one.

import { showLocalTimes } from "./local_times.ts";

/** Null for what is no page of the console, as where a login is needed first. */
export async function fetchPage(path: string, sent: RequestInit = {}): Promise<Document | null> {
  try {
    const answer = await fetch(path, { ...sent, headers: { accept: "text/html", ...sent.headers } });
    if (answer.headers.get("content-type")?.startsWith("text/html") !== true) return null;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    return page.querySelector("#approval, #inbox") === null && sent.method === undefined ? null : page;
  } catch {
    return null;
  }
}

export function replaceMain(page: Document): void {
  const before = document.querySelector("main");
  const after = page.querySelector("main");
  if (before === null || after === null) return;
  const next = document.importNode(after, true);
  showLocalTimes(next);
  before.replaceWith(next);
  document.title = page.title;
}
