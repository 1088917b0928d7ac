// The local Worker's secrets: made once, kept in the state folder, readable by its owner only.

import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export interface LocalSecrets {
  readonly pseudonymKey: string;
  readonly loginKey: string;
  readonly registryPassword: string;
  /** Signs notices (Standard Webhooks). */
  readonly notifySecret: string;
}

/** What a folder has stays; what came to be needed since it was made is added. */
export function loadSecrets(state: string): LocalSecrets {
  const path = join(state, "secrets.json");
  const kept = existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")) as Partial<LocalSecrets>) : {};
  const secrets = {
    pseudonymKey: randomBytes(32).toString("base64"),
    loginKey: randomBytes(32).toString("base64"),
    registryPassword: randomBytes(32).toString("base64url"),
    notifySecret: `whsec_${randomBytes(32).toString("base64")}`,
    ...kept,
  };
  writeFileSync(path, JSON.stringify(secrets), { mode: 0o600 });
  return secrets;
}
