// The shapes that travel through a command's steps.

import type { CommandId, ConnectionName } from "../../core/ids.ts";
import type { Header } from "../../core/mask/mask_headers.ts";
import type { MaskPlan } from "../../core/mask/mask_plan.ts";
import type { Decision } from "../../core/policy/decision.ts";
import type { Policy } from "../../core/policy/policy.ts";
import type { Framing } from "../../core/protocol/http/framing.ts";
import type { Fields } from "../../core/record/record.ts";
import type { Caller } from "../caller.ts";
import type { Known } from "../control_cache.ts";
import type { Gateway } from "../gateway.ts";
import type { ProblemMore, ProblemReason } from "../problem.ts";
import type { Begun } from "../session_client.ts";
import type { Recording } from "./recording.ts";
import type { SentBody } from "./sent_body.ts";
import type { SocketAsked } from "./socket_asked.ts";

/** One request as it came, before anything is known of it. */
export interface Call {
  readonly request: Request;
  readonly gateway: Gateway;
  readonly ctx: ExecutionContext;
  readonly command: CommandId;
  /** Milliseconds since 1970. */
  readonly started: number;
  /** The caller's address as the platform says, or null. */
  readonly address: string | null;
  /** What the caller proves itself by, as an `Authorization` header has it: its own, or what its cookie held. */
  readonly authorization: string | null;
}

/** A call with what its region's control object said when it came. */
export interface Exchange extends Call {
  readonly known: Known;
  /** The policy that decides this command, whatever is applied meanwhile. */
  readonly policy: Policy;
}

export interface UpstreamAnswerer {
  readonly kind: "upstream";
  readonly url: string;
  readonly headers: readonly Header[];
  /** The part of the query that is the upstream's credential; empty if there is none. */
  readonly secretQuery: string;
  /** The upstream's base, and what stands for it: the path form, or the origin of the connection's own host. */
  readonly upstream: string;
  readonly pathForm: string;
  /** Null in the path form. */
  readonly ownHost: { readonly framing: Framing } | null;
  /** The path inside the connection: relative redirects are relative to it. */
  readonly path: string;
  readonly timeoutMs: number;
  /** The caller asks for a WebSocket. */
  readonly socket?: SocketAsked;
}

/** Who answers: an upstream over the network, or a function of the gateway's own API. */
export type Answerer =
  | UpstreamAnswerer
  /** `signal` says that the caller has left, or that the token has ended. */
  | { readonly kind: "local"; readonly answer: (cleared: Cleared, signal: AbortSignal) => Promise<Response> };

export interface Asked {
  readonly connection: ConnectionName;
  readonly method: string;
  readonly decision: Decision;
  /** A refusal that no rule can lift: it came before the decision. */
  readonly refusal: ProblemReason | null;
  /** What the caller is told of the refusal beyond its reason. */
  readonly refusalMore?: ProblemMore;
  readonly answerer: Answerer | null;
  /** What the record says was sent, before masking. */
  readonly sent: {
    readonly target: { readonly method: string; readonly path: string; readonly query: string };
    readonly headers: readonly Header[];
  };
  /** The gateway's own words for the record of the request or of its refusal, beside token and client: no text that could carry a secret. */
  readonly fields: Fields;
  /** What is masked in its answer before the caller gets it; absent where the caller gets what the upstream sent. */
  readonly callerPlan?: MaskPlan;
  /** How its bodies are recorded. */
  readonly recording: Recording;
  /** Whether it would still be allowed, as it is, by a policy that has come into force since. Absent: no policy has a part in it. */
  readonly stands?: (policy: Policy, body: Uint8Array | null) => boolean;
  /** The request's body where a rule had to read it: it is forwarded from here. */
  readonly body?: Uint8Array;
}

/** What a cleared command is made of. */
export interface Clearing {
  readonly exchange: Exchange;
  readonly caller: Caller;
  readonly asked: Asked;
  readonly sent: SentBody;
  readonly begun: Begun;
}

declare const cleared: unique symbol;
/** A command that may be forwarded: it was allowed, and its intent is durable. Only command.ts makes one. */
export type Cleared = Clearing & { readonly [cleared]: true };
