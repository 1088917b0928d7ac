// The load generator, a process of its own: closed-loop HTTP/1.1 over plain sockets, because a client
// library would cost more than what is measured. Takes jobs from its parent by IPC, one at a time.
//
// Invariant: when a job ends nothing is under way, so every request it counts has its answer.

import { connect, type Socket } from "node:net";
import { BODY, answerTo, requestBytes } from "./exchange.ts";

export interface Job {
  readonly port: number;
  readonly connections: number;
  /** Tokens taken in turn, request by request: one token is one session. */
  readonly tokens: readonly string[];
  readonly warmupMs: number;
  readonly measureMs: number;
}

export interface JobResult {
  /** Right answers of the whole job by token, warm-up included: what the records must account for. */
  readonly answered: readonly number[];
  /** Anything else: another status, another body, a connection that broke. */
  readonly wrong: number;
  /** Text of the first wrong answer. */
  readonly firstWrong: string | null;
  /** Right answers within the measured window. */
  readonly measured: number;
  readonly seconds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

const EXPECTED = answerTo(BODY.length);

class Run {
  readonly #job: Job;
  readonly #requests: readonly Buffer[];
  readonly #answered: number[];
  readonly #latencies: number[] = [];
  readonly #measureFrom: number;
  readonly #end: number;
  #turn = 0;
  #wrong = 0;
  #firstWrong: string | null = null;

  constructor(job: Job) {
    this.#job = job;
    this.#requests = job.tokens.map(requestBytes);
    this.#answered = job.tokens.map(() => 0);
    this.#measureFrom = performance.now() + job.warmupMs;
    this.#end = this.#measureFrom + job.measureMs;
  }

  async result(): Promise<JobResult> {
    await Promise.all(Array.from({ length: this.#job.connections }, () => this.#drive()));
    const sorted = Float64Array.from(this.#latencies).sort();
    const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
    return {
      answered: this.#answered,
      wrong: this.#wrong,
      firstWrong: this.#firstWrong,
      measured: sorted.length,
      seconds: this.#job.measureMs / 1000,
      p50Ms: at(0.5),
      p99Ms: at(0.99),
    };
  }

  /** One connection: a request, its answer, the next request, until the time is up. */
  #drive(): Promise<void> {
    return new Promise((resolve) => {
      const socket = connect({ port: this.#job.port, host: "127.0.0.1", noDelay: true });
      let text = "";
      let token = 0;
      let sent = 0;
      const send = (): void => {
        token = this.#turn++ % this.#requests.length;
        sent = performance.now();
        const request = this.#requests[token];
        if (request !== undefined) socket.write(request);
      };
      socket.on("connect", send);
      socket.on("data", (chunk: Buffer) => {
        text += chunk.toString("latin1");
        const status = readAnswer(text);
        if (status === null) return;
        const now = performance.now();
        this.#count(status === 200 && text.endsWith(EXPECTED), text, token, sent, now);
        text = "";
        if (now < this.#end) send();
        else finish(socket, resolve);
      });
      const broken = (what: string) => (): void => {
        this.#count(false, what, token, sent, performance.now());
        finish(socket, resolve);
      };
      socket.on("error", broken("the connection failed"));
      socket.on("close", broken("the connection was closed"));
    });
  }

  #count(isRight: boolean, text: string, token: number, sent: number, now: number): void {
    if (!isRight) {
      this.#wrong += 1;
      this.#firstWrong ??= text;
      return;
    }
    this.#answered[token] = (this.#answered[token] ?? 0) + 1;
    if (now >= this.#measureFrom && now < this.#end) this.#latencies.push(now - sent);
  }
}

function finish(socket: Socket, resolve: () => void): void {
  socket.removeAllListeners();
  socket.on("error", () => undefined);
  socket.destroy();
  resolve();
}

/** The status of a whole answer, or null as long as something is missing. Answers here have a Content-Length. */
function readAnswer(text: string): number | null {
  const head = text.indexOf("\r\n\r\n");
  if (head < 0) return null;
  const length = /\r\ncontent-length: (\d+)/i.exec(text)?.[1];
  if (length === undefined) return 0;
  return text.length >= head + 4 + Number(length) ? Number(text.slice(9, 12)) : null;
}

process.on("message", (job: Job) => {
  void new Run(job).result().then((result) => process.send?.(result));
});
process.on("disconnect", () => process.exit(0));
