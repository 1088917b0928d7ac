// What README.md says of the demonstration's people, by the policy that `npm start` deploys.

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { decide, rolesOf } from "../../core/policy/decide.ts";
import type { Digest } from "../../core/ids.ts";
import { parsePolicy } from "../../core/policy/policy.ts";
import { PEOPLE } from "../../local/oidc_people.ts";
import { asking } from "../core/policy/sample_policy.ts";
import { ROOT } from "./text.ts";

const HASH = "0".repeat(64) as Digest;
const ISSUER = "http://127.0.0.1:8788";
const parsed = parsePolicy(readFileSync(`${ROOT}/local/demo_policy.yaml`, "utf8"), HASH);
if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
const policy = parsed.value;

function caller(subject: string) {
  const person = PEOPLE.find((one) => one.subject === subject);
  if (person === undefined) throw new Error(`nobody is called ${subject}`);
  const principal = {
    issuer: ISSUER,
    subject,
    name: person.name,
    email: person.email,
    emailVerified: true,
    groups: person.groups,
    authTime: null,
    methods: [],
    actors: [],
  };
  return { principal, roles: rolesOf(policy.roles, principal, { issuer: ISSUER, subject: "dan" }) };
}

function asks(subject: string, method: string, path: string): string {
  return decide(policy, asking({ ...caller(subject), method, path })).effect;
}

test("Alice reads packages, publishes what a lead approves and removes none; Bob publishes", () => {
  expect(asks("alice", "GET", "/-/whoami")).toBe("allow");
  expect(asks("alice", "PUT", "/left-pad")).toBe("needs_approval");
  expect(asks("alice", "DELETE", "/left-pad")).toBe("deny");
  expect(asks("bob", "PUT", "/left-pad")).toBe("allow");
  expect(asks("carol", "GET", "/left-pad")).toBe("deny");
});

test("nobody manages the registry's own users", () => {
  for (const { subject } of PEOPLE) expect(asks(subject, "PUT", "/-/user/org.couchdb.user:me")).toBe("deny");
});

test("Carol is an auditor, and Dan alone is an admin, who may revoke tokens", () => {
  const having = (role: string): string[] =>
    PEOPLE.filter(({ subject }) => caller(subject).roles.has(role)).map(({ subject }) => subject);
  expect(having("auditor")).toEqual(["carol"]);
  expect(having("admin")).toEqual(["dan"]);
});
