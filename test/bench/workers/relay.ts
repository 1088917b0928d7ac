// Relays sockets in an object, and does nothing else: what a recorded relay is held against. The token
// is verified once, as the gateway does.

import { DurableObject } from "cloudflare:workers";
import { verify, type VerifyEnv } from "./verified.ts";

interface Env extends VerifyEnv {
  readonly SESSION: DurableObjectNamespace<Relay>;
}

export class Relay extends DurableObject<Env> {
  override async fetch(request: Request): Promise<Response> {
    const url = this.env.UPSTREAM + request.url.slice(request.url.indexOf("/", 8));
    const { webSocket: upstream } = await fetch(url, { headers: { upgrade: "websocket" } });
    if (upstream === null) return new Response(null, { status: 502 });
    const { 0: outer, 1: caller } = new WebSocketPair();
    relay(caller, upstream);
    relay(upstream, caller);
    return new Response(null, { status: 101, webSocket: outer });
  }
}

function relay(from: WebSocket, to: WebSocket): void {
  from.accept();
  from.binaryType = "arraybuffer";
  from.addEventListener("message", ({ data }) => to.send(data as string));
  from.addEventListener("close", () => to.close());
}

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    const subject = await verify(request.headers.get("authorization"), env);
    if (subject === null) return new Response(null, { status: 401 });
    return env.SESSION.get(env.SESSION.idFromName(subject)).fetch(request);
  },
} satisfies ExportedHandler<Env>;
