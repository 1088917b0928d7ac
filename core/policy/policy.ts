// The policy file: roles, connections and who may use which methods on which routes. Parsed once, at
// the boundary; anything it does not understand is refused, so that a typing error never allows.

import * as v from "valibot";
import type { ConnectionName, Digest } from "../ids.ts";
import { parseConnectionName } from "../ids.ts";
import type { CredentialUse } from "../protocol/http/credential.ts";
import { isReservedHeader } from "../protocol/http/reserved.ts";
import { verbClass } from "../protocol/http/methods.ts";
import { findMembersProblem } from "../protocol/json_members.ts";
import { ok, refuse, type Result } from "../result.ts";
import { parseRoute, type RoutePattern } from "./route.ts";

/** Built in: the gateway's own API. */
export const CONSOLE = "console" as ConnectionName;
const TEXT_LIMIT: number = 1024 * 1024;

const Name = v.pipe(v.string(), v.regex(/^[a-z][a-z0-9_-]{0,63}$/, "a name: a-z, 0-9, _ and -"));
const Subject = v.strictObject({ issuer: v.pipe(v.string(), v.minLength(1)), subject: v.pipe(v.string(), v.minLength(1)) });
const Role = v.strictObject({ groups: v.optional(v.array(v.string()), []), issuer: v.optional(v.string()), subjects: v.optional(v.array(Subject), []) });
const Secret = v.pipe(v.string(), v.regex(/^UPSTREAM_[A-Z0-9_]{1,64}$/, "the name of a secret that begins with UPSTREAM_"));
const HeaderName = v.pipe(
  v.string(),
  v.regex(/^[a-z0-9-]{1,64}$/, "a header name in lower case"),
  v.check((name) => !isReservedHeader(name), "a header that the gateway does not set itself"),
);
const Credential = v.variant("as", [
  v.strictObject({ as: v.literal("header"), name: HeaderName, secret: Secret }),
  v.strictObject({ as: v.literal("basic"), secret: Secret }),
  v.strictObject({ as: v.literal("query"), name: v.pipe(v.string(), v.regex(/^[A-Za-z0-9_.-]{1,64}$/)), secret: Secret }),
]);
const Upstream = v.pipe(v.string(), v.check(isUpstream, "an http(s) URL without user, query, fragment or dot segments"));
const Connection = v.strictObject({
  protocol: v.literal("http"),
  upstream: Upstream,
  region: Name,
  credential: v.optional(Credential),
  labels: v.optional(v.array(Name), []),
  timeout_seconds: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(600)), 60),
});
const Method = v.pipe(v.string(), v.check((name) => name === "*" || verbClass(name) !== null, "an HTTP method in upper case, or *"));
const Route = v.pipe(v.string(), v.check((text) => parseRoute(text) !== null, "a route: /literal/*/{name}/**"));
const Rule = v.strictObject({
  id: Name,
  effect: v.picklist(["allow", "deny"]),
  who: v.strictObject({ roles: v.optional(v.array(Name), []), groups: v.optional(v.array(v.string()), []), subjects: v.optional(v.array(Subject), []) }),
  connections: v.array(v.string()),
  methods: v.array(Method),
  routes: v.array(Route),
});
const File = v.strictObject({
  $schema: v.optional(v.string()),
  version: v.literal(1),
  roles: v.optional(v.record(Name, Role), {}),
  connections: v.optional(v.record(v.string(), Connection), {}),
  rules: v.optional(v.pipe(v.array(Rule), v.maxLength(1000)), []),
});

export interface ConnectionSettings {
  readonly name: ConnectionName;
  readonly protocol: "http";
  /** Without a slash at the end. */
  readonly upstream: string;
  readonly region: string;
  readonly credential: CredentialUse | null;
  readonly timeoutSeconds: number;
}

export interface PolicyRule {
  readonly id: string;
  readonly effect: "allow" | "deny";
  readonly roles: ReadonlySet<string>;
  readonly groups: ReadonlySet<string>;
  readonly subjects: readonly { readonly issuer: string; readonly subject: string }[];
  readonly connections: ReadonlySet<string>;
  readonly methods: ReadonlySet<string>;
  readonly routes: readonly RoutePattern[];
}

