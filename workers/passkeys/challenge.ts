// What a page gives a passkey to sign, sealed into the page's form: a random text that is good once, for one
// login's person and five minutes. That it was used is kept by the control object (durable/passkeys.ts).

import { randomBytes } from "node:crypto";
import { seal, unseal } from "../../core/auth/sealed.ts";
import type { OneChallenge } from "../../durable/control_rpc.ts";
import type { PageLogin } from "../pages/form_token.ts";

/** Long enough to read what is decided; the login that may decide lasts as long. */
const CHALLENGE_MS = 300_000;

/** `new`: a passkey is added. Else the id of the approval that is decided. */
export type ChallengeUse = "new" | (string & {});

export interface SealedChallenge extends OneChallenge {
  /** As it stands in the form. */
  readonly sealed: string;
}

export async function giveChallenge({ own, session }: PageLogin, use: ChallengeUse): Promise<SealedChallenge> {
  const nonce = randomBytes(32).toString("base64url");
  // Whole seconds, as the seal has them.
  const until = Math.floor(Date.now() / 1000) * 1000 + CHALLENGE_MS;
  const claims = { person: session.person, login: session.login, use, nonce };
  const sealed = await seal(claims, { purpose: PURPOSE, audience: own.origin }, until, own.key);
  return { nonce, until, sealed };
}

/** Null for one that is over, or was given to another login or for another use. */
export async function takeChallenge(
  { own, session }: PageLogin,
  use: ChallengeUse,
  sealed: string,
): Promise<OneChallenge | null> {
  const opened = await unseal(sealed, { purpose: PURPOSE, audience: own.origin }, Date.now(), own.key);
  if (opened === null || opened.person !== session.person || opened.login !== session.login || opened.use !== use)
    return null;
  const { nonce, exp } = opened;
  return typeof nonce === "string" && typeof exp === "number" ? { nonce, until: exp * 1000 } : null;
}

const PURPOSE = "sallyport-passkey-challenge";

/** The relying party's id (WebAuthn §5.1.2): the console's own host, and no domain above it. */
export function passkeyHost({ own }: PageLogin): string {
  return new URL(own.origin).hostname;
}
