// Policies of many rules and the commands that are decided by them, for measuring decisions.

import type { Principal } from "../../core/auth/principal.ts";
import type { Question } from "../../core/policy/decide.ts";
import { routeSegments } from "../../core/protocol/http/target.ts";

export const KINDS = ["mixed", "worst"] as const;
export type Kind = (typeof KINDS)[number];

/** What policies ask, another one for each rule; none of them holds for the commands below. */
const CONDITIONS: readonly ((i: number) => string)[] = [
  (i) => `command.route[?"item"].orValue("").startsWith("@acme-${i}%2F")`,
  (i) => `principal.email.endsWith("@team-${i}.example.net") && principal.email_verified`,
  (i) => `command.headers[?"x-env"].orValue("") == "production-${i}"`,
  (i) => `now.getHours() >= ${24 + i} || principal.subject == "operator-${i}"`,
  (i) => `request.address.inCidr("192.168.${i % 256}.0/24")`,
  (i) => `principal.inGroup("operators-${i}") && command.query[?"force"].hasValue()`,
];

function conditionOf(i: number): string {
  return CONDITIONS[i % CONDITIONS.length]?.(i) ?? "false";
}

const upstream = { protocol: "http", upstream: "https://tool.example", region: "local" };

/** 50 connections, each with its share of the rules; half of the rules have a condition. */
function mixed(rules: number): unknown {
  const connections = Object.fromEntries(
    Array.from({ length: 50 }, (_, i) => [`tool-${i}`, { ...upstream, labels: [`team-${i % 5}`] }]),
  );
  return {
    version: 1,
    roles: { engineer: { groups: ["engineers"] }, lead: { groups: ["leads"] } },
    connections,
    rules: Array.from({ length: rules }, (_, i) => ({
      id: `rule-${i}`,
      ...effectOf(i),
      priority: i % 3,
      who: i % 4 === 0 ? { roles: ["lead"] } : i % 4 === 1 ? "anyone" : { roles: ["engineer"] },
      connections: i % 20 === 0 ? ["*"] : i % 20 === 1 ? { labels: [`team-${i % 5}`] } : [`tool-${i % 50}`],
      methods: i % 2 === 0 ? ["GET", "HEAD"] : ["PUT", "POST", "DELETE"],
      routes: [`/v1/items-${i}/**`, `/v${i % 3}/{item}`],
      ...(i % 2 === 0 ? { when: conditionOf(i) } : {}),
    })),
  };
}

/** Every rule fits the command but for its condition, and only the last one's holds. */
function worst(rules: number): unknown {
  return {
    version: 1,
    roles: { engineer: { groups: ["engineers"] } },
    connections: { "tool-0": upstream },
    rules: Array.from({ length: rules }, (_, i) => ({
      id: `rule-${i}`,
      effect: "allow",
      who: { roles: ["engineer"] },
      connections: ["tool-0"],
      methods: ["PUT"],
      routes: ["/v1/{item}"],
      when: i === rules - 1 ? `principal.subject == "person-0"` : conditionOf(i),
    })),
  };
}

function effectOf(i: number): object {
  if (i % 7 === 0) return { effect: "deny" };
  return i % 11 === 0 ? { effect: "needs-approval", approve: { by: [{ roles: ["lead"] }] } } : { effect: "allow" };
}

export function policyText(kind: Kind, rules: number): string {
  return JSON.stringify(kind === "mixed" ? mixed(rules) : worst(rules));
}

const PRINCIPAL: Principal = {
  issuer: "https://id.example",
  subject: "person-0",
  name: "Person",
  email: "person-0@example.com",
  emailVerified: true,
  groups: ["engineers", "staff"],
  authTime: 1_795_000_000,
  methods: ["pwd"],
  actors: [],
};

/** Taken in turn. */
export function commands(kind: Kind): readonly Question[] {
  return Array.from({ length: kind === "mixed" ? 50 : 1 }, (_, i) => {
    const path = kind === "mixed" && i % 3 === 0 ? `/v1/items-${i}/x` : "/v1/thing";
    return {
      principal: PRINCIPAL,
      roles: new Set(["engineer"]),
      connection: `tool-${i}`,
      method: i % 2 === 0 ? "PUT" : "GET",
      segments: routeSegments(path),
      path,
      query: "limit=10",
      headers: [
        ["accept", "application/json"],
        ["content-type", "application/json"],
        ["user-agent", "bench/1"],
      ],
      address: "10.0.0.1",
      region: "local",
      now: 1_795_500_000_000,
      body: { kind: "none" },
      message: null,
    };
  });
}
