// Writes assertions.json: signed decisions as records have them, one of each algorithm, signed by node:crypto
// (OpenSSL). Keys are new each time, so the file changes with each run; the tests do not depend on its bytes.

import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type PasskeyKind, SoftwarePasskey } from "../../support/software_passkey.ts";

const TEXT = JSON.stringify({
  approval: "01935b6e-8c00-7abc-9000-000000000001",
  comment: "looks right",
  decision: "approve",
  digest: "ab".repeat(32),
  expires: 1_732_406_700_000,
  grantMs: 600_000,
  issuer: "https://id.example.org",
  label: "sallyport.decision.v1",
  nonce: "bm9uY2U",
  policy: "cd".repeat(32),
  subject: "carol",
});

function assertionOf(kind: PasskeyKind): object {
  const passkey = new SoftwarePasskey(kind);
  const challenge = createHash("sha256").update(TEXT).digest("base64url");
  const said = { challenge, origin: "https://console.example.org", host: "console.example.org" };
  const { response } = JSON.parse(passkey.get(said)) as { readonly response: Readonly<Record<string, string>> };
  return {
    authenticator_data: response.authenticatorData,
    client_data: response.clientDataJSON,
    credential: passkey.id,
    public_key: passkey.publicKey.toString("base64url"),
    signature: response.signature,
    text: TEXT,
  };
}

const vectors = Object.fromEntries((["ES256", "EdDSA", "RS256"] as const).map((kind) => [kind, assertionOf(kind)]));
writeFileSync(join(import.meta.dirname, "assertions.json"), `${JSON.stringify(vectors, null, 2)}\n`);
