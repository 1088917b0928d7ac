// What relaying a socket needs of the Worker's side, given by it (workers/session_object.ts): what the
// region's control object said last, and the keyed names for what is masked.

import type { Mac } from "../core/approval/digest.ts";
import type { Revocations } from "../core/auth/revocation.ts";
import type { CommandId, Digest } from "../core/ids.ts";
import type { Pseudonym } from "../core/mask/span.ts";
import type { Policy } from "../core/policy/policy.ts";

/** What was in force when the control object was last asked. */
export interface SocketKnowledge {
  readonly revocations: Revocations;
  readonly policy: Policy;
  readonly inForce: { readonly hash: Digest; readonly command?: CommandId } | null;
  /** Nothing is decided by it: the policy in force cannot be read here. */
  readonly isUnreadable: boolean;
}

export interface SocketControl {
  /** Null if what is known is too old to decide by. */
  current(now: number): SocketKnowledge | null;
  /** True once an interval. */
  shouldRenew(now: number): boolean;
  /** Null if the control object cannot be reached and what is known is too old. */
  renew(now: number): Promise<SocketKnowledge | null>;
}

export interface SocketPorts {
  readonly control: SocketControl;
  /** Of a connection. */
  pseudonym(connection: string): Pseudonym;
  /** Keyed, in hex, over the SHA-256 of some bytes. */
  commitment(digest: Uint8Array): string;
  /** For the digests of what people approve on a connection. */
  approvals(connection: string): Mac;
}
