// One signed decision of the sample session, the same at each run: Carol's, by an Ed25519 key whose secret is 32
// bytes of 7.

import { createHash, createPrivateKey, createPublicKey, sign } from "node:crypto";
import { type SignedDecision, signedText } from "../../core/approval/signed_decision.ts";

const HOST = "console.example.org";
// RFC 8410 §7: what stands around the 32 bytes of a private key.
const PKCS8 = Buffer.from("302e020100300506032b657004220420", "hex");

export function assertionOf(decision: SignedDecision): string {
  const privateKey = createPrivateKey({
    key: Buffer.concat([PKCS8, Buffer.alloc(32, 7)]),
    format: "der",
    type: "pkcs8",
  });
  const { x = "" } = createPublicKey(privateKey).export({ format: "jwk" });
  const sha256 = (bytes: Uint8Array | string): Buffer => createHash("sha256").update(bytes).digest();
  const text = signedText(decision);
  const challenge = sha256(text).toString("base64url");
  const client = Buffer.from(
    JSON.stringify({ type: "webauthn.get", challenge, origin: `https://${HOST}`, crossOrigin: false }),
  );
  // Present and verified, for the first time.
  const data = Buffer.concat([sha256(HOST), Buffer.from([5, 0, 0, 0, 1])]);
  // COSE_Key (RFC 9053 §7.2): kty 1, alg -8, crv 6, x.
  const key = Buffer.concat([Buffer.from("a4010103272006215820", "hex"), Buffer.from(x, "base64url")]);
  return JSON.stringify({
    authenticator_data: data.toString("base64url"),
    client_data: client.toString("base64url"),
    credential: sha256("a credential").toString("base64url"),
    public_key: key.toString("base64url"),
    signature: sign(null, Buffer.concat([data, sha256(client)]), privateKey).toString("base64url"),
    text,
  });
}
