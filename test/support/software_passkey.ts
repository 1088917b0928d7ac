// A passkey in software: keys by node:crypto, and the bytes that WebAuthn has devices and browsers make, written
// out here and not by a library that the gateway also uses.

import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";

export interface Said {
  /** base64url. */
  readonly challenge: string;
  readonly origin: string;
  /** The relying party's id. */
  readonly host: string;
  readonly type?: string;
  readonly crossOrigin?: boolean;
  /** Whether the device knew its person; it was touched in any case. */
  readonly userVerified?: boolean;
  readonly counter?: number;
}

const KINDS = {
  ES256: () => generateKeyPairSync("ec", { namedCurve: "P-256" }),
  EdDSA: () => generateKeyPairSync("ed25519"),
  RS256: () => generateKeyPairSync("rsa", { modulusLength: 2048 }),
} as const;

export type PasskeyKind = keyof typeof KINDS;

export class SoftwarePasskey {
  readonly id: string = randomBytes(32).toString("base64url");
  readonly kind: PasskeyKind;
  readonly #keys: { readonly publicKey: KeyObject; readonly privateKey: KeyObject };
  #counter = 0;

  constructor(kind: PasskeyKind = "ES256") {
    this.kind = kind;
    this.#keys = KINDS[kind]();
  }

  /** COSE_Key (RFC 9052 §7, RFC 8152 §13, RFC 8230 §4). */
  get publicKey(): Buffer {
    const { x = "", y = "", n = "" } = this.#keys.publicKey.export({ format: "jwk" });
    const bytes = (text: string): Buffer => Buffer.from(text, "base64url");
    if (this.kind === "ES256") return hex("a5010203262001", "215820", bytes(x), "225820", bytes(y));
    if (this.kind === "EdDSA") return hex("a4010103272006", "215820", bytes(x));
    return hex("a401030339010020590100", bytes(n), "2143010001");
  }

  /** What `navigator.credentials.create` gives, as JSON (attestation `none`). */
  create(said: Said): string {
    const id = Buffer.from(this.id, "base64url");
    const attested = Buffer.concat([Buffer.alloc(16), hex("0020"), id, this.publicKey]);
    const data = this.#data(said, 0x40, attested);
    const attestation = hex("a363666d74646e6f6e656761747453746d74a0686175746844617461", bytesOf(data));
    return JSON.stringify({
      ...{ id: this.id, rawId: this.id, type: "public-key", clientExtensionResults: {} },
      response: {
        clientDataJSON: clientData("webauthn.create", said).toString("base64url"),
        attestationObject: attestation.toString("base64url"),
        transports: ["usb"],
      },
    });
  }

  /** What `navigator.credentials.get` gives, as JSON. */
  get(said: Said): string {
    this.#counter += 1;
    const data = this.#data({ counter: this.#counter, ...said }, 0, Buffer.alloc(0));
    const client = clientData("webauthn.get", said);
    const signed = Buffer.concat([data, createHash("sha256").update(client).digest()]);
    const signature = sign(this.kind === "EdDSA" ? null : "sha256", signed, this.#keys.privateKey);
    return JSON.stringify({
      ...{ id: this.id, rawId: this.id, type: "public-key", clientExtensionResults: {} },
      response: {
        clientDataJSON: client.toString("base64url"),
        authenticatorData: data.toString("base64url"),
        signature: signature.toString("base64url"),
      },
    });
  }

  #data({ host, userVerified = true, counter = 0 }: Said, flags: number, rest: Buffer): Buffer {
    const count = Buffer.alloc(4);
    count.writeUInt32BE(counter);
    const flag = Buffer.from([flags | 0x01 | (userVerified ? 0x04 : 0)]);
    return Buffer.concat([createHash("sha256").update(host).digest(), flag, count, rest]);
  }
}

function clientData(type: string, said: Said): Buffer {
  const { challenge, origin, crossOrigin = false } = said;
  return Buffer.from(JSON.stringify({ type: said.type ?? type, challenge, origin, crossOrigin }));
}

function hex(...parts: readonly (string | Buffer)[]): Buffer {
  return Buffer.concat(parts.map((part) => (typeof part === "string" ? Buffer.from(part, "hex") : part)));
}

/** A CBOR byte string of less than 64 KiB. */
function bytesOf(data: Buffer): Buffer {
  const head = Buffer.from([0x59, 0, 0]);
  head.writeUInt16BE(data.length, 1);
  return Buffer.concat([head, data]);
}
