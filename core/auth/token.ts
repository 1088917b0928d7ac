// Looks at a token before any key does: everything that could make two readers understand it
// differently, or make a verifier take a key from the token itself, is refused here (RFC 8725).

import { findMembersProblem } from "../protocol/json_members.ts";
import { fromBase64Url } from "../bytes.ts";
import { ok, refuse, type Result } from "../result.ts";
import type { Issuer } from "./issuer.ts";

/** Bytes of a token; honest ones with many groups stay under 4 KiB. */
export const TOKEN_LIMIT: number = 8 * 1024;

/** Stable reasons. The record has them; the caller hears one vague answer. */
export type TokenRefusal =
  | "token_missing"
  | "token_repeated"
  | "token_malformed"
  | "token_oversize"
  | "token_duplicate_member"
  | "scheme_unknown"
  | "issuer_unknown"
  | "issuer_unavailable"
  | "algorithm_refused"
  | "key_embedded"
  | "key_unknown"
  | "crit_unknown"
  | "type_refused"
  | "id_token"
  | "signature_invalid"
  | "audience_wrong"
  | "expired"
  | "not_yet_valid"
  | "claims_malformed"
  | "revoked";

export interface UnverifiedToken {
  readonly text: string;
  readonly algorithm: string;
  readonly keyId: string | null;
  readonly issuer: Issuer;
  /** Not to be believed before the signature is checked. */
  readonly claims: Readonly<Record<string, unknown>>;
}

/** Members of a header that name or carry a key (RFC 7515 §4.1.2–4.1.6): the issuer's own keys are the only ones. */
const KEY_MEMBERS = ["jwk", "jku", "x5u", "x5c"] as const;
/** Claims that OIDC Core §2, §3.3.2.11 puts into ID tokens. */
const ID_TOKEN_CLAIMS = ["nonce", "at_hash", "c_hash", "s_hash"] as const;

export function inspectToken(
  text: string,
  issuers: readonly Issuer[],
): Result<UnverifiedToken, { reason: TokenRefusal }> {
  if (text.length > TOKEN_LIMIT) return refuse({ reason: "token_oversize" });
  const parts = text.split(".");
  const [headerPart, claimsPart, signaturePart] = parts;
  if (parts.length !== 3 || headerPart === undefined || claimsPart === undefined || signaturePart === undefined)
    return refuse({ reason: "token_malformed" });
  if (fromBase64Url(signaturePart) === null) return refuse({ reason: "token_malformed" });
  const header = readPart(headerPart);
  if (!header.ok) return header;
  const claims = readPart(claimsPart);
  if (!claims.ok) return claims;
  const issuer = issuers.find((one) => one.issuer === claims.value.iss);
  if (issuer === undefined) return refuse({ reason: "issuer_unknown" });
  return inspectHeader(text, header.value, claims.value, issuer);
}

/** Whether a text could be a token of one of these issuers, signed or not, for whomever. */
export function namesIssuer(text: string, issuers: readonly Issuer[]): boolean {
  const [, claimsPart = ""] = text.split(".", 3);
  if (text.length > 2 * TOKEN_LIMIT) return true;
  const claims = readPart(claimsPart);
  // What cannot be read for certain might be read by somebody else.
  if (!claims.ok) return claims.reason === "token_duplicate_member";
  return issuers.some(({ issuer }) => claims.value.iss === issuer);
}

function inspectHeader(
  text: string,
  header: Readonly<Record<string, unknown>>,
  claims: Readonly<Record<string, unknown>>,
  issuer: Issuer,
): Result<UnverifiedToken, { reason: TokenRefusal }> {
  if (KEY_MEMBERS.some((name) => Object.hasOwn(header, name))) return refuse({ reason: "key_embedded" });
  // No extension is understood here, so any `crit` must be refused (RFC 7515 §4.1.11).
  if (Object.hasOwn(header, "crit")) return refuse({ reason: "crit_unknown" });
  const algorithm = issuer.algorithms.find((name) => name === header.alg);
  if (algorithm === undefined) return refuse({ reason: "algorithm_refused" });
  if (header.kid !== undefined && typeof header.kid !== "string") return refuse({ reason: "token_malformed" });
  if (header.typ !== undefined && typeof header.typ !== "string") return refuse({ reason: "token_malformed" });
  const type = header.typ?.toLowerCase().replace(/^application\//, "") ?? null;
  if (ID_TOKEN_CLAIMS.some((name) => Object.hasOwn(claims, name))) return refuse({ reason: "id_token" });
  if (!issuer.token_types.includes("any") && (type === null || !issuer.token_types.includes(type)))
    return refuse({ reason: "type_refused" });
  return ok({ text, algorithm, keyId: header.kid ?? null, issuer, claims });
}

function readPart(part: string): Result<Readonly<Record<string, unknown>>, { reason: TokenRefusal }> {
  const bytes = fromBase64Url(part);
  if (bytes === null || bytes.length === 0) return refuse({ reason: "token_malformed" });
  let value: unknown;
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    value = JSON.parse(text);
  } catch {
    return refuse({ reason: "token_malformed" });
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) return refuse({ reason: "token_malformed" });
  const problem = findMembersProblem(text);
  if (problem !== null)
    return refuse({ reason: problem.problem === "duplicate" ? "token_duplicate_member" : "token_malformed" });
  return ok(value as Readonly<Record<string, unknown>>);
}
