// Whether a request asks for a WebSocket, and for which.

import type { Header } from "../../core/mask/mask_headers.ts";
import type { ConnectionSettings } from "../../core/policy/policy.ts";
import { offeredSubprotocols } from "../../core/protocol/websocket/subprotocol.ts";
import type { ProblemReason } from "../problem.ts";

/** What an upgrade asks for beside its request. */
export interface SocketAsked {
  readonly offered: readonly string[];
  /** The upstream as the policy names it. */
  readonly base: string;
}

/** Null for a request that asks for no socket. Any other upgrade (h2c, which some clients offer on every request) may be ignored (RFC 9110 §7.8), and is. */
export function socketAsked(
  { method, headers }: Request,
  settings: ConnectionSettings | undefined,
): SocketAsked | null | ProblemReason {
  if (!/(?:^|,)\s*websocket\b/i.test(headers.get("upgrade") ?? "")) return null;
  if (settings?.protocol !== "websocket" || method !== "GET") return "upgrade_unsupported";
  const offered = offeredSubprotocols(headers.get("sec-websocket-protocol"));
  return offered === null ? "upgrade_malformed" : { offered, base: settings.upstream };
}

/** The subprotocols stand in the record of the upgrade; the rest of the handshake is each connection's own. */
export function withSubprotocols(headers: readonly Header[], { offered }: SocketAsked): readonly Header[] {
  return offered.length === 0 ? headers : [...headers, ["sec-websocket-protocol", offered.join(", ")]];
}
