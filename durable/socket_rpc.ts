// What a Worker asks of a session object in order to open a socket, and what it hears. A WebSocket
// itself does not cross RPC: once the upstream has agreed, the Worker fetches the caller's end of it
// by the command's id.

import type { Authenticated } from "../core/auth/principal.ts";
import type { CommandId, Digest } from "../core/ids.ts";
import type { Header } from "../core/mask/mask_headers.ts";
import type { ReleasedTo } from "../core/protocol/http/response_headers.ts";

/** Everything that opening and judging a socket takes. Kept in memory and never stored: it holds the upstream's credential. */
export interface SocketOrder {
  /** The upgrade, whose intent is durable. */
  readonly command: CommandId;
  /** Milliseconds since 1970 at which it came. */
  readonly started: number;
  readonly upstream: {
    readonly url: string;
    /** What the policy names as the connection's upstream. */
    readonly base: string;
    readonly headers: readonly Header[];
    /** Subprotocols that the caller offers. */
    readonly offered: readonly string[];
    readonly timeoutMs: number;
  };
  readonly releasedTo: ReleasedTo;
  readonly caller: {
    readonly authenticated: Authenticated;
    /** Milliseconds since 1970 at which the token ends. */
    readonly until: number;
  };
  readonly firstAdmin: { readonly issuer: string; readonly subject: string } | null;
  /** What the upgrade asked, as rules see it. */
  readonly asked: {
    readonly connection: string;
    readonly path: string;
    readonly query: string;
    readonly headers: readonly Header[];
    readonly address: string | null;
    readonly region: string;
  };
  /** The policy that allowed it. */
  readonly policy: Digest;
  /** What people were asked who approved it (`askedOf` of core/policy/stands.ts); null where nobody had to. */
  readonly approved: string | null;
}

export type SocketOpening =
  /** `response.started` is durable; the caller's end waits to be fetched. `headers` are what the caller is given. */
  | { readonly kind: "upgraded"; readonly headers: readonly Header[] }
  /** The upstream answered, but not with a socket: an answer like any other, which is the Worker's to record. */
  | { readonly kind: "answered"; readonly response: Response }
  /** `invalid`: what it said is no WebSocket. `not_recorded`: it agreed, and that could not be made durable. */
  | { readonly kind: "failed"; readonly reason: "unreachable" | "invalid" | "not_recorded" };

/** Names the command in the request by which a Worker fetches the caller's end. */
export const SOCKET_COMMAND = "sallyport-command";

export interface SocketRpc {
  /** Calls the upstream. Resolves when it has answered; the Worker gives up by `dropSocket`. */
  openSocket(order: SocketOrder): Promise<SocketOpening>;
  /** The caller has left, or the time is up: what is being opened is not to be. */
  dropSocket(command: CommandId): Promise<void>;
}
