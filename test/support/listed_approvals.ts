// Approvals as a session object tells a registry shard of them. Runs inside workerd.

import { newCommandId, newSessionId, type ConnectionName } from "../../core/ids.ts";
import type { ApprovalEntry } from "../../durable/approval_rpc.ts";
import { fillRandom } from "../../durable/sha256.ts";
import { ALICE, DIGEST, POLICY } from "./sample_approval.ts";

let made = 0;

/** Each is newer than the one before. */
export function listed(change: Partial<ApprovalEntry> = {}): ApprovalEntry {
  const now = Date.now();
  return {
    id: newCommandId(now + made++, fillRandom),
    sid: newSessionId(now, fillRandom),
    object: "00",
    connection: "registry" as ConnectionName,
    rule: "publish",
    policy: POLICY,
    title: "PUT /left-pad",
    requester: ALICE,
    actors: [],
    requested: now,
    expires: now + 1,
    state: "pending",
    changed: now,
    review: null,
    deciders: [],
    grantUntil: null,
    digest: DIGEST,
    version: 1,
    ...change,
  };
}
