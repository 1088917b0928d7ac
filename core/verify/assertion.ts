// Whether a recorded decision was signed: what the field `assertion` holds against what the records say of the
// decision, as docs/record_format.md §5.5 has it. Written from that page, and not with the code that took the
// signature.

import { fromBase64Url, toBase64Url } from "../bytes.ts";
import { readCoseKey } from "./cose_key.ts";
import { isSigned } from "./signature.ts";

/** A decision as its record has it. */
export interface RecordedDecision {
  readonly approval: string;
  readonly time: number;
  readonly decision: string;
  readonly comment: string | null;
  /** Until when the like is allowed; null: once. */
  readonly grantUntil: number | null;
  /** The field's text. */
  readonly decider: string;
  readonly assertion: string;
  /** What its `approval.requested` says. */
  readonly asked: { readonly digest: string; readonly policy: string };
}

type Members = Readonly<Record<string, unknown>>;

const LABEL = "sallyport.decision.v1";
const USER_PRESENT_AND_VERIFIED = 0x05;

/** Null if it was signed; else what is wrong. Never throws. */
export async function checkAssertion(recorded: RecordedDecision): Promise<string | null> {
  const assertion = objectIn(recorded.assertion);
  if (assertion === null || typeof assertion.text !== "string") return "the assertion cannot be read";
  const part = (name: string): Uint8Array<ArrayBuffer> | null =>
    typeof assertion[name] === "string" ? fromBase64Url(assertion[name]) : null;
  const [client, data, signature, key] = [
    part("client_data"),
    part("authenticator_data"),
    part("signature"),
    part("public_key"),
  ];
  if (client === null || data === null || signature === null || key === null) return "the assertion cannot be read";
  const wrong =
    textWrong(assertion.text, recorded) ??
    (await clientWrong(client, assertion.text)) ??
    (await dataWrong(data, client));
  if (wrong !== null) return wrong;
  const publicKey = readCoseKey(key);
  if (publicKey === null) return "the public key cannot be read";
  const signed = new Uint8Array(data.length + 32);
  signed.set(data);
  signed.set(await sha256(client), data.length);
  return (await isSigned(publicKey, signed, signature)) ? null : "the signature is not of this, or not by this key";
}

/** What was signed against what is recorded. */
function textWrong(text: string, recorded: RecordedDecision): string | null {
  const said = objectIn(text);
  const decider = objectIn(recorded.decider);
  if (said === null || decider === null) return "what was signed cannot be read";
  const expected: Members = {
    label: LABEL,
    approval: recorded.approval,
    decision: recorded.decision,
    comment: recorded.comment,
    digest: recorded.asked.digest,
    policy: recorded.asked.policy,
    issuer: decider.issuer,
    subject: decider.subject,
  };
  for (const [name, value] of Object.entries(expected))
    if (said[name] !== value) return `what was signed has another ${name}`;
  const { grantUntil, time } = recorded;
  // Of several deciders the one who allows the least counts, so it may be less.
  if (grantUntil !== null && !(typeof said.grantMs === "number" && grantUntil - time <= said.grantMs))
    return "what was signed allows the like for less";
  return typeof said.expires === "number" && time < said.expires ? null : "it was signed too long before";
}

async function clientWrong(client: Uint8Array, text: string): Promise<string | null> {
  const said = objectIn(textOf(client));
  if (said === null) return "what the browser said cannot be read";
  if (said.type !== "webauthn.get" || said.crossOrigin === true) return "the browser signed something else";
  const challenge = toBase64Url(await sha256(new TextEncoder().encode(text)));
  return said.challenge === challenge ? null : "the challenge is not that of what was signed";
}

async function dataWrong(data: Uint8Array, client: Uint8Array): Promise<string | null> {
  if (data.length < 37) return "what the device said cannot be read";
  const origin = objectIn(textOf(client))?.origin;
  if (typeof origin !== "string" || !URL.canParse(origin)) return "the browser names no origin";
  const host = await sha256(new TextEncoder().encode(new URL(origin).hostname));
  if (!host.every((byte, i) => data[i] === byte)) return "the device signed for another host";
  const isVerified = ((data[32] ?? 0) & USER_PRESENT_AND_VERIFIED) === USER_PRESENT_AND_VERIFIED;
  return isVerified ? null : "the device did not know its person";
}

function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

async function sha256(bytes: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", new Uint8Array(bytes)));
}

function objectIn(text: string): Members | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Members) : null;
  } catch {
    return null;
  }
}
