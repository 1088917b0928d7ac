// The callers of the crash campaign: many at once, each doing one thing after the other until the
// gateway is gone, and remembering what they were answered.

import { createHash, randomUUID } from "node:crypto";
import { Agent, type IncomingMessage, request as ask } from "node:http";

export const WAYS = ["small", "slow", "chunked", "sized", "upload", "refused", "stranger", "console"] as const;
export type Way = (typeof WAYS)[number];

/** One call as its caller knows it. */
export interface Attempt {
  readonly id: string;
  readonly way: Way;
  /** SHA-256 in hex of the body that was sent; null if there was none. */
  readonly sent: string | null;
  /** 0 if no head came back. */
  status: number;
  /** SHA-256 in hex of what came back. */
  received: string;
  /** Characters of the answer's text, if it is short. */
  text: string;
  /** True if the answer came to its own end. */
  ended: boolean;
}

export interface Load {
  readonly attempts: Attempt[];
  /** Begins no more calls; resolves when those under way have ended, one way or the other. */
  stop(): Promise<void>;
}

export interface LoadOptions {
  readonly url: string;
  /** Tokens of people who may use the connection. */
  readonly allowed: readonly string[];
  /** Of one who may not. */
  readonly refused: string;
  readonly connections: number;
  readonly random: () => number;
}

export function startLoad(options: LoadOptions): Load {
  const attempts: Attempt[] = [];
  const agent = new Agent({ keepAlive: true });
  let isStopping = false;
  const caller = async (): Promise<void> => {
    while (!isStopping) {
      const attempt = await call(options, agent);
      attempts.push(attempt);
      // Once nobody answers there is nothing more to learn.
      if (attempt.status === 0) return;
    }
  };
  const callers = Array.from({ length: options.connections }, caller);
  return {
    attempts,
    stop: async () => {
      isStopping = true;
      await Promise.all(callers);
      agent.destroy();
    },
  };
}

async function call({ url, allowed, refused, random }: LoadOptions, agent: Agent): Promise<Attempt> {
  const way = pick(WAYS, random);
  const id = randomUUID();
  const token = way === "refused" ? refused : way === "stranger" ? "not.a.token" : pick(allowed, random);
  const path = way === "console" ? `/api/v1/sessions?limit=1&id=${id}` : `/c/tool/${way}/${id}`;
  const body = bodyOf(way, random);
  const attempt: Attempt = {
    id,
    way,
    sent: body === null ? null : createHash("sha256").update(body).digest("hex"),
    status: 0,
    received: "",
    text: "",
    ended: false,
  };
  const request = ask(url + path, {
    agent,
    method: body === null ? "GET" : "POST",
    headers: {
      authorization: `Bearer ${token}`,
      // Without a length an upload is a stream.
      ...(body !== null && way !== "upload" ? { "content-length": body.length } : {}),
    },
  });
  await new Promise<void>((resolve) => {
    request.on("error", () => resolve());
    request.on("response", (response: IncomingMessage) => void read(response, attempt).then(resolve));
    if (way === "upload" && body !== null) {
      request.write(body.subarray(0, body.length / 2));
      setImmediate(() => request.end(body.subarray(body.length / 2)));
    } else request.end(body ?? undefined);
  });
  return attempt;
}

function bodyOf(way: Way, random: () => number): Buffer | null {
  if (way === "small" || way === "slow") return Buffer.from(`{"n":${random()}}`);
  return way === "upload" ? Buffer.alloc(200_000, String(random())) : null;
}

async function read(response: IncomingMessage, attempt: Attempt): Promise<void> {
  attempt.status = response.statusCode ?? 0;
  const hash = createHash("sha256");
  let text = "";
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      hash.update(chunk);
      if (text.length < 10_000) text += chunk.toString("latin1");
    }
    attempt.ended = response.complete;
  } catch {
    // Cut: what came until then was released all the same.
  }
  attempt.received = hash.digest("hex");
  attempt.text = text;
}

function pick<T>(from: readonly T[], random: () => number): T {
  const one = from[Math.floor(random() * from.length)];
  if (one === undefined) throw new RangeError("nothing to choose from");
  return one;
}
