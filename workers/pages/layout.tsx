// The frame of every page of the console: who is logged in, where one can go, and the page itself.
//
// Invariant: what comes from outside stands in a page as text only. Hono's JSX escapes every text and
// attribute; nothing here, or in a page, hands it markup made elsewhere.

import type { Child, JSXNode, PropsWithChildren } from "hono/jsx";
import type { Caller } from "../caller.ts";
import { VisibleLine } from "./visible_text.tsx";
import { ICON_PATH, SCRIPT_PATH, STYLE_PATH } from "./static.ts";

interface Place {
  readonly href: string;
  readonly label: string;
}

/** What the header leads to, in order. */
const PLACES: readonly Place[] = [
  { href: "/", label: "Approvals" },
  { href: "/you", label: "You" },
];

export interface Framed {
  readonly title: string;
  /** Whom the page is for; null if nobody is logged in. */
  readonly caller: Caller | null;
  /** The place in the header that the page belongs to. */
  readonly at?: string;
  /** Where the browser goes on by itself, at once. */
  readonly onward?: string;
}

export function Layout({ title, caller, at, onward, children }: PropsWithChildren<Framed>) {
  return (
    <html lang="en" data-now={String(Date.now())}>
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width,initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        {onward === undefined ? null : <meta http-equiv="refresh" content={`0; url=${onward}`} />}
        <title>{`${title} · Sallyport`}</title>
        <link rel="stylesheet" href={STYLE_PATH} />
        <link rel="icon" type="image/svg+xml" href={ICON_PATH} />
        <script src={SCRIPT_PATH} defer />
      </head>
      <body>
        <a class="skip" href="#main">
          Skip to the page
        </a>
        <header class="top">
          <a class="brand" href="/">
            Sallyport
          </a>
          {caller === null ? null : <Navigation at={at ?? ""} />}
          {caller === null ? null : <LoggedIn caller={caller} />}
        </header>
        <main id="main" tabindex={-1}>
          {children}
        </main>
      </body>
    </html>
  );
}

function Navigation({ at }: { readonly at: string }) {
  return (
    <nav aria-label="Console">
      <ul>
        {PLACES.map(({ href, label }) => (
          <li>
            <a href={href} {...(href === at ? { "aria-current": "page" } : {})}>
              {label}
            </a>
          </li>
        ))}
      </ul>
    </nav>
  );
}

function LoggedIn({ caller }: { readonly caller: Caller }) {
  const roles = rolesText(caller);
  return (
    <div class="who">
      <span>
        <bdi>
          <VisibleLine text={nameOf(caller)} limit={80} />
        </bdi>
        {roles === "" ? null : <span class="dim"> {roles}</span>}
      </span>
      <a href="/logout">Log out</a>
    </div>
  );
}

/** As the issuer calls the person; their subject if it gives no name. */
export function nameOf({ authenticated: { principal } }: Caller): string {
  return principal.name ?? principal.email ?? principal.subject;
}

export function rolesText({ roles }: Caller): string {
  return [...roles].sort().join(", ");
}

/** A time, in UTC; a script makes it the reader's own. */
export function Time({ at }: { readonly at: number }) {
  const text = new Date(at).toISOString();
  return <time datetime={text}>{`${text.slice(0, 16).replace("T", " ")} UTC`}</time>;
}

/** The text of a page, ready to be sent. */
export function renderPage(framed: Framed, content: Child): string {
  const page = (<Layout {...framed}>{content}</Layout>) as unknown as JSXNode;
  const text = page.toString();
  // Only what waits for something is a promise; a page has all it shows.
  if (typeof text !== "string") throw new TypeError("a page that is not ready");
  return `<!doctype html>${text}\n`;
}
