// What travels from step to step of a login, sealed: from a connection's host to the gateway's, through
// the provider and back, and to the host again. Each is good for one place and a short time.

import { seal, unseal } from "../../core/auth/sealed.ts";
import type { BrowserLogin } from "../config.ts";
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

/** A browser was sent from the console to the provider: OAuth's `state` there. */
export interface ConsoleState {
  /** Raw path and query that were asked for. */
  readonly path: string;
  readonly id: string;
  /** Digest of the secret that the browser keeps. */
  readonly secret: string;
  /** `none` where the person was to see nothing of it, else empty. */
  readonly prompt: string;
}

/** What a browser keeps that is logged in at the console. */
export interface ConsoleSession extends LoginSession {
  /** Of the login, through its renewals as the same person: forms are bound to it. */
  readonly login: string;
  /** Digest of the person's issuer and subject. */
  readonly person: string;
}

/** Nobody waits between the ticket's making and its use but the browser's redirect. */
export const TICKET_SECONDS = 60;

export interface Step<Claims> {
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
export const CONSOLE_STATE: Step<ConsoleState> = {
  purpose: "sallyport-console-state",
  names: ["path", "id", "secret", "prompt"],
};
export const CONSOLE_SESSION: Step<ConsoleSession> = {
  purpose: "sallyport-console-session",
  names: ["token", "login", "person"],
};

type Key = Pick<BrowserLogin, "key">;

/** `audience` is the origin that takes it. */
export function sealStep<Claims extends { readonly [Name in keyof Claims]: string }>(
  { purpose }: Step<Claims>,
  claims: Claims,
  audience: string,
  until: number,
  { key }: Key,
): Promise<string> {
  return seal({ ...claims }, { purpose, audience }, until, key);
}

export async function openStep<Claims extends { readonly [Name in keyof Claims]: string }>(
  { purpose, names }: Step<Claims>,
  text: string | null,
  audience: string,
  now: number,
  { key }: Key,
): Promise<Claims | null> {
  const opened = text === null ? null : await unseal(text, { purpose, audience }, now, key);
  return opened !== null && names.every((name) => typeof opened[name] === "string") ? (opened as Claims) : null;
}

export function loginEnds(now: number): number {
  return now + LOGIN_SECONDS * 1000;
}
