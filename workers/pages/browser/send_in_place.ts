// A decision updates the page that it was made on: the same form is sent, and what comes back is put in its
// place. Whatever goes wrong on the way is told, and nothing is sent a second time.

import { announce } from "./announce.ts";
import { fetchPage, replaceMain } from "./fetch_page.ts";

export function sendFormsInPlace(): void {
  document.addEventListener("submit", (event) => {
    const { target: form, submitter } = event;
    if (!(form instanceof HTMLFormElement) || form.dataset.inPlace === undefined) return;
    event.preventDefault();
    void send(form, submitter);
  });
}

async function send(form: HTMLFormElement, submitter: HTMLElement | null): Promise<void> {
  const fields = new URLSearchParams();
  for (const [name, value] of new FormData(form, submitter)) if (typeof value === "string") fields.append(name, value);
  const page = await fetchPage(form.action, { method: "POST", body: fields });
  if (page === null) return told(form);
  // The way to a login is a page that goes on by itself.
  const onward = /url=(.*)$/.exec(page.querySelector<HTMLMetaElement>("meta[http-equiv=refresh]")?.content ?? "")?.[1];
  if (onward !== undefined) return location.assign(onward);
  replaceMain(page);
  window.scrollTo({ top: 0 });
  const notice = document.querySelector<HTMLElement>("main .notice p, main h1");
  document.querySelector<HTMLElement>("main")?.focus({ preventScroll: true });
  announce(notice?.textContent ?? "");
}

/** Perhaps it was taken, perhaps not: the page as it is now tells. */
function told(form: HTMLFormElement): void {
  const notice = document.createElement("p");
  notice.className = "notice error";
  notice.setAttribute("role", "alert");
  const link = document.createElement("a");
  link.href = location.pathname;
  link.textContent = "Look what became of it";
  notice.append("No answer came. It is not known whether this was taken. ", link);
  form.append(notice);
}
