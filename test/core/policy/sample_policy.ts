import type { Principal } from "../../../core/auth/principal.ts";
import { type Digest, parseDigest } from "../../../core/ids.ts";
import type { Question, NeedsBody } from "../../../core/policy/decide.ts";
import type { Decision } from "../../../core/policy/decision.ts";
import { type Policy, parsePolicy } from "../../../core/policy/policy.ts";
import { routeSegments } from "../../../core/protocol/http/target.ts";

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

/** One that needs an approval gets one of the group `approvers`, where the parts say nothing of it. */
export function rule(parts: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return {
    id: "read",
    effect: "allow",
    who: { roles: ["engineer"] },
    connections: ["registry"],
    methods: ["GET"],
    routes: ["/**"],
    ...(parts.effect === "needs-approval" ? { approve: { by: [{ groups: ["approvers"] }] } } : {}),
    ...parts,
  };
}

export function policyOf(value: unknown): Policy {
  const parsed = parsePolicy(JSON.stringify(value), HASH);
  if (!parsed.ok) throw new TypeError(parsed.problems.map(({ path, expected }) => `${path}: ${expected}`).join("\n"));
  return parsed.value;
}

/** A GET of `/` on `registry` by nobody in particular; parts can be replaced. */
export function asking(parts: Partial<Question> = {}): Question {
  const path = parts.path ?? "/";
  return {
    principal: person("nobody"),
    roles: new Set(),
    connection: "registry",
    method: "GET",
    segments: routeSegments(path),
    path,
    query: "",
    headers: [],
    address: null,
    region: "eu",
    now: Date.UTC(2026, 10, 24, 10),
    body: { kind: "unread" },
    message: null,
    ...parts,
  };
}

export function withoutBody(decided: Decision | NeedsBody): Decision {
  if (decided.effect === "needs_body") throw new TypeError("the decision needs the body");
  return decided;
}
