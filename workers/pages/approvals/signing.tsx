// The part of a decision's form by which it is signed, where its rule asks for a passkey. A script makes the
// text of core/approval/signed_decision.ts from what stands here and what was chosen; the Worker makes it again.

import type { Approval } from "../../../core/approval/approval.ts";
import { controlOf } from "../../control_client.ts";
import { giveChallenge, passkeyHost } from "../../passkeys/challenge.ts";
import type { ToSign } from "../../passkeys/to_sign.ts";
import type { PageIncoming } from "../page_route.ts";

export interface Signing {
  /** Sealed. */
  readonly challenge: string;
  readonly toSign: ToSign;
}

/** For whoever looks at the page. */
export async function signingOf(call: PageIncoming, approval: Approval): Promise<Signing | "unavailable"> {
  const { caller, exchange, login } = call;
  const { issuer, subject } = caller.authenticated.principal;
  const passkeys = await controlOf(exchange.gateway.env)
    .passkeys({ issuer, subject })
    .catch(() => null);
  if (passkeys === null) return "unavailable";
  const { id, digest, policy } = approval;
  const { sealed, nonce, until } = await giveChallenge(login, id);
  return {
    challenge: sealed,
    toSign: {
      ...{ approval: id, digest, policy, issuer, subject, nonce, expires: until },
      host: passkeyHost(login),
      passkeys: passkeys.map(({ credential, transports }) => ({ id: credential, transports: [...transports] })),
    },
  };
}

export function SignStep({ signing: { challenge, toSign } }: { readonly signing: Signing }) {
  if (toSign.passkeys.length === 0)
    return (
      <p class="notice">
        The rule wants each decision signed with a passkey, and you have none here.{" "}
        <a href="/passkeys">Add a passkey</a>, then come back.
      </p>
    );
  return (
    <>
      <input type="hidden" name="challenge" value={challenge} />
      <input type="hidden" name="assertion" value="" data-sign={JSON.stringify(toSign)} />
      <p class="notice">
        You sign this decision with your passkey: your device asks for it once you have chosen. That takes JavaScript.
      </p>
    </>
  );
}
