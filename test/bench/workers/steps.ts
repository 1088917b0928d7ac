// The gateway's way of forwarding, put together step by step from nothing: each STEP adds one thing
// to the one before, so that the difference of two is what that thing costs.

import { DurableObject } from "cloudflare:workers";
import { verify, type VerifyEnv } from "./verified.ts";

interface Env extends VerifyEnv {
  readonly SESSION: DurableObjectNamespace<Nothing>;
  readonly STEP: string;
}

/** In the order in which they are added. */
const STEPS = [
  "bare",
  "verify",
  "request_body",
  "response_body",
  "headers",
  "abort",
  "timer",
  "one_call",
  "two_calls",
  "records",
  "grouped",
] as const;
type Step = (typeof STEPS)[number];

interface Position {
  readonly ok: true;
  readonly sid: string;
  readonly seq: number;
  readonly leaf: string;
}

const POSITION: Position = { ok: true, sid: "0190b0c4-0000-7000-8000-000000000000", seq: 1, leaf: "0".repeat(64) };
const RECORD = {
  kind: "command.requested",
  command: "0190b0c4-0000-7000-8000-000000000000",
  part: 0,
  classes: "x".repeat(200),
  root: "0".repeat(64),
  disclosure: "x".repeat(1200),
};

export class Nothing extends DurableObject {
  #waiting: (() => void)[] = [];

  async empty(): Promise<number> {
    return 1;
  }

  async record(_: typeof RECORD): Promise<Position> {
    return POSITION;
  }

  grouped(_: typeof RECORD): Promise<Position> {
    return new Promise((resolve) => {
      this.#waiting.push(() => resolve(POSITION));
      if (this.#waiting.length > 1) return;
      setTimeout(() => {
        const waiting = this.#waiting;
        this.#waiting = [];
        for (const one of waiting) one();
      }, 0);
    });
  }
}

const ids = new Map<string, DurableObjectId>();

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    const last = STEPS.indexOf(env.STEP as Step);
    const has = (step: Step): boolean => STEPS.indexOf(step) <= last;
    const subject = has("verify") ? await verify(request.headers.get("authorization"), env) : "nobody";
    if (subject === null) return new Response(null, { status: 401 });
    const session = has("one_call") ? env.SESSION.get(idOf(subject, env)) : null;
    const call = async (): Promise<unknown> => {
      if (session === null) return null;
      if (has("grouped")) return session.grouped(RECORD);
      return has("records") ? session.record(RECORD) : session.empty();
    };
    await call();
    const response = await forward(request, env, has);
    const answer = has("response_body") ? await response.arrayBuffer() : response.body;
    if (has("two_calls")) await call();
    if (!has("response_body")) return response;
    return new Response(answer, {
      status: response.status,
      headers: has("headers") ? copied(response.headers) : response.headers,
      encodeBody: "manual",
    });
  },
} satisfies ExportedHandler<Env>;

async function forward(request: Request, env: Env, has: (step: Step) => boolean): Promise<Response> {
  const url = env.UPSTREAM + request.url.slice(request.url.indexOf("/", 8));
  if (!has("request_body")) return fetch(url, request);
  const body = await request.arrayBuffer();
  const headers = has("headers") ? copied(request.headers) : request.headers;
  if (!has("abort"))
    return fetch(url, { method: request.method, headers, body, redirect: "manual", encodeResponseBody: "manual" });
  const abort = new AbortController();
  const gone = (): void => abort.abort();
  request.signal.addEventListener("abort", gone);
  const timer = has("timer") ? setTimeout(gone, 10_000) : undefined;
  const response = await fetch(url, {
    method: request.method,
    headers,
    body,
    redirect: "manual",
    encodeResponseBody: "manual",
    signal: abort.signal,
  });
  request.signal.removeEventListener("abort", gone);
  clearTimeout(timer);
  return response;
}

function copied(from: Headers): Headers {
  const headers = new Headers();
  for (const [name, value] of [...from]) headers.append(name, value);
  return headers;
}

function idOf(subject: string, env: Env): DurableObjectId {
  const known = ids.get(subject) ?? env.SESSION.idFromName(subject);
  ids.set(subject, known);
  return known;
}
