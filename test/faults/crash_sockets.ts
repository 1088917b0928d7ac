// Callers of the crash campaign who keep a WebSocket open: each sends one message after the other, waits
// for its echo, and remembers what was sent and what came back.

import { randomUUID } from "node:crypto";
import { WebSocket } from "ws";

export interface SocketLoad {
  /** Texts that were handed to a socket, in order. */
  readonly sent: string[];
  /** How often each text came back. */
  readonly received: ReadonlyMap<string, number>;
  /** Resolves once every socket has had an echo. */
  flowing(): Promise<void>;
  /** Opens no more; resolves when all are closed. */
  stop(): Promise<void>;
}

export interface SocketLoadOptions {
  readonly url: string;
  readonly tokens: readonly string[];
  readonly sockets: number;
}

const PAUSE_MS = 20;
/** Characters beside the id: most messages stand in their record, some beside it. */
const LENGTHS: readonly number[] = [0, 100, 5_000, 20_000];

export function startSocketLoad(options: SocketLoadOptions): SocketLoad {
  return new RunningSockets(options);
}

class RunningSockets implements SocketLoad {
  readonly sent: string[] = [];
  readonly received = new Map<string, number>();
  readonly #options: SocketLoadOptions;
  readonly #callers: Promise<void>[];
  readonly #heard = new Set<number>();
  #isStopping = false;
  #open = new Set<WebSocket>();

  constructor(options: SocketLoadOptions) {
    this.#options = options;
    this.#callers = Array.from({ length: options.sockets }, (_, index) => this.#goOn(index));
  }

  async flowing(): Promise<void> {
    while (this.#heard.size < this.#options.sockets) await pause(1);
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    for (const socket of this.#open) socket.terminate();
    await Promise.all(this.#callers);
  }

  async #goOn(index: number): Promise<void> {
    while (!this.#isStopping) {
      await this.#connect(index);
      await pause(PAUSE_MS);
    }
  }

  /** Until the socket closes. */
  #connect(index: number): Promise<void> {
    const { url, tokens } = this.#options;
    const token = tokens[index % tokens.length] ?? "";
    const socket = new WebSocket(`${url.replace("http", "ws")}/c/socket/echo/${randomUUID()}`, {
      headers: { authorization: `Bearer ${token}` },
    });
    this.#open.add(socket);
    const send = (): void => {
      const text = `message ${randomUUID()} ${"-".repeat(LENGTHS[this.sent.length % LENGTHS.length] ?? 0)}`;
      this.sent.push(text);
      socket.send(text);
    };
    socket.on("open", send);
    socket.on("message", (data: Buffer) => {
      const text = data.toString("latin1");
      this.received.set(text, (this.received.get(text) ?? 0) + 1);
      this.#heard.add(index);
      send();
    });
    socket.on("error", () => undefined);
    return new Promise((resolve) => {
      socket.on("close", () => {
        this.#open.delete(socket);
        resolve();
      });
    });
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
