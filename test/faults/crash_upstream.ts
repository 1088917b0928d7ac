// The upstream of the crash campaign: remembers each id that it hears of, and answers in the ways that
// a gateway records differently.

import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { stopServer } from "../support/issuer.ts";

export interface CrashUpstream {
  readonly url: string;
  /** Ids of `/<way>/<id>` in the order in which they arrived. */
  readonly heard: Set<string>;
  stop(): Promise<void>;
}

const CHUNK: Buffer = Buffer.alloc(9_000, "stream ");
const CHUNKS = 12;

export async function startCrashUpstream(): Promise<CrashUpstream> {
  const heard = new Set<string>();
  const server = createServer((request, response) => {
    request.on("error", () => undefined);
    response.on("error", () => undefined);
    const [, way = "", id = ""] = (request.url ?? "").split("/");
    heard.add(id);
    void answer(way, request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    heard,
    stop: () => stopServer(server),
  };
}

/** small: at once; slow: after a while; chunked and sized: a stream with pauses; and of any body its digest. */
async function answer(way: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const digest = await digestOf(request).catch(() => null);
  if (digest === null) return;
  if (way === "slow") await pause(40);
  if (way !== "chunked" && way !== "sized") {
    const text = JSON.stringify({ digest });
    response.writeHead(200, { "content-type": "application/json", "content-length": text.length }).end(text);
    return;
  }
  response.writeHead(200, way === "sized" ? { "content-length": CHUNK.length * CHUNKS } : {});
  for (let i = 0; i < CHUNKS && !response.destroyed; i++) {
    response.write(CHUNK);
    await pause(10);
  }
  response.end();
}

async function digestOf(request: IncomingMessage): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of request as AsyncIterable<Buffer>) hash.update(chunk);
  return hash.digest("hex");
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
