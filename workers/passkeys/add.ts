// A new passkey of somebody: what their browser says is held against what it was asked, and kept.
//
// Who made the device is not asked for (attestation `none`): a passkey shows that the same device decides
// which the login added, and is worth what that login was.

import { verifyRegistrationResponse } from "@simplewebauthn/server";
import { toBase64Url } from "../../core/bytes.ts";
import { maskedWords } from "../console/answers.ts";
import { controlOf } from "../control_client.ts";
import type { PasskeyAdded, PasskeyOrder } from "../../durable/control_rpc.ts";
import type { PageIncoming } from "../pages/page_route.ts";
import { passkeyHost, takeChallenge } from "./challenge.ts";
import { readRegistration } from "./responses.ts";

export type AddRefusal = Exclude<PasskeyAdded, "added"> | "passkey_wrong" | "trail_unavailable";

export interface NewPasskey {
  readonly name: string;
  /** Sealed, as the form had it. */
  readonly challenge: string;
  /** The browser's answer, JSON. */
  readonly credential: string;
}

/** ES256, EdDSA, RS256: what authenticators have, and core/verify/assertion.ts reads. */
export const ALGORITHMS: readonly number[] = [-7, -8, -257];

/** Null if it was added. */
export async function addPasskey(call: PageIncoming, sent: NewPasskey): Promise<AddRefusal | null> {
  const { caller, exchange, login } = call;
  const challenge = await takeChallenge(login, "new", sent.challenge);
  if (challenge === null) return "challenge_used";
  const key = await verified(call, sent.credential, challenge.nonce);
  if (key === null) return "passkey_wrong";
  const { issuer, subject } = caller.authenticated.principal;
  const name = maskedWords(sent.name);
  const order = { ...key, name, by: { issuer, subject }, challenge, command: exchange.command };
  const added = await controlOf(exchange.gateway.env)
    .addPasskey(order)
    .catch(() => "trail_unavailable" as const);
  return added === "added" ? null : added;
}

type Key = Pick<PasskeyOrder, "credential" | "publicKey" | "counter" | "transports">;

async function verified({ login }: PageIncoming, text: string, nonce: string): Promise<Key | null> {
  const response = readRegistration(text);
  if (response === null) return null;
  try {
    const { verified: isRight, registrationInfo } = await verifyRegistrationResponse({
      response,
      expectedChallenge: nonce,
      expectedOrigin: login.own.origin,
      expectedRPID: passkeyHost(login),
      requireUserVerification: true,
      supportedAlgorithmIDs: [...ALGORITHMS],
    });
    if (!isRight || !registrationInfo.userVerified) return null;
    const { id, publicKey, counter } = registrationInfo.credential;
    const transports = response.response.transports ?? [];
    return { credential: id, publicKey: toBase64Url(publicKey), counter, transports };
  } catch {
    return null;
  }
}
