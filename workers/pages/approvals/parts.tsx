// Small parts that the pages about approvals share: a state, a person, a time, a command's name.

import type { Party } from "../../../core/approval/approval.ts";
import { relativeTime } from "../relative_time.ts";
import { VisibleLine } from "../visible_text.tsx";
import { STATES, type StateKind } from "./words.ts";

export function StateBadge({ state }: { readonly state: StateKind }) {
  const { word, tone, sign } = STATES[state];
  return (
    <span class={`badge ${tone}`}>
      <span aria-hidden="true">{sign} </span>
      {word}
    </span>
  );
}

/** Until then, or since then; a script counts on. */
export function When({ at, now }: { readonly at: number; readonly now: number }) {
  const text = new Date(at).toISOString();
  return (
    <time datetime={text} data-relative="yes" title={`${text.slice(0, 19).replace("T", " ")} UTC`}>
      {relativeTime(at, now)}
    </time>
  );
}

/** As the issuer calls them, else by their subject. */
export function Name({ person: { name, email, subject } }: { readonly person: Party }) {
  return (
    <bdi>
      <VisibleLine text={name ?? email ?? subject} limit={200} />
    </bdi>
  );
}

/** `DELETE /v1/pods/web-1` */
export function CommandName({ method, target }: { readonly method: string; readonly target: string }) {
  return (
    <span class="command">
      <span class={isSafe(method) ? "method" : "method changes"}>
        <VisibleLine text={method} limit={40} />
      </span>{" "}
      <span class="target">
        <VisibleLine text={target} />
      </span>
    </span>
  );
}

/** RFC 9110 §9.2.1: what is only read. */
function isSafe(method: string): boolean {
  return method === "GET" || method === "HEAD" || method === "OPTIONS";
}

/** A title of the registry's, as askRecord wrote it. */
export function splitTitle(title: string): { readonly method: string; readonly target: string } {
  const at = title.indexOf(" ");
  return at < 0 ? { method: title, target: "" } : { method: title.slice(0, at), target: title.slice(at + 1) };
}

/** Beside a button's words, so that colour is not all that tells them apart. */
export function Sign({ d }: { readonly d: string }) {
  return (
    <svg class="sign" viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      <path d={d} fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round" />
    </svg>
  );
}
