// The policy as a gateway has it: current, by hash, and its versions.

import { createHash } from "node:crypto";
import * as v from "valibot";
import { ok, refuse, type Result } from "../../core/result.ts";
import type { Access } from "../access.ts";
import { boundedText } from "../bounded_text.ts";
import { call, notAGateway } from "../gateway_client.ts";
import { listed } from "../pages.ts";
import type { CliRefusal } from "../refusal.ts";

const TEXT_LIMIT = 1024 * 1024;

export interface RemotePolicy {
  readonly text: string;
  readonly hash: string;
}

/** An empty text where none was ever applied. */
export async function currentPolicy(access: Access): Promise<Result<RemotePolicy, CliRefusal>> {
  return policyAt(access, "/api/v1/policy", null);
}

export async function policyOfHash(access: Access, hash: string): Promise<Result<RemotePolicy, CliRefusal>> {
  return policyAt(access, `/api/v1/policies/${hash}`, hash);
}

/** The text is hashed here: a policy is compared, applied and shown by what it is, not by what is said of it. */
async function policyAt(
  access: Access,
  path: string,
  expected: string | null,
): Promise<Result<RemotePolicy, CliRefusal>> {
  const missing = "the gateway never had this policy. `sallyport policy history` lists those it had.";
  const got = await call(access, { path, missing, headers: { accept: "application/yaml" } });
  if (!got.ok) return got;
  const text = await boundedText(got.value, TEXT_LIMIT);
  if (text === null) return notAGateway();
  const hash = createHash("sha256").update(text).digest("hex");
  const stated = expected ?? /^"([0-9a-f]{64})"$/.exec(got.value.headers.get("etag") ?? "")?.[1];
  if (stated !== hash)
    return refuse({
      reason: "unreachable",
      what: "the policy that came is not the one that its hash names. Try again.",
    });
  return ok({ text, hash });
}

export const VersionBody = v.object({
  no: v.number(),
  hash: v.string(),
  previous: v.nullable(v.string()),
  time: v.number(),
  by: v.object({ issuer: v.string(), subject: v.string() }),
  command: v.string(),
  comment: v.string(),
});
export type Version = v.InferOutput<typeof VersionBody>;

/** Newest first. */
export async function policyVersions(access: Access, limit: number): Promise<Result<readonly Version[], CliRefusal>> {
  const got = await listed(access, "/api/v1/policies", {}, VersionBody, limit);
  return got.ok ? ok(got.value.items) : got;
}
