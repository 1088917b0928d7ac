// A network between two peers that can be gone from one moment to the next: nothing passes any more, and
// neither side is told, as when a cable is pulled.

import { connect, createServer, type Server, type Socket } from "node:net";
import { listen } from "./loopback.ts";

export class VanishingNetwork {
  readonly #server: Server;
  readonly #sockets: Socket[] = [];
  url = "";

  private constructor(port: number) {
    this.#server = createServer((near) => {
      const far = connect({ port, host: "127.0.0.1" });
      this.#sockets.push(near, far);
      near.pipe(far);
      far.pipe(near);
      for (const socket of [near, far]) socket.on("error", () => undefined);
    });
  }

  /** Listens at `url`, before what listens at `to`. */
  static async before(to: string): Promise<VanishingNetwork> {
    const network = new VanishingNetwork(Number(new URL(to).port));
    network.url = await listen(network.#server);
    return network;
  }

  vanish(): void {
    for (const socket of this.#sockets) socket.unpipe().pause();
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
