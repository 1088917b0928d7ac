// forward, for an upgrade: the session object opens the socket and relays it (durable/sockets.ts); what
// happens here is the way there, and the way of the caller's end back.

import { askedOf } from "../../core/policy/stands.ts";
import { SOCKET_COMMAND, type SocketOpening, type SocketOrder } from "../../durable/socket_rpc.ts";
import type { Cleared, UpstreamAnswerer } from "./exchange.ts";

/** Whether the answer is the caller's end of a socket that it asked for. */
export function isSocket({ asked }: Cleared, response: Response): boolean {
  return response.webSocket !== null && asked.answerer?.kind === "upstream" && asked.answerer.socket !== undefined;
}

/** The upstream's answer, or the caller's end of a socket, which the object then owns to its end. Null if there is neither. */
export async function openSocket(
  cleared: Cleared,
  answerer: UpstreamAnswerer,
  signal: AbortSignal,
): Promise<Response | null> {
  const { exchange, begun } = cleared;
  const { command } = exchange;
  const order = orderOf(cleared, answerer);
  const given = new Promise<null>((resolve) => signal.addEventListener("abort", () => resolve(null)));
  const asking = begun.session.call((stub) => stub.openSocket(order) as Promise<SocketOpening>);
  const opening = await Promise.race([asking, given]);
  if (opening === null || signal.aborted) {
    exchange.ctx.waitUntil(begun.session.call((stub) => stub.dropSocket(command)).catch(() => undefined));
    return null;
  }
  return answerOf(cleared, opening);
}

async function answerOf({ exchange, begun }: Cleared, opening: SocketOpening): Promise<Response | null> {
  switch (opening.kind) {
    case "answered":
      return opening.response;
    case "failed":
      // A status that ends no exchange says that this was no answer.
      return opening.reason === "invalid" ? Response.error() : null;
    case "upgraded": {
      const headers = { upgrade: "websocket", [SOCKET_COMMAND]: exchange.command };
      const joined = await begun.session.call((stub) => stub.fetch("https://session.invalid/", { headers }));
      const { webSocket } = joined;
      if (webSocket === null) return null;
      const released = new Headers();
      for (const [name, value] of opening.headers) released.append(name, value);
      return new Response(null, { status: 101, webSocket, headers: released });
    }
  }
}

/** Of who calls: no rule sees them, and the object has no use for them. */
const PROOFS: ReadonlySet<string> = new Set(["authorization", "cookie"]);

function orderOf({ exchange, caller, asked }: Cleared, answerer: UpstreamAnswerer): SocketOrder {
  const { url, upstream, pathForm, path, timeoutMs, socket, ownHost } = answerer;
  const { authenticated, until } = caller;
  return {
    command: exchange.command,
    started: exchange.started,
    upstream: {
      url,
      base: socket?.base ?? upstream,
      headers: answerer.headers.filter(([name]) => name !== "sec-websocket-protocol"),
      offered: socket?.offered ?? [],
      timeoutMs,
    },
    releasedTo: { upstream, pathForm, path, ownHost },
    caller: { authenticated, until },
    firstAdmin: exchange.gateway.config.firstAdmin,
    asked: {
      connection: asked.connection,
      path: asked.sent.target.path,
      query: asked.sent.target.query,
      headers: [...exchange.request.headers].filter(([name]) => !PROOFS.has(name)),
      address: exchange.address,
      region: exchange.gateway.config.region,
    },
    policy: exchange.policy.hash,
    approved: askedOf(exchange.policy, asked.decision),
  };
}
