// What the Worker derives from a verified identity, once per token and not once per command.

import { createHmac } from "node:crypto";
import type { Party } from "../core/approval/approval.ts";
import { principalParty } from "../core/approval/person.ts";
import type { Authenticated } from "../core/auth/principal.ts";
import type { ConnectionName, Digest } from "../core/ids.ts";
import { rolesOf } from "../core/policy/decide.ts";
import type { Policy } from "../core/policy/policy.ts";
import { canonicalText } from "../core/record/canonical.ts";
import type { Config } from "./config.ts";

export interface Caller {
  readonly authenticated: Authenticated;
  readonly roles: ReadonlySet<string>;
  /** Of the policy that gave the roles. */
  readonly policy: Digest;
  /** Milliseconds since 1970 at which the token ends, clock skew included: it ends a running answer as well. */
  readonly until: number;
  /** RFC 8785 texts, as records carry them. */
  readonly principalText: string;
  readonly tokenText: string;
  /** Where this caller's commands of a connection go; remembered so that ids are derived once. */
  readonly places: Map<ConnectionName, Place>;
}

/** A session object of this caller: the shard that took the last command. */
export interface Place {
  shard: number;
  /** Of the session objects, by shard. */
  readonly ids: DurableObjectId[];
}

const known = new WeakMap<Authenticated, Caller>();

/** The verified-token cache hands out the same object for the same token, so this map follows its life. */
export function callerOf(authenticated: Authenticated, policy: Policy, config: Config): Caller {
  const before = known.get(authenticated);
  if (before !== undefined && before.policy === policy.hash) return before;
  const caller = before === undefined ? newCaller(authenticated, policy, config) : inPolicy(before, policy, config);
  known.set(authenticated, caller);
  return caller;
}

/** Another one, because a command that is under way keeps the roles that it was decided with. */
function inPolicy(caller: Caller, policy: Policy, { firstAdmin }: Config): Caller {
  const roles = rolesOf(policy.roles, caller.authenticated.principal, firstAdmin);
  return { ...caller, roles, policy: policy.hash };
}

function newCaller(authenticated: Authenticated, policy: Policy, config: Config): Caller {
  const { principal, token } = authenticated;
  const skew = config.issuers.find(({ issuer }) => issuer === principal.issuer)?.clock_skew_seconds ?? 0;
  return {
    authenticated,
    until: (token.expires + skew) * 1000,
    roles: rolesOf(policy.roles, principal, config.firstAdmin),
    policy: policy.hash,
    principalText: canonicalText({ ...principal, actors: principal.actors.map((actor) => ({ ...actor })) }),
    tokenText: canonicalText({ ...token }),
    places: new Map(),
  };
}

/** As somebody in an approval. */
export function partyOf({ authenticated: { principal } }: Caller): Party {
  return principalParty(principal);
}

export function placeOf(caller: Caller, connection: ConnectionName): Place {
  const before = caller.places.get(connection);
  if (before !== undefined) return before;
  const place: Place = { shard: 0, ids: [] };
  caller.places.set(connection, place);
  return place;
}

/**
 * Name of the session object: HMAC-SHA-256 over principal with actor chain, connection and shard. The
 * platform shows object names to operators; this one tells nobody who it is.
 */
export function objectName(caller: Caller, connection: ConnectionName, shard: number, config: Config): string {
  const { issuer, subject, actors } = caller.authenticated.principal;
  const text = canonicalText([
    issuer,
    subject,
    actors.map((actor) => [actor.issuer, actor.subject]),
    connection,
    shard,
  ]);
  return createHmac("sha256", config.pseudonymKey).update(text).digest("hex");
}
