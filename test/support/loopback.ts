// A test's own servers: on loopback, each at a port that nobody else has.

import type { Server } from "node:http";
import type { AddressInfo, Server as SocketServer } from "node:net";

/** Gives `http://127.0.0.1:<port>` once the server listens there. */
export async function listen(server: SocketServer): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Ends a server and the connections that are still open to it. */
export function stopServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
