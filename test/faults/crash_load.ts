// The callers of the crash campaign: many at once, each doing one thing after the other until the
// gateway is gone, and remembering what they were answered.

import { createHash, type Hash, randomUUID } from "node:crypto";
import { Agent, type ClientRequest, type IncomingMessage, request as ask } from "node:http";

const WAYS = [
  "small",
  "slow",
  "chunked",
  "sized",
  "upload",
  "leave",
  "broken",
  "refused",
  "nowhere",
  "stranger",
  "console",
  "export",
] as const;
/** "endless" is what callers of their own do: a stream that only the kill ends. */
export type Way = (typeof WAYS)[number] | "endless";

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
  /** What came back as text, as far as it is short. */
  text: string;
  bytes: number;
  /** True if the answer came to its own end. */
  ended: boolean;
}

export interface Load {
  readonly attempts: Attempt[];
  /** Resolves once so many calls have ended and every endless stream is flowing. */
  reached(calls: number): Promise<void>;
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
  /** Endless streams beside them. */
  readonly streams: number;
  readonly random: () => number;
}

const PAUSE_MS = 20;
const PIECE = 20_000;

export function startLoad(options: LoadOptions): Load {
  return new RunningLoad(options);
}

class RunningLoad implements Load {
  readonly attempts: Attempt[] = [];
  readonly #options: LoadOptions;
  readonly #agent = new Agent({ keepAlive: true });
  readonly #callers: Promise<void>[];
  #isStopping = false;
  #flowing = 0;
  /** A session of the refused person, once an answer has told of it. */
  #sid: string | null = null;

  constructor(options: LoadOptions) {
    this.#options = options;
    this.#callers = [
      ...Array.from({ length: options.connections }, () => this.#goOn(() => pick(WAYS, options.random))),
      ...Array.from({ length: options.streams }, () => this.#goOn(() => "endless")),
    ];
  }

  async reached(calls: number): Promise<void> {
    while (this.attempts.length < calls || (calls > 0 && this.#flowing < this.#options.streams)) await pause(1);
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    await Promise.all(this.#callers);
    this.#agent.destroy();
  }

  async #goOn(way: () => Way): Promise<void> {
    while (!this.#isStopping) {
      const attempt = await this.#call(way());
      this.attempts.push(attempt);
      if (attempt.way === "endless" && attempt.bytes > 0) this.#flowing -= 1;
      if (attempt.way === "refused" && attempt.ended && attempt.status === 403)
        this.#sid ??= (JSON.parse(attempt.text) as { record?: string }).record?.split("/")[0] ?? null;
      // The gateway is gone; the campaign will say so in a moment.
      if (attempt.status === 0) await pause(PAUSE_MS);
    }
  }

  async #call(way: Way): Promise<Attempt> {
    const { url, allowed, refused, random } = this.#options;
    const id = randomUUID();
    const isRefused = way === "refused" || way === "export";
    const token = isRefused ? refused : way === "stranger" ? "not.a.token" : pick(allowed, random);
    const body = bodyOf(way, random);
    const sent = body === null ? null : createHash("sha256").update(body).digest("hex");
    const attempt: Attempt = { id, way, sent, status: 0, received: "", text: "", bytes: 0, ended: false };
    const request = ask(url + this.#path(way, id), {
      agent: this.#agent,
      method: body === null ? "GET" : "POST",
      headers: {
        authorization: `Bearer ${token}`,
        // Where the target has no place for it.
        "x-attempt": id,
        // Without a length an upload is a stream.
        ...(body !== null && way !== "upload" ? { "content-length": body.length } : {}),
      },
    });
    await new Promise<void>((resolve) => {
      request.on("error", () => resolve());
      request.on("response", (response: IncomingMessage) => void this.#read(response, attempt).then(resolve));
      if (way === "upload" && body !== null) void sendSlowly(request, body);
      else request.end(body ?? undefined);
    });
    return attempt;
  }

  #path(way: Way, id: string): string {
    if (way === "export" && this.#sid !== null) return `/api/v1/sessions/${this.#sid}/records`;
    if (way === "console" || way === "export") return `/api/v1/sessions?limit=1&subject=${id}`;
    return `/c/${way === "nowhere" ? "nowhere" : "tool"}/${way}/${id}`;
  }

  async #read(response: IncomingMessage, attempt: Attempt): Promise<void> {
    attempt.status = response.statusCode ?? 0;
    const hash: Hash = createHash("sha256");
    try {
      for await (const chunk of response as AsyncIterable<Buffer>) {
        if (attempt.way === "endless" && attempt.bytes === 0) this.#flowing += 1;
        hash.update(chunk);
        attempt.bytes += chunk.length;
        if (attempt.text.length < 1_000) attempt.text += chunk.toString("latin1");
        if (attempt.way === "leave") response.destroy();
      }
      attempt.ended = response.complete;
    } catch {
      // Cut: what came until then was released all the same.
    }
    attempt.received = hash.digest("hex");
  }
}

function bodyOf(way: Way, random: () => number): Buffer | null {
  if (way === "small" || way === "slow" || way === "refused") return Buffer.from(`{"n":${random()}}`);
  return way === "upload" ? Buffer.alloc(10 * PIECE, `upload ${words(random)}`) : null;
}

/** Letters only: long numbers can look like those of payment cards, and would be masked. */
function words(random: () => number): string {
  return random()
    .toString(26)
    .replace(/[0-9.]/g, "z");
}

async function sendSlowly(request: ClientRequest, body: Buffer): Promise<void> {
  for (let from = 0; from < body.length && !request.destroyed; from += PIECE) {
    request.write(body.subarray(from, from + PIECE));
    await pause(5);
  }
  request.end();
}

function pick<T>(from: readonly T[], random: () => number): T {
  const one = from[Math.floor(random() * from.length)];
  if (one === undefined) throw new RangeError("nothing to choose from");
  return one;
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
