// An upstream for sockets, a process of its own: sends each message back. Prints the port it listens on
// and lives until its input ends.

import type { AddressInfo } from "node:net";
import { WebSocketServer } from "ws";

const server = new WebSocketServer({ port: 0, host: "127.0.0.1", perMessageDeflate: false });
server.on("connection", (socket) =>
  socket.on("message", (data, isBinary) => socket.send(data as Buffer, { binary: isBinary })),
);
server.on("listening", () => console.log((server.address() as AddressInfo).port));
process.stdin.on("end", () => process.exit(0)).resume();
