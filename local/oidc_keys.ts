// The provider's signing and cookie keys. Kept in the state folder, readable by its owner only, so
// that tokens outlive a restart; without a folder they live as long as the process.

import { generateKeyPairSync, randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export interface ProviderKeys {
  /** Private JWKs: one RS256, one ES256. */
  readonly keys: readonly Readonly<Record<string, unknown>>[];
  readonly cookies: readonly string[];
}

function makeKeys(): ProviderKeys {
  const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ format: "jwk" });
  const ec = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ format: "jwk" });
  const named = (): { use: string; kid: string } => ({ use: "sig", kid: randomBytes(8).toString("hex") });
  return {
    keys: [
      { ...rsa, ...named(), alg: "RS256" },
      { ...ec, ...named(), alg: "ES256" },
    ],
    cookies: [randomBytes(32).toString("base64url")],
  };
}

export function loadKeys(state: string | null): ProviderKeys {
  if (state === null) return makeKeys();
  const path = join(state, "provider_keys.json");
  if (existsSync(path)) return JSON.parse(readFileSync(path, "utf8")) as ProviderKeys;
  const keys = makeKeys();
  mkdirSync(state, { recursive: true, mode: 0o700 });
  writeFileSync(path, JSON.stringify(keys), { mode: 0o600, flag: "wx" });
  return keys;
}
