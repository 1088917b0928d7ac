// What is measured beside each other. All Workers run on the same runtime with the same flags; each
// has a process of its own and stands idle while another is measured.

import { copyFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { applyPolicy } from "../../local/apply_policy.ts";
import { AUDIENCE, type Person } from "../support/issuer.ts";
import { bundleWorker } from "./bundle.ts";
import { HOST } from "./exchange.ts";
import { startWorker, type WorkerModule, type WorkerSpec } from "./workerd.ts";

export const VARIANTS = ["direct", "bare", "verify", "ceiling", "gateway_disk", "gateway_memory"] as const;
export type VariantName = (typeof VARIANTS)[number];

export const LABELS: Readonly<Record<VariantName, string>> = {
  direct: "upstream direct",
  bare: "bare pass-through",
  verify: "token verified (cached)",
  ceiling: "verified + 2 empty calls",
  gateway_disk: "gateway, disk",
  gateway_memory: "gateway, memory-backed",
};

export const ADMIN: Person = { subject: "admin" };

export interface Variant {
  readonly port: number;
  readonly pid: number;
  /** Folder of its session objects' storage; null if it keeps no records. */
  readonly records: string | null;
  stop(): Promise<void>;
}

export interface Place {
  readonly upstream: string;
  readonly issuer: string;
  /** A token of the gateway's first admin, who applies the benchmark's policy. */
  readonly admin: string;
  /** Folder of the gateway's built bundle. */
  readonly bundle: string;
  /** For configurations and bundles. */
  readonly folder: string;
  readonly disk: string;
  readonly memory: string;
  readonly inspector: string | null;
}

export type WorkerName = Exclude<VariantName, "direct">;

export async function startVariant(
  name: WorkerName,
  place: Place,
  policy: unknown = policyOf(place.upstream),
): Promise<Variant> {
  const spec = await specOf(name, place);
  const worker = await startWorker(spec, place.folder);
  const isGateway = name === "gateway_disk" || name === "gateway_memory";
  if (isGateway) {
    const gateway = `http://127.0.0.1:${worker.port}`;
    await applyPolicy({ gateway, token: place.admin, host: HOST }, JSON.stringify(policy));
  }
  return { ...worker, records: isGateway ? join(spec.storage, "bench-SessionObject") : null };
}

async function specOf(name: WorkerName, place: Place): Promise<WorkerSpec> {
  switch (name) {
    case "gateway_disk":
    case "gateway_memory":
      return gatewaySpec(name, place, name === "gateway_disk" ? place.disk : place.memory);
    case "bare":
    case "verify":
    case "ceiling":
      return simpleSpec(name, place, {});
  }
}

/** One of this folder's Workers; `settings` change its variables. */
export async function simpleSpec(
  name: string,
  place: Place,
  settings: Readonly<Record<string, string>>,
  worker: string = name,
): Promise<WorkerSpec> {
  const path = await bundleWorker(worker, place.folder);
  return {
    name,
    modules: [{ name: "index.js", kind: "esModule", path }],
    bindings: {
      UPSTREAM: place.upstream,
      ISSUER: place.issuer,
      AUDIENCE,
      TOKEN_CACHE: "yes",
      PAYLOAD: "0",
      CALLS: "2",
      ...settings,
    },
    objects: worker === "ceiling" || worker === "steps" ? { SESSION: "Nothing" } : {},
    storage: join(place.disk, name),
    inspector: null,
  };
}

/** The bundle as it is deployed. D1 is not bound: no command waits for it. */
function gatewaySpec(name: string, place: Place, storage: string): WorkerSpec {
  return {
    name,
    modules: gatewayModules(name, place),
    bindings: {
      REGION: "local",
      ORIGINS: `http://${HOST}`,
      ISSUERS: JSON.stringify([
        { issuer: place.issuer, audiences: [AUDIENCE], token_types: ["at+jwt"], algorithms: ["ES256"] },
      ]),
      FIRST_ADMIN: JSON.stringify({ issuer: place.issuer, subject: ADMIN.subject }),
      ALLOW_INSECURE_HTTP: "yes",
      PSEUDONYM_KEY: Buffer.alloc(32, 7).toString("base64"),
      UPSTREAM_TOOL: "Bearer of-the-upstream",
    },
    objects: {
      SESSION: "SessionObject",
      REGISTRY: "RegistryObject",
      PERIMETER: "PerimeterObject",
      CONTROL: "ControlObject",
    },
    storage: join(storage, name),
    inspector: place.inspector,
  };
}

function gatewayModules(name: string, place: Place): WorkerModule[] {
  const own = join(place.folder, name);
  mkdirSync(own, { recursive: true });
  // Copied, because a later build replaces the folder.
  copyFileSync(join(place.bundle, "index.js"), join(own, "index.js"));
  return [{ name: "index.js", kind: "esModule", path: join(own, "index.js") }];
}

export function policyOf(upstream: string): unknown {
  return {
    version: 1,
    roles: { engineer: { groups: ["engineers"] }, auditor: { groups: ["auditors"] } },
    connections: {
      tool: {
        protocol: "http",
        upstream,
        region: "local",
        credential: { as: "header", name: "authorization", secret: "UPSTREAM_TOOL" },
        timeout_seconds: 30,
      },
    },
    rules: [
      {
        id: "engineers-read",
        effect: "allow",
        who: { roles: ["engineer"] },
        connections: ["tool"],
        methods: ["GET", "HEAD"],
        routes: ["/**"],
      },
      {
        id: "engineers-write",
        effect: "allow",
        who: { roles: ["engineer"] },
        connections: ["tool"],
        methods: ["POST"],
        routes: ["/v1/items", "/v1/items/**"],
      },
    ],
  };
}
