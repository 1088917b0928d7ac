// A look at the line between the gateway and a real tool: passes every exchange on as it is, and
// remembers what either side said, with sizes and digests of what passed.

import { createHash, type Hash } from "node:crypto";
import {
  createServer,
  request as ask,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
} from "node:http";
import { listen, stopServer } from "./loopback.ts";

export interface Tapped {
  readonly method: string;
  readonly url: string;
  readonly sent: IncomingHttpHeaders;
  readonly request: Side;
  /** 0 as long as there is no answer. */
  status: number;
  received: IncomingHttpHeaders;
  readonly response: Side;
  /** True once the answer has come to its own end. */
  complete: boolean;
  /** True once the one who asked has gone before that. */
  left: boolean;
}

/** A body as far as it has passed. */
export class Side {
  bytes = 0;
  readonly #hash: Hash = createHash("sha256");

  add(chunk: Buffer): void {
    this.bytes += chunk.length;
    this.#hash.update(chunk);
  }

  get sha256(): string {
    return this.#hash.copy().digest("hex");
  }
}

/** An exchange of which only the request's head is known yet. */
export function beginTapped({ method = "", url = "", headers }: IncomingMessage): Tapped {
  return {
    method,
    url,
    sent: headers,
    request: new Side(),
    status: 0,
    received: {},
    response: new Side(),
    complete: false,
    left: false,
  };
}

export interface Tap {
  readonly url: string;
  readonly exchanges: Tapped[];
  stop(): Promise<void>;
}

/** `target` is the origin of the tool. */
export async function startTap(target: string): Promise<Tap> {
  const exchanges: Tapped[] = [];
  const server = createServer((request, response) => pass(target, request, response, exchanges));
  server.keepAliveTimeout = 0;
  const url = await listen(server);
  return { url, exchanges, stop: () => stopServer(server) };
}

function pass(target: string, request: IncomingMessage, response: ServerResponse, exchanges: Tapped[]): void {
  const { method = "", url = "", headers } = request;
  const tapped = beginTapped(request);
  exchanges.push(tapped);
  const { hostname, port, host } = new URL(target);
  const onward = ask({ hostname, port, method, path: url, headers: { ...headers, host }, agent: false }, (answer) => {
    tapped.status = answer.statusCode ?? 0;
    tapped.received = answer.headers;
    response.writeHead(tapped.status, answer.statusMessage ?? "", withoutHops(answer.rawHeaders));
    response.flushHeaders();
    answer.on("data", (chunk: Buffer) => {
      tapped.response.add(chunk);
      if (!response.write(chunk)) answer.pause();
    });
    response.on("drain", () => answer.resume());
    answer.on("end", () => {
      tapped.complete = true;
      response.end();
    });
    answer.on("error", () => response.destroy());
  });
  onward.on("error", () => response.destroy());
  response.on("error", () => undefined);
  response.on("close", () => {
    tapped.left = !tapped.complete;
    onward.destroy();
  });
  request.on("error", () => onward.destroy());
  request.on("data", (chunk: Buffer) => {
    tapped.request.add(chunk);
    if (!onward.write(chunk)) request.pause();
  });
  onward.on("drain", () => request.resume());
  request.on("end", () => onward.end());
}

/** Names and values in turn, without what belongs to one connection. */
function withoutHops(raw: readonly string[]): string[] {
  const kept: string[] = [];
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const [name = "", value = ""] = raw.slice(at, at + 2);
    if (!["connection", "keep-alive", "transfer-encoding"].includes(name.toLowerCase())) kept.push(name, value);
  }
  return kept;
}
