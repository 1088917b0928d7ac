// From the claims of a verified token to a Principal.

import type { JWTPayload } from "jose";
import { ok, refuse, type Result } from "../result.ts";
import type { Actor, Authenticated } from "./principal.ts";
import type { TokenRefusal, UnverifiedToken } from "./token.ts";

const TEXT_LIMIT = 512;
const GROUPS_LIMIT = 256;
/** Longer delegation is a mistake or an attack. */
const ACTORS_LIMIT = 8;
/** Claims that a token may leave out, or write in a type that is not theirs; then the principal does without. */
const SHOWN = ["name", "email", "jti", "client_id", "azp"] as const;
/** The last second that a Date can name (ECMAScript §21.4.1.1). */
const LAST_SECOND = 8_640_000_000_000;

export function authenticatedOf(
  claims: JWTPayload,
  token: UnverifiedToken,
): Result<Authenticated, { reason: TokenRefusal }> {
  const malformed = refuse({ reason: "claims_malformed" as const });
  const issuer = token.issuer.issuer;
  const subject = boundedText(claims.sub);
  const groups = textList(claims[token.issuer.groups_claim] ?? [], GROUPS_LIMIT);
  const methods = textList(claims.amr ?? [], 16);
  const actors = actorsOf(claims.act, issuer);
  if (subject === null || groups === null || methods === null || actors === null) return malformed;
  // RFC 8785 §3.2.2.2 has no form for half a surrogate pair, and its readers would not agree on what it means.
  if (SHOWN.some((name) => !isWellFormed(claims[name]))) return malformed;
  if (typeof claims.exp !== "number" || Math.abs(claims.exp) > LAST_SECOND) return malformed;
  return ok({
    principal: {
      issuer,
      subject,
      name: boundedText(claims.name),
      email: boundedText(claims.email),
      emailVerified: claims.email_verified === true,
      groups,
      authTime: wholeNumber(claims.auth_time),
      methods,
      actors,
    },
    token: {
      id: boundedText(claims.jti),
      // What is cut must not end in half a character.
      keyId: token.keyId === null ? null : token.keyId.slice(0, TEXT_LIMIT).toWellFormed(),
      algorithm: token.algorithm,
      issuedAt: wholeNumber(claims.iat),
      expires: Math.floor(claims.exp),
      client: boundedText(claims.client_id) ?? boundedText(claims.azp),
    },
  });
}

/** RFC 8693 §4.1: the outermost `act` is the current actor. An actor without `iss` is the token's issuer's. */
function actorsOf(act: unknown, issuer: string): Actor[] | null {
  const actors: Actor[] = [];
  for (let next = act; next !== undefined;) {
    if (typeof next !== "object" || next === null || actors.length >= ACTORS_LIMIT) return null;
    const { sub, iss, act: further } = next as { sub?: unknown; iss?: unknown; act?: unknown };
    const subject = boundedText(sub);
    const by = iss === undefined ? issuer : boundedText(iss);
    if (subject === null || by === null) return null;
    actors.push({ issuer: by, subject });
    next = further;
  }
  return actors;
}

function boundedText(value: unknown): string | null {
  return typeof value === "string" && value !== "" && value.length <= TEXT_LIMIT && isWellFormed(value) ? value : null;
}

function isWellFormed(value: unknown): boolean {
  return typeof value !== "string" || value.isWellFormed();
}

function textList(value: unknown, limit: number): string[] | null {
  if (!Array.isArray(value) || value.length > limit) return null;
  const texts = value.map(boundedText).filter((text) => text !== null);
  return texts.length === value.length ? texts : null;
}

/** Records hold safe integers only: a time of 1e300 must not make the command one that cannot be recorded. */
function wholeNumber(value: unknown): number | null {
  return typeof value === "number" && Number.isSafeInteger(Math.floor(value)) ? Math.floor(value) : null;
}
