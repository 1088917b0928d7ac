// How often one person may call the API: counted by the platform, for each of its places by itself
// (developers.cloudflare.com/workers/runtime-apis/bindings/rate-limit). It protects the objects behind the
// API from a script that has run wild; it is no promise to anybody, and tool traffic is not counted.

import { createHmac } from "node:crypto";
import { canonicalText } from "../../core/record/canonical.ts";
import type { Caller } from "../caller.ts";
import type { Gateway } from "../gateway.ts";
import type { Refusal } from "./route.ts";

const LABEL = "sallyport.api_limit.v1";

const keys = new WeakMap<Caller, string>();

/** Null if the call may go on. Without the binding, or while it does not answer, every call may: nothing is allowed by it. */
export async function limitCaller(caller: Caller, { env, config }: Gateway): Promise<Refusal | null> {
  if (env.API_LIMIT === undefined) return null;
  try {
    const { success } = await env.API_LIMIT.limit({ key: keyOf(caller, config.pseudonymKey) });
    return success ? null : { reason: "rate_limited", more: { headers: limitHeaders(config.apiRate) } };
  } catch {
    return null;
  }
}

/**
 * draft-ietf-httpapi-ratelimit-headers-10. The binding says yes or no and not when again, so the whole
 * window is told: by then it has begun anew.
 */
function limitHeaders(rate: { readonly quota: number; readonly seconds: number } | null): [string, string][] {
  if (rate === null) return [["retry-after", "60"]];
  return [
    ["retry-after", String(rate.seconds)],
    ["ratelimit-policy", `"api";q=${rate.quota};w=${rate.seconds}`],
    ["ratelimit", `"api";r=0;t=${rate.seconds}`],
  ];
}

/** One key a person, whatever token they bring. The platform is told no name. */
function keyOf(caller: Caller, key: Uint8Array): string {
  const known = keys.get(caller);
  if (known !== undefined) return known;
  const { issuer, subject } = caller.authenticated.principal;
  const made = createHmac("sha256", key)
    .update(canonicalText([LABEL, issuer, subject]))
    .digest("hex");
  keys.set(caller, made);
  return made;
}
