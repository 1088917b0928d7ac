// The upstream of the crash campaign: remembers each id that it hears of, how much of each body reached
// it and each message of a socket, and answers in the ways that a gateway records differently.

import { createHash, type Hash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { WebSocketServer } from "ws";
import { listen, stopServer } from "../support/loopback.ts";

export interface CrashUpstream {
  readonly url: string;
  /** How often it has heard of the id in a path `/<way>/<id>`. */
  readonly heard: Map<string, number>;
  /** What reached it of the body of the id's request: all of it, or what came before a crash. */
  readonly bodies: Map<string, Received>;
  /** How often a message reached it, by its text. */
  readonly messages: Map<string, number>;
  /** Resolves once nobody is connected: whatever was sent to it has been read. */
  idle(): Promise<void>;
  stop(): Promise<void>;
}

export interface Received {
  readonly bytes: number;
  /** SHA-256 in hex of them. */
  readonly sha256: string;
}

export const CHUNK: Buffer = Buffer.alloc(9_000, "stream ");
const CHUNKS = 12;

export async function startCrashUpstream(): Promise<CrashUpstream> {
  const heard = new Map<string, number>();
  const bodies = new Map<string, Received>();
  const messages = new Map<string, number>();
  const server = createServer((request, response) => {
    request.on("error", () => undefined);
    response.on("error", () => undefined);
    const [, way = "", id = ""] = (request.url ?? "").split("/");
    heard.set(id, (heard.get(id) ?? 0) + 1);
    void answer(way, request, response, (received) => bodies.set(id, received));
  });
  const sockets = new WebSocketServer({ server });
  sockets.on("connection", (socket) => {
    socket.on("error", () => undefined);
    socket.on("message", (data: Buffer, isBinary) => {
      const text = data.toString("latin1");
      messages.set(text, (messages.get(text) ?? 0) + 1);
      socket.send(data, { binary: isBinary });
    });
  });
  server.keepAliveTimeout = 0;
  const url = await listen(server);
  const connections = (): Promise<number> => new Promise((resolve) => server.getConnections((_, n) => resolve(n)));
  return {
    url,
    heard,
    bodies,
    messages,
    idle: async () => {
      while ((await connections()) > 0) await pause(5);
    },
    stop: () => stopServer(server),
  };
}

/**
 * small: at once; slow: after a while; chunked, sized and leave: a stream with pauses; endless: one
 * without an end; broken: none, the connection breaks; upload: the digest of its body, as in small.
 */
async function answer(
  way: string,
  request: IncomingMessage,
  response: ServerResponse,
  received: (body: Received) => void,
): Promise<void> {
  const digest = await digestOf(request, received).catch(() => null);
  if (digest === null) return;
  if (way === "slow") await pause(40);
  if (way === "broken") return void request.socket.destroy();
  const chunks = way === "endless" ? Infinity : way === "chunked" || way === "sized" || way === "leave" ? CHUNKS : 0;
  if (chunks === 0) {
    const text = JSON.stringify({ digest });
    response.writeHead(200, { "content-type": "application/json", "content-length": text.length }).end(text);
    return;
  }
  response.writeHead(200, way === "sized" ? { "content-length": CHUNK.length * CHUNKS } : {});
  for (let i = 0; i < chunks && !response.destroyed; i++) {
    response.write(CHUNK);
    await pause(10);
  }
  response.end();
}

/** Rejects for a body that was cut; what came of it is told all the same. */
async function digestOf(request: IncomingMessage, received: (body: Received) => void): Promise<string> {
  const hash: Hash = createHash("sha256");
  let bytes = 0;
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      hash.update(chunk);
      bytes += chunk.length;
    }
  } finally {
    received({ bytes, sha256: hash.copy().digest("hex") });
  }
  return hash.digest("hex");
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
