// Which OIDC issuers are trusted, and what their access tokens look like: the ISSUERS variable.

import * as v from "valibot";
import { ok, refuse, type Result } from "../result.ts";

/** Signature algorithms a token may name. Never `none`, never a shared secret. */
export const ALGORITHMS = ["RS256", "PS256", "ES256", "EdDSA"] as const;

const issuerSchema = v.strictObject({
  /** As tokens name it, to the letter. OpenID Connect Discovery §3: no query, no fragment. */
  issuer: v.pipe(
    v.string(),
    v.regex(/^https?:\/\/[^?#\s]+$/),
    v.check((text) => URL.canParse(text), "a URL"),
  ),
  /** One of them must be in the token's `aud`. */
  audiences: v.pipe(v.array(v.string()), v.minLength(1)),
  /** `typ` of the token's header, without `application/`; RFC 9068 §2.1 wants at+jwt. "any" leaves the telltale claims of ID tokens as the only sign. */
  token_types: v.optional(v.pipe(v.array(v.pipe(v.string(), v.toLowerCase())), v.minLength(1)), ["at+jwt"]),
  algorithms: v.optional(v.array(v.picklist(ALGORITHMS)), [...ALGORITHMS]),
  groups_claim: v.optional(v.string(), "groups"),
  clock_skew_seconds: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(300)), 30),
});

export interface Issuer {
  readonly issuer: string;
  readonly audiences: readonly string[];
  readonly token_types: readonly string[];
  readonly algorithms: readonly (typeof ALGORITHMS)[number][];
  readonly groups_claim: string;
  readonly clock_skew_seconds: number;
}

export type IssuersRefusal = { readonly reason: "issuers_invalid"; readonly path: string; readonly expected: string };

/** `allowInsecureHttp` is for development on one machine only: whoever sits between reads and forges keys. */
export function parseIssuers(text: string, allowInsecureHttp: boolean): Result<readonly Issuer[], IssuersRefusal> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return refuse({ reason: "issuers_invalid", path: "", expected: "a JSON array" });
  }
  const parsed = v.safeParse(v.array(issuerSchema), value);
  if (!parsed.success) {
    const [issue] = parsed.issues;
    return refuse({ reason: "issuers_invalid", path: v.getDotPath(issue) ?? "", expected: issue.message });
  }
  const insecure = parsed.output.find((one) => !one.issuer.startsWith("https://") && !allowInsecureHttp);
  if (insecure !== undefined) return refuse({ reason: "issuers_invalid", path: "issuer", expected: "https" });
  const names = new Set(parsed.output.map((one) => one.issuer));
  if (names.size !== parsed.output.length)
    return refuse({ reason: "issuers_invalid", path: "issuer", expected: "each issuer once" });
  return ok(parsed.output);
}
