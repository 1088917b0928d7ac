// An upstream for tests: an ordinary Node server whose answers a test sets by path, and which
// remembers what it was asked.

import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { listen, stopServer } from "./loopback.ts";

export interface Received {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
}

export type Handler = (request: IncomingMessage, response: ServerResponse, body: Buffer) => void;

export interface EchoUpstream {
  readonly url: string;
  readonly port: number;
  readonly received: Received[];
  /** What answers a path (without query); anything else gets 200 and what was received, as JSON. */
  readonly handlers: Map<string, Handler>;
  last(): Received;
  stop(): Promise<void>;
}

export async function startEchoUpstream(): Promise<EchoUpstream> {
  const received: Received[] = [];
  const handlers = new Map<string, Handler>();
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("error", () => undefined);
    response.on("error", () => undefined);
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const body = Buffer.concat(chunks);
      const { method = "", url = "", headers } = request;
      received.push({ method, url, headers, body });
      const handler = handlers.get(url.split("?", 1)[0] ?? "");
      if (handler !== undefined) return handler(request, response, body);
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify({ method, url, headers, bytes: body.length, sha256: sha256(body) }));
    });
  });
  server.keepAliveTimeout = 0;
  const url = await listen(server);
  return {
    url,
    port: Number(new URL(url).port),
    received,
    handlers,
    last: () => {
      const one = received.at(-1);
      if (one === undefined) throw new Error("the upstream was not called");
      return one;
    },
    stop: () => stopServer(server),
  };
}

export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
