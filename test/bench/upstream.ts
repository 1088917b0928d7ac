// The upstream of the benchmark, a process of its own: reads a body, answers a few bytes of JSON.
// Prints the port it listens on and lives until its input ends.

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { answerTo } from "./exchange.ts";

const server = createServer((request, response) => {
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
