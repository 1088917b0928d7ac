// Decisions take a login of the last minutes. A page that leads to one is shown by such a login only, and
// a form that comes by an older one goes back to its page: both over the provider, which mostly asks
// nothing, and without the loss of what was typed.

import { seal, unseal } from "../../core/auth/sealed.ts";
import type { Caller } from "../caller.ts";
import type { Refusal } from "../console/route.ts";
import { hasJustLoggedIn, LOGIN_SECONDS } from "../login/login_cookie.ts";
import type { PageIncoming } from "./page_route.ts";

/** What of a path is kept over a login: it travels, sealed, in the provider's URL, and Cloudflare takes URLs of 16 KB. */
export const PATH_LIMIT = 6_144;
/** A minute is left to read the page in; the decision takes a login of five. */
export const SHOWN_SECONDS = 240;
/** Just under the five, so that a login does not grow too old while its decision is under way. */
const SENT_SECONDS = 290;

/** A provider that gives old tokens is not asked again and again: then the page is shown, and the decision refused. */
export function isOld({ authenticated: { token } }: Caller, request: Request, seconds: number): boolean {
  if (token.issuedAt === null || hasJustLoggedIn(request)) return false;
  return Date.now() / 1000 - token.issuedAt > seconds;
}

/** Where requests go on that were refused for an old login. */
const ways = new WeakMap<Request, string>();

/**
 * For what a form's route prepares: null if its login is fresh enough, else the refusal with which the
 * person is led over the provider to `page`, whose query then has a `draft` that gives the `fields`
 * back. The page needs `draft` in its query's schema.
 */
export async function freshLogin(
  { exchange: { request }, caller, login: { own, session } }: PageIncoming,
  page: string,
  fields: Readonly<Record<string, string>>,
): Promise<Refusal | null> {
  if (!isOld(caller, request, SENT_SECONDS)) return null;
  const until = Date.now() + LOGIN_SECONDS * 1000;
  const claims = { person: session.person, page, fields: JSON.stringify(fields) };
  const draft = await seal(claims, { purpose: PURPOSE, audience: own.origin }, until, own.key);
  const way = `${page}?draft=${draft}`;
  ways.set(request, way.length > PATH_LIMIT ? page : way);
  return { reason: "login_old" };
}

const PURPOSE = "sallyport-draft";

/** Null for a request that was not refused by `freshLogin`. */
export function wayOn(request: Request): string | null {
  return ways.get(request) ?? null;
}

/** The fields that the same person's form for this page had; null for any other text. Nothing is decided by them. */
export async function draftOf(
  { rawPath, login: { own, session } }: PageIncoming,
  text: string | undefined,
): Promise<Readonly<Record<string, string>> | null> {
  if (text === undefined) return null;
  const opened = await unseal(text, { purpose: PURPOSE, audience: own.origin }, Date.now(), own.key);
  if (opened === null || opened.person !== session.person || opened.page !== rawPath) return null;
  return JSON.parse(String(opened.fields)) as Readonly<Record<string, string>>;
}
