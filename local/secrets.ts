// The local Worker's secrets: made once, kept in the state folder, readable by its owner only.

import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export interface LocalSecrets {
  readonly pseudonymKey: string;
  readonly registryPassword: string;
}

export function loadSecrets(state: string): LocalSecrets {
  const path = join(state, "secrets.json");
  if (existsSync(path)) return JSON.parse(readFileSync(path, "utf8")) as LocalSecrets;
  const secrets = {
    pseudonymKey: randomBytes(32).toString("base64"),
    registryPassword: randomBytes(32).toString("base64url"),
  };
  writeFileSync(path, JSON.stringify(secrets), { mode: 0o600, flag: "wx" });
  return secrets;
}
