// forward, for a socket: asks the upstream to upgrade, with its own credential. What it says is a
// socket, an answer like any other, or nothing that can be used.

import { isChoiceOf } from "../core/protocol/websocket/subprotocol.ts";
import type { SocketOrder } from "./socket_rpc.ts";

export type UpstreamAnswer =
  | { readonly kind: "socket"; readonly socket: WebSocket; readonly response: Response }
  | { readonly kind: "answered"; readonly response: Response }
  | { readonly kind: "unreachable" | "invalid" };

/**
 * What the runtime answers by itself, with status 502, where the upstream's 101 breaks RFC 6455 §4.1: no
 * exception, and nothing else that would tell it from an upstream's own words.
 */
const NO_HANDSHAKE = "Server failed WebSocket handshake";

export async function askForSocket({ upstream }: SocketOrder, signal: AbortSignal): Promise<UpstreamAnswer> {
  const headers = new Headers();
  for (const [name, value] of upstream.headers) headers.append(name, value);
  headers.set("upgrade", "websocket");
  if (upstream.offered.length > 0) headers.set("sec-websocket-protocol", upstream.offered.join(", "));
  // A refusal is read by the Worker and sent to the caller as it came.
  headers.set("accept-encoding", "identity");
  let response: Response;
  try {
    response = await fetch(upstream.url, { headers, redirect: "manual", cache: "no-store", signal });
  } catch {
    return { kind: "unreachable" };
  }
  const socket = response.webSocket;
  if (socket === null) return (await isHandshakeFault(response)) ? { kind: "invalid" } : { kind: "answered", response };
  if (isChoiceOf(upstream.offered, response.headers.get("sec-websocket-protocol")))
    return { kind: "socket", socket, response };
  drop(socket);
  return { kind: "invalid" };
}

async function isHandshakeFault(response: Response): Promise<boolean> {
  // An upstream's own 502 that says what it carries is not looked into.
  if (response.status !== 502 || response.headers.has("content-type")) return false;
  const text = await response
    .clone()
    .text()
    .catch(() => "");
  return text.startsWith(NO_HANDSHAKE);
}

/** A socket that nobody will speak on. */
export function drop(socket: WebSocket, code = 1001): void {
  try {
    socket.accept();
    socket.close(code);
  } catch {
    // It is gone.
  }
}
