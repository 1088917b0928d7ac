import type { Principal } from "../../../core/auth/principal.ts";
import { type Digest, parseDigest } from "../../../core/ids.ts";
import { type Policy, parsePolicy } from "../../../core/policy/policy.ts";

export const ISSUER = "https://id.example";

export const HASH: Digest = digest();

function digest(): Digest {
  const hash = parseDigest("5a".repeat(32));
  if (hash === null) throw new TypeError("no digest");
  return hash;
}

export function person(subject: string, groups: readonly string[] = [], more: Partial<Principal> = {}): Principal {
  return {
    issuer: ISSUER,
    subject,
    name: null,
    email: null,
    emailVerified: false,
    groups,
    authTime: null,
    methods: [],
    actors: [],
    ...more,
  };
}

/** A file's value with one connection and one role; parts can be replaced. */
export function file(parts: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return {
    version: 1,
    roles: { engineer: { groups: ["engineers"] } },
    connections: { registry: { protocol: "http", upstream: "https://registry.example/base", region: "eu" } },
    rules: [rule()],
    ...parts,
  };
}

export function rule(parts: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return {
    id: "read",
    effect: "allow",
    who: { roles: ["engineer"] },
    connections: ["registry"],
    methods: ["GET"],
    routes: ["/**"],
    ...parts,
  };
}

export function policyOf(value: unknown): Policy {
  const parsed = parsePolicy(JSON.stringify(value), HASH);
  if (!parsed.ok) throw new TypeError(`${parsed.path}: ${parsed.expected}`);
  return parsed.value;
}
