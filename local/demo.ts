// The demonstration's policy and the Worker's variables, for the ports in use.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { BROWSER_CLIENT } from "./oidc_provider.ts";
import type { LocalSecrets } from "./secrets.ts";

/** The person whom FIRST_ADMIN names, and as whom `npm start` applies the policy. */
export const ADMIN = "dan";

export interface Ports {
  readonly gateway: number;
  readonly provider: number;
  readonly everything: number;
  readonly registry: number;
  readonly packages: number;
  /** Of what receives notices. */
  readonly sink: number;
}

export function portsFrom(first: number): Ports {
  return {
    ...{ gateway: first, provider: first + 1, everything: first + 2, registry: first + 3, packages: first + 4 },
    sink: first + 5,
  };
}

export function originsOf(ports: Ports): [string, string] {
  return [`http://127.0.0.1:${ports.gateway}`, `http://localhost:${ports.gateway}`];
}

/** Where a browser finds a connection. Browsers take every name below `localhost` for this machine. */
export function browserOriginOf(connection: string, ports: Ports): string {
  return `http://${connection}--local.localhost:${ports.gateway}`;
}

/** The console's own origin, of no site that a tool's page is of. */
export function consoleOriginOf(ports: Ports): string {
  return `http://console.localhost:${ports.gateway}`;
}

/** The demonstration's policy as it stands in its file, but for the ports of upstreams and sink. */
export function demoPolicy(ports: Ports): string {
  return readFileSync(fileURLToPath(new URL("./demo_policy.yaml", import.meta.url).href), "utf8")
    .replace("http://127.0.0.1:8789", `http://127.0.0.1:${ports.everything}`)
    .replace("http://127.0.0.1:8790", `http://127.0.0.1:${ports.registry}`)
    .replace("http://127.0.0.1:8791", `http://127.0.0.1:${ports.packages}`)
    .replace("http://127.0.0.1:8792", `http://127.0.0.1:${ports.sink}`);
}

export function demoBindings(ports: Ports, issuer: string, secrets: LocalSecrets): Readonly<Record<string, string>> {
  const origins = originsOf(ports);
  const audiences = origins.flatMap((origin) => [origin, `${origin}/c/everything`, `${origin}/c/registry`]);
  return {
    REGION: "local",
    ORIGINS: origins.join(" "),
    ISSUERS: JSON.stringify([{ issuer, audiences, token_types: ["at+jwt"], algorithms: ["ES256"] }]),
    FIRST_ADMIN: JSON.stringify({ issuer, subject: ADMIN }),
    ALLOW_INSECURE_HTTP: "yes",
    PSEUDONYM_KEY: secrets.pseudonymKey,
    HOST_FORM: browserOriginOf("*", ports),
    CONSOLE: consoleOriginOf(ports),
    LOGIN: JSON.stringify({
      issuer,
      client_id: BROWSER_CLIENT,
      scope: "openid email profile groups tools",
      resource: origins[0],
    }),
    LOGIN_KEY: secrets.loginKey,
    NOTIFY_SINK: secrets.notifySecret,
    UPSTREAM_REGISTRY: `gateway:${secrets.registryPassword}`,
  };
}
