// The provider's pages: who are you, and the device flow's three. No script, no foreign resource.

import type { Person } from "./oidc_people.ts";

const STYLE = `
:root{color-scheme:light dark;--line:#8884;--accent:#2f6f4f}
*{box-sizing:border-box}body{font:16px/1.5 system-ui,sans-serif;margin:0;padding:2rem 1rem;display:grid;justify-content:center}
main{width:min(26rem,calc(100vw - 2rem))}h1{font-size:1.4rem;margin:0 0 .25rem}p{margin:.25rem 0 1.25rem}
button,input[type=text]{font:inherit;width:100%;padding:.75rem 1rem;margin:0 0 .6rem;border:1px solid var(--line);border-radius:.5rem;text-align:left;background:none;color:inherit}
button{cursor:pointer}button:hover,button:focus-visible{border-color:var(--accent);outline:2px solid var(--accent);outline-offset:1px}
small{display:block;opacity:.75}code{font-size:1.5em;letter-spacing:.1em}`;

const escape = (text: string): string => text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);

export function page(title: string, body: string): string {
  return `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><title>${escape(title)}</title><style>${STYLE}</style><main><h1>${escape(title)}</h1>${body}</main></html>`;
}

export function loginPage(action: string, client: string, people: readonly Person[]): string {
  const buttons = people
    .map(
      (one) =>
        `<button name="subject" value="${escape(one.subject)}">${escape(one.name)}<small>${escape(one.email)} · ${escape(one.groups.join(", "))}</small></button>`,
    )
    .join("");
  return page(
    "Who are you?",
    `<p>to continue to <b>${escape(client)}</b>. This is a demonstration: no password.</p><form method="post" action="${escape(action)}">${buttons}</form>`,
  );
}

/** `form` is the provider's own, with its CSRF value. */
export function deviceCodePage(form: string, failed: boolean): string {
  return page(
    "Enter the code",
    `<p>${failed ? "That code is not known. Try again." : "It stands on your device."}</p>${form}<button type="submit" form="op.deviceInputForm">Continue</button>`,
  );
}

export function deviceConfirmPage(form: string, client: string, code: string): string {
  return page(
    "Is this your device?",
    `<p><b>${escape(client)}</b> shows this code:</p><p><code>${escape(code)}</code></p>${form}<button type="submit" form="op.deviceConfirmForm">Yes, continue</button><button type="submit" form="op.deviceConfirmForm" name="abort" value="yes">No, stop</button>`,
  );
}

export function donePage(): string {
  return page("Done", "<p>Your device is logged in. You can close this page.</p>");
}

export function errorPage(code: string, description: string): string {
  return page("That did not work", `<p><b>${escape(code)}</b> ${escape(description)}</p>`);
}
