// Calls that last as long as a test wants: clients that hear what has come so far, and answers that go
// on only when they are told to.

import { connect, type Socket } from "node:net";
import type { EchoUpstream } from "./echo_upstream.ts";
import { eventually, type TestGateway } from "./gateway.ts";
import { rawRequest } from "./raw_http.ts";

export interface LastingCall {
  readonly socket: Socket;
  /** What has come so far. */
  heard(): string;
  /** Resolves once the text has come. */
  hears(text: string): Promise<string>;
  readonly closed: Promise<unknown>;
}

/** Sends a request and leaves its body's end, and the reading, to the test. `port`: of another Worker than the first. */
export async function lastingCall(
  gateway: TestGateway,
  person: string,
  line: string,
  headers: readonly string[] = [],
  port: number = gateway.port,
): Promise<LastingCall> {
  let heard = "";
  const socket = connect({ port, host: "127.0.0.1" });
  socket.setEncoding("latin1").on("data", (text: string) => (heard += text));
  socket.on("error", () => undefined);
  const closed = new Promise((resolve) => socket.once("close", resolve));
  const authorization = `Authorization: Bearer ${await gateway.token(person)}`;
  socket.write(rawRequest(line, [`Host: 127.0.0.1:${port}`, authorization, ...headers]));
  const hears = (text: string): Promise<string> =>
    eventually(
      async () => heard,
      (all) => all.includes(text),
    );
  return { socket, heard: () => heard, hears, closed };
}

/** An answer that begins and then moves only when it is told to. */
export function endless(upstream: EchoUpstream, path: string): { readonly closed: Promise<unknown>; tick(): void } {
  const closed = Promise.withResolvers<unknown>();
  let tick = (): void => undefined;
  upstream.handlers.set(path, (_, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.once("close", () => closed.resolve(null));
    tick = () => response.write("data: tick\n\n");
    tick();
  });
  return { closed: closed.promise, tick: () => tick() };
}
