// An upstream for large bodies: sends as many bytes as a path says and digests what it is given, at
// constant memory, so that a test can move a gibibyte.

import { createHash, randomBytes } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { listen, stopServer } from "./loopback.ts";

/** Not a multiple of any buffer's size: a chunk that is lost, doubled or moved shows in the digest. */
const BLOCK: Buffer = randomBytes(1_048_573);

export interface ByteServer {
  readonly url: string;
  /** Bytes of answers taken from their source so far. */
  sent: number;
  /** Begins to read bodies that are sent to `/paused`. */
  goOn(): void;
  stop(): Promise<void>;
}

/** `size` bytes, the same each time, in pieces. */
export function* pieces(size: number): Generator<Buffer> {
  for (let left = size; left > 0; left -= BLOCK.length) yield left < BLOCK.length ? BLOCK.subarray(0, left) : BLOCK;
}

/** SHA-256 in hex of what `pieces` gives. */
export function digestOf(size: number): string {
  const hash = createHash("sha256");
  for (const piece of pieces(size)) hash.update(piece);
  return hash.digest("hex");
}

/**
 * GET /<size> with a length, GET /chunked/<size> without; anything with a body: its size and digest as
 * JSON, to `/paused` not before `goOn`.
 */
export async function startByteServer(): Promise<ByteServer> {
  const state = { sent: 0 };
  const resumed = Promise.withResolvers<void>();
  const server = createServer((request, response) => {
    response.on("error", () => undefined);
    request.on("error", () => undefined);
    const mayRead = request.url === "/paused" ? resumed.promise : Promise.resolve();
    const task =
      request.method === "GET" ? send(request, response, state) : mayRead.then(() => digest(request, response));
    task.catch(() => response.destroy());
  });
  const url = await listen(server);
  return {
    url,
    get sent() {
      return state.sent;
    },
    goOn: () => resumed.resolve(),
    stop: () => stopServer(server),
  };
}

async function send(request: IncomingMessage, response: ServerResponse, state: { sent: number }): Promise<void> {
  const [, isChunked, text] = /^\/(chunked\/)?(\d+)$/.exec(request.url ?? "") ?? [];
  const size = Number(text);
  response.writeHead(200, {
    "content-type": "application/octet-stream",
    ...(isChunked === undefined ? { "content-length": size } : {}),
  });
  const counted = function* (): Generator<Buffer> {
    for (const piece of pieces(size)) {
      state.sent += piece.length;
      yield piece;
    }
  };
  await pipeline(Readable.from(counted(), { objectMode: false }), response);
}

async function digest(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const hash = createHash("sha256");
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    hash.update(chunk);
    bytes += chunk.length;
  }
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify({ bytes, sha256: hash.digest("hex") }));
}
