// The policy in force and those before it: reading, checking, putting another in force. The control
// object compares and sets, so of two who change it at once one is told that they came late.

import * as v from "valibot";
import { parseDigest } from "../../core/ids.ts";
import type { Digest } from "../../core/ids.ts";
import type { Result } from "../../core/result.ts";
import { controlOf } from "../control_client.ts";
import type { Cleared } from "../http/exchange.ts";
import { problem } from "../problem.ts";
import { changeText, json, maskedWords, tagged } from "./answers.ts";
import { numberedList } from "./numbered_list.ts";
import { type InForce, judge, type Judged, policyInForce } from "./policy_judgement.ts";
import { Applied, Checked, PolicyVersionItem } from "./policy_schemas.ts";
import { type Incoming, type Prepared, type PrepareRefusal, type Route, route } from "./route.ts";
import { Hash, line } from "./schemas.ts";
import { JSON_BODY_LIMIT } from "./revocations.ts";

const YAML = "application/yaml";
/** Bytes: what the policy's own reader takes. */
const POLICY_LIMIT: number = 512 * 1024;

const IF_MATCH = {
  "if-match": { description: "The entity tag of the policy that the change is made to", required: true },
} as const;
const CHANGE_REFUSALS = [
  "precondition_needed",
  "precondition_failed",
  "policy_invalid",
  "policy_examples_fail",
] as const;
const YAML_BODY = {
  mediaType: YAML,
  limit: POLICY_LIMIT,
  schema: v.string(),
  description: "The policy's text",
} as const;

const readPolicy = route({
  id: "policy",
  method: "GET",
  path: "/api/v1/policy",
  who: ["admin", "auditor"],
  summary: "Read the policy in force",
  description: "Byte for byte as it was applied; no text where none ever was. The entity tag is its hash.",
  answers: {
    200: { description: "The text", content: { [YAML]: null }, headers: ["etag"] },
    304: { description: "It is the one that the caller has" },
  },
  answer: async (_call, { exchange }) => {
    const { hash, text } = await policyInForce(controlOf(exchange.gateway.env));
    return tagged(exchange.request, text, YAML, `"${hash}"`, {});
  },
});

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

const listVersions = numberedList({
  id: "policies",
  summary: "List the policies that were in force",
  description: "Newest first. The same text applied again is another version.",
  what: "versions",
  item: PolicyVersionItem,
  ask: ({ env }, page) => controlOf(env).policyVersions(page),
  shown: (version) => version,
});

const checkPolicy = route({
  id: "policy-check",
  method: "POST",
  path: "/api/v1/policy/check",
  who: ["admin", "auditor"],
  summary: "Say what applying a policy would do",
  description: "Nothing is changed. Examples that are decided otherwise than they expect are problems, too.",
  body: YAML_BODY,
  answers: {
    200: { description: "What there is to say of it", content: { "application/json": Checked } },
  },
  answer: async ({ body }, { exchange }) => {
    const { env, config } = exchange.gateway;
    const judged = judge(body, await policyInForce(controlOf(env)), config, Date.now());
    const problems = [...judged.problems, ...judged.failures];
    return json({
      ok: problems.length === 0,
      hash: judged.hash,
      problems,
      warnings: judged.warnings,
      diff: diffOf(judged),
    });
  },
});

const applyPolicy = route({
  id: "policy-apply",
  method: "PUT",
  path: "/api/v1/policy",
  who: ["admin"],
  summary: "Put a policy in force",
  description:
    "It decides every command that arrives at the region a second later. Nothing changes unless the whole text can be read, its examples are decided as they expect, and the policy in force is still the one that `If-Match` names.",
  query: v.strictObject({ comment: v.optional(line(512, "Why, for those who read it later")) }),
  headers: IF_MATCH,
  body: YAML_BODY,
  refusals: CHANGE_REFUSALS,
  answers: { 200: { description: "It is in force", content: { "application/json": Applied }, headers: ["etag"] } },
  prepare: async (call) => {
    const before = await policyInForce(controlOf(call.exchange.gateway.env));
    return prepareChange(call, before, call.body, (diff) => diff);
  },
  answer: ({ query }, cleared, _signal, change) => apply(cleared, change, query.comment ?? ""),
});

