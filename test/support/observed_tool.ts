// A tool that a test writes as routes, and that keeps what passed in both directions with sizes and
// digests: as it is called directly and through the gateway, told apart by `Via`.

import { createServer, type IncomingMessage, type OutgoingHttpHeaders, type ServerResponse } from "node:http";
import { listen, stopServer } from "./loopback.ts";
import { beginTapped, type Tapped } from "./tap.ts";

export interface Asked {
  readonly method: string;
  /** As it came, with its query. */
  readonly url: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
}

export interface Answer {
  readonly status?: number;
  readonly headers?: OutgoingHttpHeaders;
  /** Chunks are sent as they come. */
  readonly body?: Buffer | string | AsyncIterable<string>;
  readonly trailers?: Readonly<Record<string, string>>;
}

export type Route = (asked: Asked) => Answer;

export interface ObservedTool {
  /** `http://127.0.0.1:<port>` */
  readonly url: string;
  readonly direct: Tapped[];
  readonly through: Tapped[];
  stop(): Promise<void>;
}

/** `routes` by path, without the query. */
export async function startObservedTool(routes: Readonly<Record<string, Route>>): Promise<ObservedTool> {
  const direct: Tapped[] = [];
  const through: Tapped[] = [];
  const server = createServer((request, response) => {
    const exchanges = request.headers.via === undefined ? direct : through;
    request.on("error", () => undefined);
    response.on("error", () => undefined);
    serve(request, response, routes, exchanges).catch(() => response.destroy());
  });
  const url = await listen(server);
  return { url, direct, through, stop: () => stopServer(server) };
}

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  routes: Readonly<Record<string, Route>>,
  exchanges: Tapped[],
): Promise<void> {
  const { method = "", url = "", headers } = request;
  const tapped = beginTapped(request);
  exchanges.push(tapped);
  response.on("close", () => (tapped.left = !response.writableFinished));
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) {
    tapped.request.add(chunk);
    chunks.push(chunk);
  }
  const route = routes[url.split("?", 1)[0] ?? ""];
  const answer = route?.({ method, url, headers, body: Buffer.concat(chunks) }) ?? { status: 404, body: "none\n" };
  tapped.status = answer.status ?? 200;
  await send(answer, method, response, tapped);
}

async function send(answer: Answer, method: string, response: ServerResponse, tapped: Tapped): Promise<void> {
  const { body = "", trailers = {} } = answer;
  const isBodyless = method === "HEAD" || [204, 304].includes(tapped.status);
  const isWhole = typeof body === "string" || Buffer.isBuffer(body);
  const hasLength = isWhole && Object.keys(trailers).length === 0 && (!isBodyless || method === "HEAD");
  response.writeHead(tapped.status, {
    ...(hasLength ? { "content-length": Buffer.byteLength(body) } : {}),
    ...answer.headers,
  });
  response.flushHeaders();
  if (!isBodyless) {
    for await (const chunk of isWhole ? [body] : body) {
      if (response.destroyed) return;
      const bytes = Buffer.from(chunk);
      tapped.response.add(bytes);
      response.write(bytes);
    }
    response.addTrailers(trailers);
  }
  response.end();
  tapped.complete = true;
}
