// A small browser at the console: logged in, and sending the one form that is there for everybody.

import { expect } from "vitest";
import { type Answer, Visitor } from "./tool_hosts.ts";

/** Somebody's browser, logged in at the console (or at another origin that people log in at). */
export async function loggedInAt(origin: string, subject: string): Promise<Visitor> {
  const visitor = new Visitor();
  expect((await visitor.walk(`${origin}/`, subject)).answer?.status).toBe(200);
  return visitor;
}

/** The hidden field of the form for logging out, which ends nothing before it is sent. */
export async function formTokenOf(visitor: Visitor, console: string, path = "/logout"): Promise<string> {
  const { text } = await visitor.open(console + path);
  return /name="form_token" value="([^"]+)"/.exec(text)?.[1] ?? "";
}

/** As a browser sends a form of the console's own page; `headers` in place of what it says, an empty one is left out. */
export function sendForm(
  visitor: Visitor,
  console: string,
  body: string,
  {
    path = "/logout",
    headers = {},
  }: { readonly path?: string; readonly headers?: Readonly<Record<string, string>> } = {},
): Promise<Answer> {
  const said = {
    origin: console,
    "sec-fetch-site": "same-origin",
    "sec-fetch-mode": "navigate",
    "sec-fetch-dest": "document",
    "content-type": "application/x-www-form-urlencoded",
    ...headers,
  };
  const kept = Object.entries(said).filter(([, value]) => value !== "");
  return visitor.send(console + path, { method: "POST", headers: Object.fromEntries(kept), body });
}
