// HTTP by hand, for what no client library sends: bytes out, bytes back, over a plain socket.

import { connect, createServer, type Server, type Socket } from "node:net";
import { listen } from "./loopback.ts";

export interface RawAnswer {
  readonly status: number;
  /** Everything that came, as Latin-1 text. */
  readonly text: string;
  readonly head: string;
  readonly body: string;
  /** True if the server closed the connection (the wait was not what ended it). */
  readonly closed: boolean;
}

/** Sends bytes as they are and collects what comes until the server closes, `until` is seen, or the time is up. */
export function rawExchange(
  port: number,
  bytes: string | Uint8Array,
  options: { readonly milliseconds?: number; readonly until?: (text: string) => boolean } = {},
): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    let text = "";
    const socket = connect(port, "127.0.0.1");
    const finish = (closed: boolean): void => {
      clearTimeout(timer);
      socket.destroy();
      const end = text.indexOf("\r\n\r\n");
      const head = end < 0 ? text : text.slice(0, end);
      resolve({
        status: Number(/^HTTP\/1\.[01] (\d{3})/.exec(text)?.[1] ?? 0),
        text,
        head,
        body: end < 0 ? "" : text.slice(end + 4),
        closed,
      });
    };
    const timer = setTimeout(() => finish(false), options.milliseconds ?? 10_000);
    socket.setEncoding("latin1");
    socket.on("connect", () => socket.write(typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes));
    socket.on("data", (chunk: string) => {
      text += chunk;
      if (options.until?.(text) === true) finish(false);
    });
    socket.on("error", (error) =>
      text === "" && !("code" in error && error.code === "ECONNRESET")
        ? (clearTimeout(timer), reject(error))
        : finish(true),
    );
    socket.on("close", () => finish(true));
  });
}

/** A request as text: lines joined with CRLF, `Connection: close` so that the answer's end is seen. */
export function rawRequest(line: string, headers: readonly string[], body = ""): string {
  return [line, ...headers, "Connection: close", "", body].join("\r\n");
}

/**
 * Sends a head and then one piece after the other, each once the system has taken the one before:
 * up to `limit` of them, or until the server cuts the connection. Whether an answer arrives is not
 * told: a connection that is reset takes along what its reader has not fetched yet.
 */
export function rawUpload(
  port: number,
  head: string,
  piece: string,
  limit: number,
): Promise<{ readonly sent: number; readonly cut: boolean }> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    let sent = 0;
    const finish = (cut: boolean): void => {
      socket.destroy();
      resolve({ sent, cut });
    };
    const next = (): void => {
      if (sent === limit) return finish(false);
      socket.write(piece, (error) => {
        if (error instanceof Error) return finish(true);
        sent += 1;
        next();
      });
    };
    socket.on("error", () => finish(true)).on("end", () => finish(true));
    socket.resume().write(head);
    next();
  });
}

export interface RawUpstream {
  readonly url: string;
  readonly port: number;
  /** The heads and bodies it received, as Latin-1 text, one a connection. */
  readonly received: string[];
  /** Number of connections that were closed by the other side. */
  closed: number;
  stop(): Promise<void>;
}

/** A server that answers what `answer` writes once a request's head is there, whatever it asks. */
export async function startRawUpstream(answer: (socket: Socket, head: string) => void): Promise<RawUpstream> {
  const sockets = new Set<Socket>();
  const upstream = { url: "", port: 0, received: [] as string[], closed: 0, stop: () => stopAll(server, sockets) };
  const server = createServer((socket) => {
    const at = upstream.received.push("") - 1;
    let answered = false;
    sockets.add(socket);
    socket.setEncoding("latin1");
    socket.on("data", (chunk: string) => {
      upstream.received[at] += chunk;
      if (answered || !upstream.received[at]?.includes("\r\n\r\n")) return;
      answered = true;
      answer(socket, upstream.received[at] ?? "");
    });
    socket.on("error", () => undefined);
    socket.on("close", () => {
      upstream.closed += 1;
      sockets.delete(socket);
    });
  });
  upstream.url = await listen(server);
  upstream.port = Number(new URL(upstream.url).port);
  return upstream;
}

function stopAll(server: Server, sockets: ReadonlySet<Socket>): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    for (const socket of sockets) socket.destroy();
  });
}
