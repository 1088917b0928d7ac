// Whether a decision was signed by its decider: by a passkey of theirs, over this very decision, here, with
// the device knowing its person, and not once before.
//
// Invariant: an assertion is handed on only after its challenge was used up for good.

import { createHash } from "node:crypto";
import { verifyAuthenticationResponse } from "@simplewebauthn/server";
import { fromBase64Url } from "../../core/bytes.ts";
import { type SignedDecision, signedText } from "../../core/approval/signed_decision.ts";
import { canonicalText } from "../../core/record/canonical.ts";
import { ok, refuse, type Result } from "../../core/result.ts";
import type { Passkey, PasskeyUsed } from "../../durable/control_rpc.ts";
import type { FoundApproval } from "../approvals/find.ts";
import { controlOf } from "../control_client.ts";
import type { PageIncoming } from "../pages/page_route.ts";
import { passkeyHost, takeChallenge } from "./challenge.ts";
import { readAuthentication } from "./responses.ts";

/** Why a signature is not taken: it is none of this decision; its challenge is over or was used; the passkey is not the decider's; its count went back. */
export type PasskeyRefusal = "passkey_wrong" | "passkey_late" | "passkey_unknown" | "passkey_counter";

/** What was signed, and with what. */
export interface SignedBy {
  /** Sealed, as the form had it. */
  readonly challenge: string;
  /** The browser's answer, JSON. */
  readonly assertion: string;
}

type Asked = Pick<SignedDecision, "decision" | "grantMs" | "comment">;
type Checked = Result<string, { reason: PasskeyRefusal | "trail_unavailable" }>;

/** The text that the record keeps: RFC 8785, docs/record_format.md §5. */
export async function checkDecision(
  call: PageIncoming,
  found: FoundApproval,
  asked: Asked,
  sent: SignedBy,
): Promise<Checked> {
  const challenge = await takeChallenge(call.login, found.approval.id, sent.challenge);
  if (challenge === null) return refuse({ reason: "passkey_late" });
  const response = readAuthentication(sent.assertion);
  if (response === null) return refuse({ reason: "passkey_wrong" });
  const { issuer, subject } = call.caller.authenticated.principal;
  const by = { issuer, subject };
  const control = controlOf(call.exchange.gateway.env);
  const known = await control.passkeys(by).catch(() => null);
  if (known === null) return refuse({ reason: "trail_unavailable" });
  const passkey = known.find(({ credential }) => credential === response.id);
  if (passkey === undefined) return refuse({ reason: "passkey_unknown" });
  const { id, digest, policy } = found.approval;
  const { nonce, until } = challenge;
  const text = signedText({ approval: id, digest, policy, ...asked, ...by, nonce, expires: until });
  const counter = await verified(call, response, passkey, text);
  if (counter === null) return refuse({ reason: "passkey_wrong" });
  const use = { credential: passkey.credential, by, counter, challenge };
  const used = await control.usePasskey(use).catch(() => null);
  if (used === null) return refuse({ reason: "trail_unavailable" });
  return used === "used" ? ok(recorded(response, passkey, text)) : refuse({ reason: USED[used] });
}

const USED: Readonly<Record<Exclude<PasskeyUsed, "used">, PasskeyRefusal>> = {
  challenge_used: "passkey_late",
  passkey_unknown: "passkey_unknown",
  passkey_counter: "passkey_counter",
};

type Response = NonNullable<ReturnType<typeof readAuthentication>>;

/** The device's count (WebAuthn §7.2); null if anything of it is not as it has to be. */
async function verified(
  { login }: PageIncoming,
  response: Response,
  passkey: Passkey,
  text: string,
): Promise<number | null> {
  const publicKey = fromBase64Url(passkey.publicKey);
  if (publicKey === null) return null;
  try {
    const { verified: isRight, authenticationInfo } = await verifyAuthenticationResponse({
      response,
      expectedChallenge: createHash("sha256").update(text).digest("base64url"),
      expectedOrigin: login.own.origin,
      expectedRPID: passkeyHost(login),
      // Counts are compared where they are kept, in one turn with their change.
      credential: { id: passkey.credential, publicKey, counter: 0 },
      requireUserVerification: true,
    });
    return isRight && authenticationInfo.userVerified ? authenticationInfo.newCounter : null;
  } catch {
    return null;
  }
}

function recorded({ response }: Response, passkey: Passkey, text: string): string {
  return canonicalText({
    text,
    credential: passkey.credential,
    public_key: passkey.publicKey,
    client_data: response.clientDataJSON,
    authenticator_data: response.authenticatorData,
    signature: response.signature,
  });
}
