// The policy's texts, as they were applied.

import * as v from "valibot";
import { toHex } from "../../core/bytes.ts";
import { type Digest, parseDigest } from "../../core/ids.ts";
import { EMPTY_POLICY, parsePolicy } from "../../core/policy/policy.ts";
import { ok, refuse } from "../../core/result.ts";
import { sha256 } from "../../durable/sha256.ts";
import { controlOf } from "../control_client.ts";
import { problem } from "../problem.ts";
import { checkAgainstConfig } from "../policy_check.ts";
import { json, tagged } from "./answers.ts";
import { type Route, route } from "./route.ts";

export const YAML = "application/yaml";
const POLICY_LIMIT: number = 512 * 1024;

const readVersion = route({
  id: "policy-text",
  method: "GET",
  path: "/api/v1/policies/{hash}",
  who: ["admin", "auditor"],
  summary: "Read a policy's text",
  description: "Any that was in force once, byte for byte; decisions name the hash of theirs.",
  refusals: ["not_found"],
  answers: {
    200: { description: "The text", content: { [YAML]: null }, headers: ["etag"] },
    304: { description: "It is the one that the caller has" },
  },
  answer: async ({ path }, { exchange }) => {
    const { gateway, request } = exchange;
    const hash = parseDigest(path.get("hash") ?? "");
    if (hash === null) return problem("not_found", null);
    const text = await controlOf(gateway.env).policyText(hash);
    if (text === null) return problem("not_found", null);
    return tagged(request, text, YAML, `"${hash}"`, { "cache-control": "private, max-age=31536000, immutable" });
  },
});

const readCurrent = route({
  id: "policy",
  method: "GET",
  path: "/api/v1/policy",
  who: ["admin", "auditor"],
  summary: "Read the policy in force",
  description: "Byte for byte as it was applied; empty where none was. Its entity tag is its hash.",
  refusals: ["not_found"],
  answers: {
    200: { description: "The text", content: { [YAML]: null }, headers: ["etag"] },
    304: { description: "It is the one that the caller has" },
  },
  answer: async (_call, { exchange }) => {
    const { gateway, known, request } = exchange;
    const hash = known.inForce?.hash ?? EMPTY_POLICY.hash;
    const text = hash === EMPTY_POLICY.hash ? "" : await controlOf(gateway.env).policyText(hash);
    return text === null ? problem("not_found", null) : tagged(request, text, YAML, `"${hash}"`, {});
  },
});

const apply = route({
  id: "policy-apply",
  method: "PUT",
  path: "/api/v1/policy",
  who: ["admin"],
  summary: "Apply a policy",
  description: "Puts a text in force, if the one that the caller saw in force still is.",
  headers: { "if-match": { description: "Entity tag of the policy in force", required: true } },
  body: { mediaType: YAML, limit: POLICY_LIMIT, schema: v.string(), description: "The policy" },
  refusals: ["precondition_needed", "precondition_failed", "policy_invalid"],
  answers: { 200: { description: "It is in force", content: { "application/json": v.object({ version: v.any() }) } } },
  prepare: async ({ body, exchange }) => {
    const { request, gateway } = exchange;
    const expected = parseDigest(request.headers.get("if-match")?.replace(/^"(.*)"$/, "$1") ?? "");
    if (expected === null) return refuse({ reason: "precondition_needed" });
    const hash = toHex(sha256(new TextEncoder().encode(body))) as Digest;
    const parsed = parsePolicy(body, hash);
    const problems = parsed.ok ? checkAgainstConfig(parsed.value, gateway.config) : parsed.problems;
    if (problems.length > 0) return refuse({ reason: "policy_invalid", more: { errors: problems } });
    return ok({ fields: {}, data: { hash, expected } });
  },
  answer: async ({ body: text }, { exchange, caller }, _signal, { hash, expected }) => {
    const { gateway, command } = exchange;
    const { issuer, subject } = caller.authenticated.principal;
    const by = { issuer, subject };
    const applied = await controlOf(gateway.env).applyPolicy({ hash, text, expected, by, command, comment: "" });
    gateway.control.forget();
    return applied.ok ? json({ version: applied.version }) : problem("precondition_failed", null);
  },
});

export const POLICY_ROUTES: readonly Route[] = [readCurrent, apply, readVersion];