const rollBack = route({
  id: "policy-rollback",
  method: "POST",
  path: "/api/v1/policy/rollback",
  who: ["admin"],
  summary: "Put an earlier policy in force again",
  description: "By its hash. It must hold today what any policy must hold; it becomes a version of its own.",
  headers: IF_MATCH,
  body: {
    mediaType: "application/json",
    limit: JSON_BODY_LIMIT,
    schema: v.strictObject({
      hash: v.pipe(Hash),
      comment: v.optional(line(512, "Why, for those who read it later")),
    }),
    description: "Which, and why",
  },
  refusals: [...CHANGE_REFUSALS, "not_found"],
  answers: { 200: { description: "It is in force", content: { "application/json": Applied }, headers: ["etag"] } },
  prepare: async (call) => {
    const control = controlOf(call.exchange.gateway.env);
    const hash = parseDigest(call.body.hash);
    const asked = changeText({ ...call.body, comment: maskedWords(call.body.comment ?? "") || undefined });
    const text = hash === null ? null : await control.policyText(hash);
    if (text === null) return { ok: false, reason: "not_found", fields: { change: asked } };
    return prepareChange(call, await policyInForce(control), text, (diff) => `${asked}\n${diff}`);
  },
  answer: ({ body }, cleared, _signal, change) => apply(cleared, change, body.comment ?? ""),
});

interface Change {
  readonly text: string;
  readonly judged: Judged;
  readonly expected: Digest;
}

/** All that can be refused is refused here, before the intent: what is recorded as asked for is then done, or came late. */
function prepareChange(
  { exchange }: Incoming,
  before: InForce,
  text: string,
  recorded: (diff: string) => string,
): Result<Prepared<Change>, PrepareRefusal> {
  const stated = exchange.request.headers.get("if-match");
  if (stated === null || stated.trim() === "*") return { ok: false, reason: "precondition_needed" };
  // Strong comparison (RFC 9110 §13.1.1): a weak tag names no bytes.
  if (!stated.split(",").some((one) => one.trim() === `"${before.hash}"`))
    return { ok: false, reason: "precondition_failed", more: { headers: [["etag", `"${before.hash}"`]] } };
  const judged = judge(text, before, exchange.gateway.config, Date.now());
  const fields = { change: recorded(judged.diff.text) };
  const { problems, failures } = judged;
  if (problems.length > 0) return { ok: false, reason: "policy_invalid", more: { errors: problems }, fields };
  if (failures.length > 0) return { ok: false, reason: "policy_examples_fail", more: { errors: failures }, fields };
  return { ok: true, value: { fields, data: { text, judged, expected: before.hash } } };
}

async function apply({ exchange, caller }: Cleared, change: Change, comment: string): Promise<Response> {
  const { gateway, command } = exchange;
  const { text, judged, expected } = change;
  const { issuer, subject } = caller.authenticated.principal;
  const by = { issuer, subject };
  const why = maskedWords(comment);
  const control = controlOf(gateway.env);
  const applied = await control.applyPolicy({ hash: judged.hash, text, expected, by, command, comment: why });
  if (!applied.ok) return problem("precondition_failed", null, [["etag", `"${applied.current}"`]]);
  gateway.control.forget();
  return json({ version: applied.version, diff: diffOf(judged) }, 200, { etag: `"${judged.hash}"` });
}

function diffOf({ diff, changes }: Judged) {
  return { ...diff, changes };
}

export const POLICY_ROUTES: readonly Route[] = [
  readPolicy,
  applyPolicy,
  checkPolicy,
  rollBack,
  listVersions,
  readVersion,
];
