// A body as it is recorded, whole: from the place where somebody has it up to, and again from where a
// connection broke. What was read before and what comes are one body, because what is complete never
// changes, and its entity tag says that it is the same one.

import { ok, refuse, type Result } from "../../core/result.ts";
import type { Access } from "../access.ts";
import { call } from "../gateway_client.ts";
import type { CliRefusal } from "../refusal.ts";

export interface Download {
  readonly path: string;
  /** A token of now: a login may be renewed meanwhile. */
  access(): Promise<Result<Access, CliRefusal>>;
  /** Awaited: a slow reader slows the download. */
  take(bytes: Uint8Array): Promise<void>;
  /** Bytes that are there, of how many; null where nobody knows yet. */
  progress(done: number, size: number | null): void;
  /** The connection broke; tried again after so many milliseconds. */
  broke(milliseconds: number): void;
}

export interface Begun {
  /** Bytes that are there already, of the body with this entity tag. */
  readonly from: number;
  readonly etag: string | null;
}

/** True if it is whole; false if more of it may come later. */
export type Downloaded = Result<boolean, CliRefusal>;

/** Tries that bring nothing, one after the other, before it is given up. */
const WAITS_MS = [250, 500, 1000, 2000, 5000] as const;

export async function download({ path, access, take, progress, broke }: Download, begun: Begun): Promise<Downloaded> {
  let { from: at, etag } = begun;
  let hasBegun = false;
  for (let tries = 0; ; tries++) {
    const as = await access();
    const got = as.ok ? await call(as.value, { path, headers: rangeFrom(at, etag) }) : as;
    if (got.ok) {
      const answer = got.value;
      if (!continues(answer, at)) return refuse(another());
      hasBegun = true;
      etag = answer.headers.get("etag");
      const stated = answer.headers.get("content-length");
      const size = etag === null || stated === null ? null : at + Number(stated);
      const isEnd = await readInto(answer, async (bytes) => {
        await take(bytes);
        at += bytes.length;
        tries = 0;
        progress(at, size);
      });
      if (isEnd && (size === null || at === size)) return ok(size !== null);
    } else if (got.problem?.status === 416) return ok(false);
    else if (!hasBegun || got.reason !== "unreachable" || got.problem?.status === 404) return got;
    const wait = WAITS_MS[tries];
    if (wait === undefined)
      return refuse({
        reason: "unreachable",
        what: "the connection breaks again and again. Try later; what came is kept.",
      });
    broke(wait);
    await new Promise((resolve) => setTimeout(resolve, wait));
  }
}

function rangeFrom(at: number, etag: string | null): Record<string, string> {
  if (at === 0) return {};
  return { range: `bytes=${at}-`, ...(etag === null ? {} : { "if-range": etag }) };
}

/** The answer begins where the bytes end that are there. */
function continues({ status, headers }: Response, at: number): boolean {
  if (at === 0) return status === 200;
  return status === 206 && new RegExp(`^bytes ${at}-`).test(headers.get("content-range") ?? "");
}

function another(): CliRefusal {
  return { reason: "different", what: "the gateway does not go on with the body that was begun. Begin anew." };
}

async function readInto(response: Response, take: (bytes: Uint8Array) => Promise<void>): Promise<boolean> {
  const reader = (response.body as ReadableStream<Uint8Array> | null)?.getReader();
  if (reader === undefined) return true;
  for (;;) {
    let step;
    try {
      step = await reader.read();
    } catch {
      return false;
    }
    if (step.done) return true;
    await take(step.value);
  }
}
