// Finds approvals for somebody who may see them: who asked, whoever may decide or has decided, and, to
// read, auditors and admins. To others they are not there.

import type { ApprovalId } from "../../core/approval/approval.ts";
import { parseCommandId } from "../../core/ids.ts";
import type { Policy } from "../../core/policy/policy.ts";
import type { ApprovalEntry, ApprovalQuery, ApprovalWatch } from "../../durable/approval_rpc.ts";
import { placed } from "../../durable/jurisdiction.ts";
import { REGISTRY_SHARDS, registryOf, registryShard } from "../../durable/registry_client.ts";
import type { SessionObject } from "../../durable/session.ts";
import type { Caller } from "../caller.ts";
import type { Env } from "../env.ts";
import { standingOf } from "./standing.ts";

export interface FoundApproval extends ApprovalWatch {
  readonly entry: ApprovalEntry;
  readonly session: DurableObjectStub<SessionObject>;
}

/** As the session object has it; null for none, or one that this caller may not see. Throws if an object cannot be reached. */
export async function findApproval(
  env: Env,
  caller: Caller,
  policy: Policy,
  text: string,
): Promise<FoundApproval | null> {
  const id = parseCommandId(text);
  const entry = id === null ? null : await registryOf(env, id).findApproval(id);
  if (entry === null || !maySee(entry, caller, policy)) return null;
  const objects = placed(env.SESSION, env);
  const session = objects.get(objects.idFromString(entry.object));
  const watch = await session.approvalOf(entry.id);
  return watch === null ? null : { ...watch, entry, session };
}

export function maySee(entry: ApprovalEntry, caller: Caller, policy: Policy): boolean {
  if (caller.roles.has("auditor") || caller.roles.has("admin")) return true;
  if (isOwn(entry, caller) || hasDecided(entry, caller)) return true;
  const standing = standingOf(entry, caller, policy);
  return standing.mayDecide;
}

export function isOwn({ requester }: Pick<ApprovalEntry, "requester">, { authenticated }: Caller): boolean {
  return isSame(requester, authenticated.principal);
}

export function hasDecided({ deciders }: Pick<ApprovalEntry, "deciders">, { authenticated }: Caller): boolean {
  return deciders.some((one) => isSame(one, authenticated.principal));
}

interface Identity {
  readonly issuer: string;
  readonly subject: string;
}

function isSame(a: Identity, b: Identity): boolean {
  return a.issuer === b.issuer && a.subject === b.subject;
}

/** Of all shards, newest first. `limit` at most of each, so that none can crowd out the others. */
export async function listApprovals(env: Env, query: ApprovalQuery): Promise<ApprovalEntry[]> {
  const shards = await Promise.all(REGISTRY_SHARDS.map((shard) => registryShard(env, shard).listApprovals(query)));
  return shards.flat().sort((a, b) => (a.id < b.id ? 1 : -1));
}

export type View = "waiting" | "mine" | "decided" | "reviews" | "all";

export interface Page {
  readonly items: readonly ApprovalEntry[];
  /** Where the next page begins; null on the last one. */
  readonly next: ApprovalId | null;
}

/** Entries that are read for one page: those that this caller may not decide are read and left out. */
const READ_LIMIT = 2_000;

/**
 * `waiting`: that this caller may decide now. `mine`: that they asked for. `decided`: that they decided.
 * `reviews`: that went on without approval, and that they may sign off. `all`: for auditors and admins.
 */
export async function pageOf(
  env: Env,
  caller: Caller,
  policy: Policy,
  view: View,
  filters: Pick<ApprovalQuery, "state" | "connection" | "digest">,
  before: ApprovalId | null,
  limit: number,
): Promise<Page> {
  const { issuer, subject } = caller.authenticated.principal;
  const narrowed: Pick<ApprovalQuery, "state" | "requester" | "decider" | "review"> = {
    waiting: { state: "pending" as const },
    mine: { requester: { issuer, subject } },
    decided: { decider: { issuer, subject } },
    reviews: { review: "owed" as const },
    all: {},
  }[view];
  const isIn = (entry: ApprovalEntry): boolean => {
    if (view !== "waiting" && view !== "reviews") return true;
    // A review is owed whatever the policy has become since; who may sign off is found by the one in force.
    const asked = view === "reviews" ? { ...entry, policy: policy.hash } : entry;
    return standingOf(asked, caller, policy).mayDecide && !(view === "waiting" && hasDecided(entry, caller));
  };
  const items: ApprovalEntry[] = [];
  let at = before;
  for (let read = 0; read < READ_LIMIT;) {
    const found = await listApprovals(env, { ...filters, ...narrowed, before: at, limit: limit + 1 });
    const now = found.slice(0, limit + 1);
    for (const entry of now) {
      if (!isIn(entry)) continue;
      if (items.length === limit) return { items, next: items.at(-1)?.id ?? null };
      items.push(entry);
    }
    if (now.length <= limit) return { items, next: null };
    read += now.length;
    at = now.at(-1)?.id ?? null;
  }
  return { items, next: at };
}
