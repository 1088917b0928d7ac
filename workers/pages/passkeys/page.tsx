// A person's own passkeys: those they have, and the forms by which one is added or removed.

import { createHash } from "node:crypto";
import { visibleLine } from "../../../core/show/visible_pieces.ts";
import type { Passkey } from "../../../durable/control_rpc.ts";
import { controlOf } from "../../control_client.ts";
import { ALGORITHMS } from "../../passkeys/add.ts";
import { giveChallenge, passkeyHost } from "../../passkeys/challenge.ts";
import type { ToAdd } from "../../passkeys/to_sign.ts";
import { FormToken, pageOf, refusalOf } from "../answers.tsx";
import { nameOf, Time } from "../layout.tsx";
import type { PageIncoming } from "../page_route.ts";
import { VisibleLine } from "../visible_text.tsx";

export const PASSKEYS_PATH = "/passkeys";
export const REMOVE_PATH = "/passkeys/remove";
export const NAME_LIMIT = 60;

export interface Shown {
  readonly told: string | null;
  readonly isError: boolean;
  readonly name: string;
  readonly status: number;
}

const NOTHING: Shown = { told: null, isError: false, name: "", status: 200 };

export async function showPasskeys(call: PageIncoming, shown: Shown = NOTHING): Promise<Response> {
  const { caller, exchange, login } = call;
  const { issuer, subject } = caller.authenticated.principal;
  const passkeys = await controlOf(exchange.gateway.env)
    .passkeys({ issuer, subject })
    .catch(() => null);
  if (passkeys === null) return refusalOf(call, { reason: "trail_unavailable" });
  const { sealed, nonce } = await giveChallenge(login, "new");
  const name = visibleLine(nameOf(caller)).slice(0, 64).toWellFormed();
  const toAdd: ToAdd = {
    host: passkeyHost(login),
    challenge: nonce,
    user: {
      id: createHash("sha256").update(`sallyport passkey\n${login.session.person}`).digest("base64url"),
      name,
      displayName: name,
    },
    algorithms: ALGORITHMS,
    known: passkeys.map(({ credential, transports }) => ({ id: credential, transports: [...transports] })),
  };
  return pageOf(
    call,
    { title: "Passkeys", at: "/you" },
    <>
      <h1>Your passkeys</h1>
      {shown.told === null ? null : (
        <div class={shown.isError ? "notice error" : "notice"} role={shown.isError ? "alert" : "status"}>
          <p>{shown.told}</p>
        </div>
      )}
      <p>Some rules want a decision signed. A passkey on your device or on a security key does that.</p>
      <List call={call} passkeys={passkeys} />
      <Add call={call} challenge={sealed} toAdd={toAdd} name={shown.name} />
    </>,
    shown.status,
  );
}

function List({ call, passkeys }: { readonly call: PageIncoming; readonly passkeys: readonly Passkey[] }) {
  if (passkeys.length === 0) return <p class="card">You have none here.</p>;
  return (
    <ul class="card rows">
      {passkeys.map(({ credential, name, created }, i) => (
        <li>
          <span id={`passkey-${i}`}>
            <bdi>
              <VisibleLine text={name} limit={NAME_LIMIT} />
            </bdi>{" "}
            <span class="dim small">
              added <Time at={created} />
            </span>
          </span>
          <form method="post" action={REMOVE_PATH}>
            <FormToken call={call} action={REMOVE_PATH} />
            <input type="hidden" name="credential" value={credential} />
            <button id={`remove-${i}`} aria-labelledby={`remove-${i} passkey-${i}`}>
              Remove
            </button>
          </form>
        </li>
      ))}
    </ul>
  );
}

interface Adding {
  readonly call: PageIncoming;
  readonly challenge: string;
  readonly toAdd: ToAdd;
  readonly name: string;
}

function Add({ call, challenge, toAdd, name }: Adding) {
  return (
    <form method="post" action={PASSKEYS_PATH} class="card">
      <h2>Add a passkey</h2>
      <FormToken call={call} action={PASSKEYS_PATH} />
      <input type="hidden" name="challenge" value={challenge} />
      <input type="hidden" name="credential" value="" data-add-passkey={JSON.stringify(toAdd)} />
      <label for="name">What you call it</label>
      <input type="text" id="name" name="name" required maxlength={NAME_LIMIT} value={name} autocomplete="off" />
      <p class="dim small hint">Your device asks you to confirm it. That takes JavaScript.</p>
      <p class="actions">
        <button class="primary">Add a passkey</button>
      </p>
    </form>
  );
}
