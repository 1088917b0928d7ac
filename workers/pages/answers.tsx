// What the console answers with: a page in its frame, a refusal told as one, or the way to another page.

import type { Child } from "hono/jsx";
import type { Caller } from "../caller.ts";
import { text } from "../console/answers.ts";
import type { Refusal } from "../console/route.ts";
import type { Page } from "../login/page.ts";
import { problem, type ProblemDocument, type ProblemError, problemOf } from "../problem.ts";
import { FORM_FIELD, formToken } from "./form_token.ts";
import { type Framed, renderPage } from "./layout.tsx";
import type { PageIncoming } from "./page_route.ts";

const HTML = "text/html; charset=utf-8";

export function html(framed: Framed, content: Child, status = 200): Response {
  return text(renderPage(framed, content), HTML, { status });
}

/** A page of a route: for whom is the caller. */
export function pageOf(
  { caller }: PageIncoming,
  framed: Omit<Framed, "caller">,
  content: Child,
  status?: number,
): Response {
  return html({ ...framed, caller }, content, status);
}

/** After a form was taken: `path` is one of the console's. A reload asks for it again, and sends nothing twice. */
export function seeOther({ login }: PageIncoming, path: string): Response {
  return new Response(null, { status: 303, headers: { location: login.own.origin + path, "content-length": "0" } });
}

/** The hidden field without which a form is refused. `action` is the raw path that the form is sent to. */
export function FormToken({ call, action }: { readonly call: PageIncoming; readonly action: string }) {
  return <input type="hidden" name={FORM_FIELD} value={formToken(call.login, action)} />;
}

/** What an answer found out too late to be a refusal of the command: told the same way. */
export function refusalOf(call: PageIncoming, refusal: Refusal): Response {
  const told = problemOf(problem(refusal.reason, null, [], refusal.more));
  if (told === null) throw new TypeError("a problem without its document");
  return problemPage(told, call.caller);
}

/** A refusal as a person sees it: what, why, where it is on record. */
export function problemPage(told: ProblemDocument, caller: Caller | null, more?: Response): Response {
  const { title, status, detail, rule, record, reason, errors = [] } = told;
  const answer = html(
    { title, caller },
    <div class="card narrow">
      <h1>{title}</h1>
      <p>{detail ?? TEXTS[reason] ?? "Nothing was done."}</p>
      {errors.length === 0 ? null : (
        <ul>
          {errors.map((error) => (
            <li>{errorText(error)}</li>
          ))}
        </ul>
      )}
      <p>{caller === null ? <a href="/login">Log in</a> : <a href="/">Approvals</a>}</p>
      <Notes
        notes={[
          ["Rule", rule],
          ["Record", record],
          ["Reason", reason],
        ]}
      />
    </div>,
    status,
  );
  for (const name of ["retry-after", "allow"]) {
    const value = more?.headers.get(name) ?? null;
    if (value !== null) answer.headers.set(name, value);
  }
  return answer;
}

function Notes({ notes }: { readonly notes: readonly (readonly [string, string | undefined])[] }) {
  return (
    <>
      {notes.map(([name, value]) =>
        value === undefined ? null : (
          <>
            <small>
              {name}: {value}
            </small>
            <br />
          </>
        ),
      )}
    </>
  );
}

function errorText({ pointer, parameter, path, expected }: ProblemError): string {
  const where = parameter ?? pointer ?? path ?? "";
  return where === "" ? expected : `${where}: ${expected}`;
}

const TEXTS: Readonly<Partial<Record<ProblemDocument["reason"], string>>> = {
  cross_site: "Another site sent your browser here. Open the page by its address or from a link.",
  form_invalid: "Your login may have changed meanwhile. Open the page again and send the form from there.",
  not_found: "No page of the console has this address.",
  role_needed: "You are logged in, but your roles do not let you see this.",
  session_killed: "An admin ended your session. Log out, then in again, if you may.",
  rate_limited: "You have opened very many pages. Wait a minute.",
  unauthenticated: "Your login is over.",
};

/** Where nobody is logged in, or it does not matter who: a step of a login, mostly one that failed. */
export function plainPage({ status, title, text: words, notes = [], action, headers = [] }: Page): Response {
  const answer = html(
    { title, caller: null },
    <div class="card narrow">
      <h1>{title}</h1>
      <p>{words}</p>
      {action === undefined ? null : <Action {...action} />}
      {notes.map((note) => (
        <small>{note}</small>
      ))}
    </div>,
    status,
  );
  for (const [name, value] of headers) answer.headers.append(name, value);
  return answer;
}

function Action({ label, href, method }: NonNullable<Page["action"]>) {
  if (method === "get")
    return (
      <p>
        <a class="button primary" href={href}>
          {label}
        </a>
      </p>
    );
  return (
    <form method="post" action={href}>
      <p class="actions">
        <button class="primary">{label}</button>
      </p>
    </form>
  );
}

/**
 * To the login, by a page and not by a redirect: `form-action` holds for redirects of forms, too, and the
 * way to the provider leads through one. `path` is one of the console's.
 */
export function onwardPage(title: string, words: string, path: string): Response {
  return html(
    { title, caller: null, onward: path },
    <div class="card narrow">
      <h1>{title}</h1>
      <p>{words}</p>
      <p>
        <a class="button primary" href={path}>
          Log in
        </a>
      </p>
    </div>,
  );
}
