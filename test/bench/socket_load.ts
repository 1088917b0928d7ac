// The load generator for sockets, a process of its own: closed-loop echo over plain TCP, because a
// client library would cost more than what is measured. Takes jobs from its parent by IPC, one at a time.

import { connect } from "node:net";

export interface SocketJob {
  readonly port: number;
  readonly path: string;
  readonly host: string;
  readonly token: string;
  readonly connections: number;
  readonly warmupMs: number;
  readonly measureMs: number;
}

export interface SocketResult {
  /** Round trips of the whole job, warm-up included: each is two messages that the records must have. */
  readonly trips: number;
  readonly wrong: number;
  readonly measured: number;
  readonly seconds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** As large as the body of the other measurements. */
const TEXT = JSON.stringify({ op: "say", to: "everybody", text: "x".repeat(64), id: 12345678 });
const ECHO = Buffer.concat([Buffer.from([0x81, TEXT.length]), Buffer.from(TEXT)]);
/** A mask of zeros leaves the text as it is (RFC 6455 §5.3). */
const SENT = Buffer.concat([Buffer.from([0x81, 0x80 | TEXT.length, 0, 0, 0, 0]), Buffer.from(TEXT)]);
const CLOSE = Buffer.from([0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe8]);

class Run {
  readonly #job: SocketJob;
  readonly #measureFrom: number;
  readonly #end: number;
  readonly #latencies: number[] = [];
  #trips = 0;
  #wrong = 0;

  constructor(job: SocketJob) {
    this.#job = job;
    this.#measureFrom = performance.now() + job.warmupMs;
    this.#end = this.#measureFrom + job.measureMs;
  }

  async result(): Promise<SocketResult> {
    await Promise.all(Array.from({ length: this.#job.connections }, () => this.#drive()));
    const sorted = Float64Array.from(this.#latencies).sort();
    const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
    return {
      trips: this.#trips,
      wrong: this.#wrong,
      measured: sorted.length,
      seconds: this.#job.measureMs / 1000,
      p50Ms: at(0.5),
      p99Ms: at(0.99),
    };
  }

  /** One socket: a message, its echo, the next message, until the time is up. */
  #drive(): Promise<void> {
    const { port, path, host, token } = this.#job;
    return new Promise((resolve) => {
      const socket = connect({ port, host: "127.0.0.1", noDelay: true });
      let received: Buffer = Buffer.alloc(0);
      let isOpen = false;
      let sent = 0;
      const send = (): void => {
        sent = performance.now();
        socket.write(SENT);
      };
      const finish = (isRight: boolean): void => {
        if (!isRight) this.#wrong += 1;
        socket.removeAllListeners();
        socket.on("error", () => undefined);
        socket.end(CLOSE);
        // The outcome is on record before the other side is heard of.
        socket.on("close", () => resolve());
        socket.resume();
      };
      socket.on("connect", () =>
        socket.write(
          `GET ${path} HTTP/1.1\r\nhost: ${host}\r\nauthorization: Bearer ${token}\r\nconnection: upgrade\r\n` +
            "upgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        ),
      );
      socket.on("data", (chunk: Buffer) => {
        received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
        if (!isOpen) {
          const head = received.indexOf("\r\n\r\n");
          if (head < 0) return;
          if (!received.subarray(0, 12).equals(Buffer.from("HTTP/1.1 101"))) return finish(false);
          received = received.subarray(head + 4);
          isOpen = true;
          send();
        }
        if (received.length < ECHO.length) return;
        const now = performance.now();
        if (!received.equals(ECHO)) return finish(false);
        received = Buffer.alloc(0);
        this.#trips += 1;
        if (now >= this.#measureFrom && now < this.#end) this.#latencies.push(now - sent);
        if (now < this.#end) send();
        else finish(true);
      });
      socket.on("error", () => finish(false));
      socket.on("close", () => finish(false));
    });
  }
}

process.on("message", (job: SocketJob) => {
  void new Run(job).result().then((result) => process.send?.(result));
});
process.on("disconnect", () => process.exit(0));
