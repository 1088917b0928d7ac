// What a browser says a passkey did (WebAuthn §5.1), as far as anything of it is read here.

import * as v from "valibot";
import type { AuthenticationResponseJSON, RegistrationResponseJSON } from "@simplewebauthn/server";

const Id = v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{1,1364}$/));
const Bytes = v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{1,6144}$/));
const Common = { id: Id, rawId: Id, type: v.literal("public-key") };

const Authentication = v.object({
  ...Common,
  response: v.object({ clientDataJSON: Bytes, authenticatorData: Bytes, signature: Bytes }),
});

const Registration = v.object({
  ...Common,
  response: v.object({
    clientDataJSON: Bytes,
    attestationObject: Bytes,
    transports: v.optional(v.array(v.picklist(["ble", "cable", "hybrid", "internal", "nfc", "smart-card", "usb"])), []),
  }),
});

/** Null for whatever is none. */
export function readAuthentication(text: string): AuthenticationResponseJSON | null {
  const read = v.safeParse(Authentication, jsonOf(text));
  return read.success && isOwnPage(read.output.response.clientDataJSON)
    ? { ...read.output, clientExtensionResults: {} }
    : null;
}

export function readRegistration(text: string): RegistrationResponseJSON | null {
  const read = v.safeParse(Registration, jsonOf(text));
  return read.success && isOwnPage(read.output.response.clientDataJSON)
    ? { ...read.output, clientExtensionResults: {} }
    : null;
}

/** The console is in nobody's frame: what was signed in one is not taken, whatever its origin. */
function isOwnPage(clientData: string): boolean {
  const said = v.safeParse(ClientData, jsonOf(Buffer.from(clientData, "base64url").toString()));
  return said.success && said.output.crossOrigin !== true;
}

const ClientData = v.object({ crossOrigin: v.optional(v.boolean()) });

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
