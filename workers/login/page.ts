// The pages that a person sees of the gateway itself: a title, a sentence, one thing to do. No script,
// nothing from elsewhere, never in a frame; readable on a phone, in light and in dark.

import { createHash } from "node:crypto";
import type { ProblemDocument } from "../problem.ts";

export interface Page {
  readonly status: number;
  readonly title: string;
  readonly text: string;
  /** Small, below: what to name to somebody who can help. */
  readonly notes?: readonly string[];
  /** A link, or the button of a form. */
  readonly action?: { readonly label: string; readonly href: string; readonly method: "get" | "post" };
  readonly headers?: readonly (readonly [string, string])[];
}

const STYLE = `:root{color-scheme:light dark;--ink:#1b1f1d;--dim:#57605b;--paper:#f6f7f5;--card:#fff;--line:#d8dcd9;--accent:#1f6b4a}
@media (prefers-color-scheme:dark){:root{--ink:#e8ebe9;--dim:#a3ada7;--paper:#121513;--card:#1b1f1d;--line:#343a37;--accent:#7fd1a6}}
*{box-sizing:border-box}
body{margin:0;min-height:100vh;min-height:100dvh;display:grid;place-items:center;padding:1.25rem;background:var(--paper);color:var(--ink);font:1rem/1.55 system-ui,sans-serif}
main{width:100%;max-width:30rem;background:var(--card);border:1px solid var(--line);border-radius:.75rem;padding:1.5rem 1.5rem 1.75rem;overflow-wrap:anywhere}
h1{font-size:1.25rem;line-height:1.3;margin:0 0 .5rem}
p{margin:0 0 1rem}
small{display:block;color:var(--dim);font-size:.875rem;margin-top:.35rem}
a,button{display:inline-block;font:inherit;font-weight:600;line-height:1.25;min-height:2.75rem;padding:.75rem 1.1rem;border-radius:.5rem;border:1px solid var(--accent);background:none;color:var(--accent);text-decoration:none;cursor:pointer}
a:hover,button:hover{text-decoration:underline}
a:focus-visible,button:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
form{margin:0}
.brand{color:var(--dim);font-size:.875rem;margin:0 0 1rem}`;

const STYLE_HASH = createHash("sha256").update(STYLE).digest("base64");
/** `form-action` for the one form that there is, to the page's own origin. */
const POLICY = `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'`;

export function page({ status, title, text, notes = [], action, headers = [] }: Page): Response {
  const html = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><title>${escaped(title)}</title><style>${STYLE}</style></head>
<body><main><p class="brand">Sallyport</p><h1>${escaped(title)}</h1><p>${escaped(text)}</p>${action === undefined ? "" : actionHtml(action)}${notes.map((note) => `<small>${escaped(note)}</small>`).join("")}</main></body></html>
`;
  const response = new Response(html, {
    status,
    headers: {
      "content-type": "text/html; charset=utf-8",
      "content-security-policy": POLICY,
      "x-frame-options": "DENY",
      ...ALWAYS,
      // Without a referrer browsers send a form's `Origin` as `null`, by which nobody can tell whose it is.
      ...(action?.method === "post" ? { "referrer-policy": "same-origin" } : {}),
    },
  });
  for (const [name, value] of headers) response.headers.append(name, value);
  return response;
}

/** To another step of a login. What stands in the URL is nobody else's business and good for a moment. */
export function redirect(location: string, cookies: readonly string[] = []): Response {
  const response = new Response(null, { status: 303, headers: { location, ...ALWAYS } });
  for (const cookie of cookies) response.headers.append("set-cookie", cookie);
  return response;
}

const ALWAYS = {
  "cache-control": "no-store",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
} as const;

/** A refusal as somebody sees it who looks at it in a browser. */
export function problemPage({ title, status, detail, rule, record, reason }: ProblemDocument, old: Response): Response {
  const kept = [...old.headers].filter(([name]) => name === "retry-after");
  return page({
    status,
    title,
    text: detail ?? TEXTS[reason] ?? "The gateway did not pass this on. Your attempt is recorded.",
    notes: [
      ...(rule === undefined ? [] : [`Rule: ${rule}`]),
      ...(record === undefined ? [] : [`Record: ${record}`]),
      `Reason: ${reason}`,
    ],
    // Another login may be allowed what this one is not.
    ...(reason === "session_killed" || reason === "no_rule" ? { action: LOG_OUT } : {}),
    headers: kept,
  });
}

const LOG_OUT = { label: "Log out", href: "/.sallyport/logout", method: "get" } as const;

const TEXTS: Readonly<Partial<Record<ProblemDocument["reason"], string>>> = {
  no_rule: "You are logged in, but nothing in the policy lets you do this. Ask whoever looks after it.",
  session_killed: "An admin ended your session with this tool. Log out, then in again, if you may.",
  cross_site: "Another site sent your browser here. Open the tool by its address or from a link.",
  upstream_unreachable: "The tool behind the gateway does not answer. Try again in a while.",
  upstream_timeout: "The tool behind the gateway takes too long. Try again in a while.",
};

function actionHtml({ label, href, method }: NonNullable<Page["action"]>): string {
  return method === "get"
    ? `<p><a href="${escaped(href)}">${escaped(label)}</a></p>`
    : `<form method="post" action="${escaped(href)}"><p><button>${escaped(label)}</button></p></form>`;
}

function escaped(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
