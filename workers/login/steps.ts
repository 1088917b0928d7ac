// What travels from step to step of a login, sealed: from a connection's host to the gateway's, through
// the provider and back, and to the host again. Each is good for one place and a short time.

import { seal, unseal } from "../../core/auth/sealed.ts";
import type { Config } from "../config.ts";
import { LOGIN_SECONDS } from "./login_cookie.ts";

/** A browser came to a connection's host without a login. */
export interface LoginRequest {
  /** The host's origin. */
  readonly tool: string;
  /** Raw path and query that were asked for there. */
  readonly path: string;
  /** Digest of the secret that the browser keeps on that host. */
  readonly browser: string;
}

/** It was sent to the provider; this is OAuth's `state`. */
export interface LoginState extends LoginRequest {
  readonly id: string;
  /** Digest of the secret that the browser keeps on the gateway's host. */
  readonly secret: string;
}

/** The provider said who it is: what is left is to tell the connection's host. */
export interface LoginTicket extends Omit<LoginRequest, "tool"> {
  readonly id: string;
  readonly token: string;
  /** When the token ends, in milliseconds since 1970. */
  readonly until: string;
}

/** What a logged-in browser keeps. */
export interface LoginSession {
  readonly token: string;
}

/** Nobody waits between the ticket's making and its use but the browser's redirect. */
export const TICKET_SECONDS = 60;

interface Step<Claims> {
  readonly purpose: string;
  readonly names: readonly (keyof Claims & string)[];
}

export const REQUEST: Step<LoginRequest> = { purpose: "sallyport-request", names: ["tool", "path", "browser"] };
export const STATE: Step<LoginState> = {
  purpose: "sallyport-state",
  names: ["tool", "path", "browser", "id", "secret"],
};
export const TICKET: Step<LoginTicket> = {
  purpose: "sallyport-ticket",
  names: ["path", "browser", "id", "token", "until"],
};
export const SESSION: Step<LoginSession> = { purpose: "sallyport-session", names: ["token"] };

type Host = NonNullable<Config["hostForm"]>;

/** `audience` is the origin that takes it. */
export function sealStep<Claims extends { readonly [Name in keyof Claims]: string }>(
  { purpose }: Step<Claims>,
  claims: Claims,
  audience: string,
  until: number,
  { key }: Host,
): Promise<string> {
  return seal({ ...claims }, { purpose, audience }, until, key);
}

export async function openStep<Claims extends { readonly [Name in keyof Claims]: string }>(
  { purpose, names }: Step<Claims>,
  text: string | null,
  audience: string,
  now: number,
  { key }: Host,
): Promise<Claims | null> {
  const opened = text === null ? null : await unseal(text, { purpose, audience }, now, key);
  return opened !== null && names.every((name) => typeof opened[name] === "string") ? (opened as Claims) : null;
}

export function loginEnds(now: number): number {
  return now + LOGIN_SECONDS * 1000;
}
