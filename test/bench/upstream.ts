// The upstream of the benchmark, a process of its own: reads a body, answers a few bytes of JSON, or as
// many bytes as a download asks for. Prints the port it listens on and lives until its input ends.

import { randomBytes } from "node:crypto";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { answerTo, type Download } from "./exchange.ts";

const PIECE = 64 * 1024;

/** A part of a list of things, as an API gives them; the parts one after the other are more of it. */
function jsonPiece(): Buffer {
  let text = " ";
  for (let n = 0; ; n++) {
    const item = JSON.stringify({
      id: `7f1c9a52-${String(n).padStart(4, "0")}-4b1e-9c3a-5d2f8e6a7b90`,
      name: `worker-${n}`,
      labels: { app: "checkout", tier: n % 2 === 0 ? "front" : "back", zone: "eu-central-1a" },
      created: "2026-11-03T09:14:27.310Z",
      replicas: n % 7,
      description: "Takes orders from the queue, prices them and hands them on to the warehouse.",
      url: `https://api.example.com/v1/workers/${n}?expand=labels&page=2`,
      healthy: true,
    });
    if (text.length + item.length + 2 > PIECE) return Buffer.from(text.padEnd(PIECE, " "), "latin1");
    text += `${item},\n`;
  }
}

const PIECES: Readonly<Record<Download, Buffer>> = { json: jsonPiece(), binary: randomBytes(PIECE) };
const TYPES: Readonly<Record<Download, string>> = { json: "application/json", binary: "application/octet-stream" };

function download(kind: Download, bytes: number, response: ServerResponse): void {
  response.writeHead(200, { "content-type": TYPES[kind], "content-length": bytes });
  let left = bytes;
  if (kind === "json" && left > 0) {
    response.write("[");
    left -= 1;
  }
  const more = (): void => {
    while (left > 0) {
      const piece = PIECES[kind].subarray(0, left);
      left -= piece.length;
      if (!response.write(piece)) {
        response.once("drain", more);
        return;
      }
    }
    response.end();
  };
  more();
}

const server = createServer((request, response) => {
  const [, kind, bytes] = /\/v1\/downloads\/(json|binary)\/(\d+)$/.exec(request.url ?? "") ?? [];
  if (bytes !== undefined) return download(kind === "json" ? "json" : "binary", Number(bytes), response);
  let received = 0;
  request.on("data", (chunk: Buffer) => {
    received += chunk.length;
  });
  request.on("end", () => {
    const body = answerTo(received);
    response.writeHead(200, { "content-type": "application/json", "content-length": body.length }).end(body);
  });
});
// Variants stand idle while others are measured; a server that hangs up meanwhile would cost them a request.
server.keepAliveTimeout = 0;
server.requestTimeout = 0;
server.listen(0, "127.0.0.1", () => console.log((server.address() as AddressInfo).port));
process.stdin.on("end", () => process.exit(0)).resume();
