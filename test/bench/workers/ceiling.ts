// A pass-through that verifies the token and calls the caller's object before and after, which
// stores nothing: what this design costs at least, whatever the records cost.

import { DurableObject } from "cloudflare:workers";
import { verify, type VerifyEnv } from "./verified.ts";

interface Env extends VerifyEnv {
  readonly SESSION: DurableObjectNamespace<Nothing>;
  /** Characters of text that each call carries: 0, or about as many as a record has. */
  readonly PAYLOAD: string;
  /** How many of the two calls are made. */
  readonly CALLS: string;
}

export class Nothing extends DurableObject {
  async begin(record: string): Promise<number> {
    return record.length;
  }

  async proceed(record: string): Promise<number> {
    return record.length;
  }
}

const ids = new Map<string, DurableObjectId>();
let payload: string | null = null;

function idOf(subject: string, env: Env): DurableObjectId {
  const known = ids.get(subject);
  if (known !== undefined) return known;
  const id = env.SESSION.idFromName(subject);
  ids.set(subject, id);
  return id;
}

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    const subject = await verify(request.headers.get("authorization"), env);
    if (subject === null) return new Response(null, { status: 401 });
    payload ??= "x".repeat(Number(env.PAYLOAD));
    const session = env.SESSION.get(idOf(subject, env));
    await session.begin(payload);
    const response = await fetch(env.UPSTREAM + request.url.slice(request.url.indexOf("/", 8)), request);
    if (env.CALLS === "2") await session.proceed(payload);
    return response;
  },
} satisfies ExportedHandler<Env>;
