// Asks for a passkey when a form is sent that has a place for one, and sends the form with what it gave: a
// decision that is to be signed, or a new passkey. Nothing is sent where the person does not go on.

import { startAuthentication, startRegistration } from "@simplewebauthn/browser";
import { toBase64Url } from "../../../core/bytes.ts";
import { commentLine, signedText } from "../../../core/approval/signed_decision.ts";
import type { PasskeyName, ToAdd, ToSign } from "../../passkeys/to_sign.ts";

/** Before the listeners that send in place, or once: they are to see the form when it is complete. */
export function usePasskeys(): void {
  document.addEventListener(
    "submit",
    (event) => {
      const { target: form, submitter } = event;
      if (!(form instanceof HTMLFormElement)) return;
      const field = form.querySelector<HTMLInputElement>("input[data-sign], input[data-add-passkey]");
      if (field === null || field.value !== "") return;
      event.preventDefault();
      event.stopImmediatePropagation();
      void ask(form, submitter, field);
    },
    { capture: true },
  );
}

/** Forms that wait for a passkey: a second click asks for no second one. */
const asking = new WeakSet<HTMLFormElement>();

async function ask(form: HTMLFormElement, submitter: HTMLElement | null, field: HTMLInputElement): Promise<void> {
  if (asking.has(form)) return;
  asking.add(form);
  form.querySelector("[data-told]")?.remove();
  try {
    const given = field.dataset.sign === undefined ? await add(field) : await sign(form, submitter, field);
    field.value = JSON.stringify(given);
    form.requestSubmit(submitter);
  } catch (error) {
    tell(form, error);
  } finally {
    asking.delete(form);
    // What was sent is sent: another choice is signed anew.
    field.value = "";
  }
}

async function sign(form: HTMLFormElement, submitter: HTMLElement | null, field: HTMLInputElement): Promise<unknown> {
  const { host, passkeys, ...asked } = JSON.parse(field.dataset.sign ?? "") as ToSign;
  const data = new FormData(form, submitter);
  const chosen = textOf(data, "decision");
  const minutes = Number(textOf(data, "minutes"));
  const grantMs = chosen === "grant" && Number.isInteger(minutes) ? minutes * 60_000 : 0;
  const decision = chosen === "deny" ? "deny" : "approve";
  const text = signedText({ ...asked, decision, grantMs, comment: commentLine(textOf(data, "comment")) });
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return startAuthentication({
    optionsJSON: {
      challenge: toBase64Url(new Uint8Array(digest)),
      rpId: host,
      allowCredentials: passkeys.map(descriptor),
      userVerification: "required",
    },
  });
}

async function add(field: HTMLInputElement): Promise<unknown> {
  const { host, challenge, user, algorithms, known } = JSON.parse(field.dataset.addPasskey ?? "") as ToAdd;
  return startRegistration({
    optionsJSON: {
      rp: { id: host, name: "Sallyport" },
      user,
      challenge,
      pubKeyCredParams: algorithms.map((alg) => ({ type: "public-key", alg })),
      excludeCredentials: known.map(descriptor),
      authenticatorSelection: { residentKey: "discouraged", userVerification: "required" },
      attestation: "none",
    },
  });
}

type Descriptor = NonNullable<Parameters<typeof startAuthentication>[0]["optionsJSON"]["allowCredentials"]>[number];

function descriptor({ id, transports }: PasskeyName): Descriptor {
  return { id, type: "public-key", transports: transports as NonNullable<Descriptor["transports"]> };
}

function textOf(data: FormData, name: string): string {
  const value = data.get(name);
  return typeof value === "string" ? value : "";
}

function tell(form: HTMLFormElement, error: unknown): void {
  const notice = document.createElement("p");
  notice.className = "notice error";
  notice.dataset.told = "yes";
  notice.setAttribute("role", "alert");
  const isKnown = error instanceof Error && error.name === "InvalidStateError";
  notice.textContent = isKnown
    ? "This device has a passkey of yours already. Nothing was sent."
    : "No passkey was used, so nothing was sent. Choose once more to try again.";
  form.append(notice);
}