export interface PolicyRole {
  readonly name: string;
  readonly groups: ReadonlySet<string>;
  /** If given, groups count only from this issuer. */
  readonly issuer: string | null;
  readonly subjects: readonly { readonly issuer: string; readonly subject: string }[];
}

export interface Policy {
  readonly hash: Digest;
  readonly roles: readonly PolicyRole[];
  readonly connections: ReadonlyMap<string, ConnectionSettings>;
  readonly rules: readonly PolicyRule[];
}

export type PolicyRefusal = { readonly reason: "policy_invalid"; readonly path: string; readonly expected: string };

export function parsePolicy(text: string, hash: Digest): Result<Policy, PolicyRefusal> {
  const invalid = (path: string, expected: string): Result<Policy, PolicyRefusal> => refuse({ reason: "policy_invalid", path, expected });
  if (text.length > TEXT_LIMIT) return invalid("", `at most ${TEXT_LIMIT} characters`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return invalid("", "JSON");
  }
  const problem = findMembersProblem(text);
  if (problem !== null) return invalid(problem.problem === "duplicate" ? problem.member : "", "each member once, at most 64 levels deep");
  const parsed = v.safeParse(File, value);
  if (!parsed.success) {
    const [issue] = parsed.issues;
    return invalid(v.getDotPath(issue) ?? "", issue.message);
  }
  return resolve(parsed.output, hash);
}

function resolve(file: v.InferOutput<typeof File>, hash: Digest): Result<Policy, PolicyRefusal> {
  const invalid = (path: string, expected: string): Result<Policy, PolicyRefusal> => refuse({ reason: "policy_invalid", path, expected });
  const connections = new Map<string, ConnectionSettings>();
  for (const [key, settings] of Object.entries(file.connections)) {
    const name = parseConnectionName(key);
    if (name === null || name === CONSOLE) return invalid(`connections.${key}`, "a connection's name: a-z, 0-9, single dashes, not console");
    connections.set(name, {
      name,
      protocol: settings.protocol,
      upstream: settings.upstream.replace(/\/+$/, ""),
      region: settings.region,
      credential: settings.credential ?? null,
      timeoutSeconds: settings.timeout_seconds,
    });
  }
  const ids = new Set<string>();
  const rules: PolicyRule[] = [];
  for (const [index, rule] of file.rules.entries()) {
    if (ids.has(rule.id)) return invalid(`rules.${index}.id`, `another id: ${rule.id} is taken`);
    ids.add(rule.id);
    const role = rule.who.roles.find((name) => !Object.hasOwn(file.roles, name));
    if (role !== undefined) return invalid(`rules.${index}.who.roles`, `a role of this file, not ${role}`);
    const connection = rule.connections.find((name) => name !== "*" && !connections.has(name));
    if (connection !== undefined) return invalid(`rules.${index}.connections`, `a connection of this file, not ${connection}`);
    rules.push({
      id: rule.id,
      effect: rule.effect,
      roles: new Set(rule.who.roles),
      groups: new Set(rule.who.groups),
      subjects: rule.who.subjects,
      connections: new Set(rule.connections),
      methods: new Set(rule.methods),
      routes: rule.routes.map((route) => parseRoute(route)).filter((route) => route !== null),
    });
  }
  const roles = Object.entries(file.roles).map(([name, role]) => ({ name, groups: new Set(role.groups), issuer: role.issuer ?? null, subjects: role.subjects }));
  return ok({ hash, roles, connections, rules });
}

function isUpstream(text: string): boolean {
  if (!/^https?:\/\/[A-Za-z0-9.\-[\]:]+(?:\/[A-Za-z0-9\-._~!$&'()*+,;=:@/]*)?$/.test(text)) return false;
  const url = URL.canParse(text) ? new URL(text) : null;
  return url !== null && url.username === "" && (url.href === text || url.href === `${text}/`);
}
