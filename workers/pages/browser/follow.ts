// The inbox and a form as things change: the server says that something may have, then the page is asked for
// again and what is different in it is put in. Somebody who is writing is not disturbed: they are told.

import { announce } from "./announce.ts";
import { fetchPage, replaceMain } from "./fetch_page.ts";
import { showLocalTimes } from "./local_times.ts";

/** At most so often is a page asked for again. */
const PAUSE_MS = 2_000;

interface Told {
  readonly no: number;
  readonly waiting: number;
  readonly reviews: number;
}

export function followChanges(): void {
  const path = document.querySelector<HTMLElement>("[data-live]")?.dataset.live;
  if (path === undefined) return;
  const events = new EventSource(path);
  let timer: ReturnType<typeof setTimeout> | undefined;
  let last = 0;
  const later = (): void => {
    timer ??= setTimeout(
      () => {
        timer = undefined;
        last = Date.now();
        void refresh();
      },
      Math.max(0, last + PAUSE_MS - Date.now()),
    );
  };
  let before: Told | undefined;
  events.addEventListener("inbox", ({ data }) => {
    const told = JSON.parse(String(data)) as Told;
    if (before !== undefined || !isShown(told)) later();
    if (before !== undefined && told.waiting !== before.waiting) announceWaiting(told);
    before = told;
  });
  // A page that is left keeps no connection, so that it can come back from the browser's memory.
  window.addEventListener("pagehide", () => events.close());
  window.addEventListener("pageshow", ({ persisted }) => {
    if (persisted) location.reload();
  });
}

/** The page was made just before the first event. */
function isShown({ waiting, reviews }: Told): boolean {
  const shown = document.querySelector<HTMLElement>("#inbox")?.dataset.counts;
  return shown === undefined || shown === `${waiting} ${reviews}`;
}

function announceWaiting({ waiting }: Told): void {
  if (document.querySelector("#inbox") === null) return;
  announce(waiting === 1 ? "1 approval waits for you" : `${waiting} approvals wait for you`);
}

async function refresh(): Promise<void> {
  const form = document.querySelector<HTMLElement>("#approval");
  const page = await fetchPage(form?.dataset.now ?? location.href);
  if (page === null) return;
  if (form === null) swapList(page);
  else if (page.querySelector<HTMLElement>("#approval")?.dataset.seen !== form.dataset.seen) showChanged(page, form);
}

function swapList(page: Document): void {
  for (const before of document.querySelectorAll<HTMLElement>("#inbox [data-swap]")) {
    const after = page.querySelector(`#inbox [data-swap="${before.dataset.swap ?? ""}"]`);
    if (after === null || sameBut(before, after)) continue;
    // The link that has the focus keeps it.
    const focused = before.contains(document.activeElement) ? document.activeElement?.getAttribute("href") : null;
    const known = new Set([...before.querySelectorAll("a")].map((link) => link.getAttribute("href")));
    const next = document.importNode(after, true);
    showLocalTimes(next);
    before.replaceWith(next);
    for (const link of next.querySelectorAll<HTMLElement>("li > a")) {
      if (!known.has(link.getAttribute("href"))) link.closest("li")?.classList.add("fresh");
      if (typeof focused === "string" && link.getAttribute("href") === focused) link.focus();
    }
  }
}

/** Apart from how long ago things were. */
function sameBut(a: Element, b: Element): boolean {
  const text = (element: Element): string => {
    const copy = element.cloneNode(true) as Element;
    for (const time of copy.querySelectorAll("time")) time.replaceWith(time.dateTime);
    for (const one of copy.querySelectorAll(".fresh")) one.classList.remove("fresh");
    return copy.innerHTML.replaceAll(' class=""', "");
  };
  return text(a) === text(b);
}

function showChanged(page: Document, form: HTMLElement): void {
  const isWriting =
    form.querySelector(".acts")?.contains(document.activeElement) === true ||
    [...form.querySelectorAll("textarea")].some(({ value }) => value !== "");
  if (!isWriting) {
    replaceMain(page);
    announce("This approval has changed. The page shows it as it is now.");
    return;
  }
  if (document.querySelector(".changed") !== null) return;
  const notice = document.createElement("div");
  notice.className = "notice changed";
  const text = document.createElement("p");
  const link = document.createElement("a");
  link.href = location.pathname;
  link.textContent = "Show it as it is now";
  text.append("This approval has changed while you were writing. ", link);
  notice.append(text);
  form.append(notice);
  announce("This approval has changed while you were writing.");
}
