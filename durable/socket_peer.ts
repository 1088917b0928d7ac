// One end of a relayed socket: the caller's or the upstream's. Turns the runtime's events into one story:
// messages, then one end. Knows how far the other side of the network is behind, as far as that can be known.

import { ABNORMAL, type Close, type ClosingFrame, TOO_LARGE } from "../core/protocol/websocket/close.ts";

export interface PeerEvents {
  readonly message: (data: string | ArrayBuffer) => void;
  /** Once. `close` came in a frame, or says that none came; `too_large`: the runtime closed it for a message past its own limit, which nobody has seen. */
  readonly ended: (close: Close | "too_large") => void;
}

/** As later versions of the runtime have it: bytes that were handed to it and have not left it. */
interface Buffering {
  readonly bufferedAmount?: number;
}

/**
 * The runtime's own end of a connection that it gave up: a frame that is none, a message past its limit
 * (32 MiB, developers.cloudflare.com/workers/runtime-apis/websockets). It has told that peer itself.
 */
const GIVEN_UP = /protocolError\.statusCode = (\d{4})/;

const SMALL = 64 * 1024;
/** How long a peer that closed is given to read, or to go. */
const LINGER_MS = 30_000;

export class SocketPeer {
  readonly #socket: WebSocket;
  #isOver = false;
  #isClosed = false;
  #isGone = false;
  #whenGone: (() => void) | null = null;
  /** Bytes handed on since this peer was last heard of. */
  #unanswered = 0;
  /** Bytes that are to be handed on once they are on record. */
  #coming = 0;

  constructor(socket: WebSocket) {
    this.#socket = socket;
  }

  /** Events come from now on. */
  accept(events: PeerEvents): void {
    const socket = this.#socket;
    // Half-open: the frame that answers its closing frame is sent here, once the end is on record.
    socket.accept({ allowHalfOpen: true });
    socket.binaryType = "arraybuffer";
    const ended = (close: Close | "too_large"): void => {
      if (this.#isOver) return;
      this.#isOver = true;
      events.ended(close);
    };
    socket.addEventListener("message", ({ data }: MessageEvent) => {
      this.#unanswered = 0;
      if (!this.#isOver) events.message(data as string | ArrayBuffer);
    });
    socket.addEventListener("close", ({ code, reason }: CloseEvent) => {
      // Whoever answers a closing frame has read what came before it. One that closes by itself may not have,
      // and keeps that waiting for as long as it stays connected.
      if (this.#isClosed || code === ABNORMAL || this.behind <= SMALL) this.#gone();
      else setTimeout(() => this.#gone(), LINGER_MS);
      ended({ code, reason: code === ABNORMAL ? "" : reason });
    });
    // Also comes when a connection ends after its closing frames; then it is over already.
    socket.addEventListener("error", ({ message }: ErrorEvent) => {
      this.#gone();
      const [, code] = GIVEN_UP.exec(message) ?? [];
      ended(Number(code) === TOO_LARGE ? "too_large" : { code: ABNORMAL, reason: "" });
    });
  }

  /** False once it has ended or was closed: what is sent then reaches nobody. */
  get isOpen(): boolean {
    return !this.#isOver && !this.#isClosed;
  }

  /**
   * Bytes that wait for it in this process. Where the runtime does not tell, every byte handed on since it
   * last sent something counts: there is no other sign of a peer that reads.
   */
  get behind(): number {
    return this.#coming + ((this.#socket as Buffering).bufferedAmount ?? this.#unanswered);
  }

  /** They count as waiting for it from here on: what is being recorded is held in memory, too. */
  expect(size: number): void {
    this.#coming += size;
  }

  /** They are on record: handed on now, or not at all. */
  expectNoMore(size: number): void {
    this.#coming -= size;
  }

  #gone(): void {
    if (this.#isGone) return;
    this.#isGone = true;
    this.#whenGone?.();
  }

  /** Called once nothing waits for it any more: a closed connection keeps what its peer has not read until that peer is gone. */
  whenGone(work: () => void): void {
    if (this.#isGone) work();
    else this.#whenGone = work;
  }

  /** False if it is gone. Leaves when everything written until now is durable: the runtime's output gate. */
  send(data: string | ArrayBuffer, size: number): boolean {
    if (!this.isOpen) return false;
    try {
      this.#socket.send(data);
    } catch {
      return false;
    }
    this.#unanswered += size;
    return true;
  }

  close({ code, reason }: ClosingFrame): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    try {
      if (code === null) this.#socket.close();
      else this.#socket.close(code, reason);
    } catch {
      // It is gone, or the runtime has closed it for what it sent.
    }
  }
}
