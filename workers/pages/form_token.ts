// What a form of the console carries to show that a page of this login made it, for this very action,
// not long ago. Another person's, another action's or an older one's is refused, wherever it was sent from.

import { createHmac, timingSafeEqual } from "node:crypto";
import type { Config } from "../config.ts";
import type { ConsoleSession } from "../login/steps.ts";

/** A login at the console, as its cookie says it. */
export interface PageLogin {
  readonly own: NonNullable<Config["console"]>;
  readonly session: ConsoleSession;
}

/** The field that carries it. */
export const FORM_FIELD = "form_token";

/** Longer than anybody reads a page; a login that is over ends it before. */
const FORM_SECONDS = 3600;

/** `action` is the raw path that the form is sent to. */
export function formToken(login: PageLogin, action: string, now: number = Date.now()): string {
  const until = Math.floor(now / 1000) + FORM_SECONDS;
  return `${until}.${signed(login, action, until)}`;
}

export function isFormToken(text: string, login: PageLogin, action: string, now: number = Date.now()): boolean {
  const [, until, mac] = /^([1-9]\d{0,11})\.([A-Za-z0-9_-]{43})$/.exec(text) ?? [];
  if (until === undefined || mac === undefined || Number(until) * 1000 <= now) return false;
  return timingSafeEqual(Buffer.from(mac), Buffer.from(signed(login, action, Number(until))));
}

function signed({ own, session }: PageLogin, action: string, until: number): string {
  return createHmac("sha256", own.key)
    .update(`sallyport form\n${JSON.stringify([own.origin, session.login, session.person, action, until])}`)
    .digest("base64url");
}
