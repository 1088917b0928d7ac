// What conditions may speak of: the variables, their types, the functions. The library's checker reads
// conditions against this, so that an unknown name or a wrong type is found when the policy is read.

import { Environment } from "@marcbachmann/cel-js";

/** No condition that a person can still review needs more. */
export const MAX_NODES: number = 256;
/** The specification asks for 32 at least. */
export const MAX_DEPTH: number = 48;

const TIMESTAMP = "google.protobuf.Timestamp";

/** Members of each variable with their types; `now` is a value by itself. */
export const VARIABLES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  principal: {
    issuer: "string",
    subject: "string",
    name: "string",
    email: "string",
    email_verified: "bool",
    groups: "list<string>",
    roles: "list<string>",
    auth_time: TIMESTAMP,
    methods: "list<string>",
  },
  actor: { issuer: "string", subject: "string", chain: "list<ActorLink>" },
  connection: { name: "string", protocol: "string", region: "string", labels: "list<string>" },
  command: {
    method: "string",
    path: "string",
    route: "map<string, string>",
    query: "map<string, list<string>>",
    headers: "map<string, string>",
    json: "dyn",
    message: "Message",
  },
  request: { region: "string", address: "string", time: TIMESTAMP },
};

let environment: Environment | null = null;

/** Made at the first condition: an isolate that reads none does not pay for it. */
export function policyEnvironment(): Environment {
  environment ??= makeEnvironment();
  return environment;
}

function makeEnvironment(): Environment {
  const made = new Environment({
    enableOptionalTypes: true,
    limits: { maxAstNodes: MAX_NODES, maxDepth: MAX_DEPTH, maxListElements: MAX_NODES, maxMapEntries: MAX_NODES },
  });
  made.registerType("ActorLink", { fields: { issuer: "string", subject: "string" } });
  made.registerType("Message", { fields: { type: "string", size: "int" } });
  for (const [name, fields] of Object.entries(VARIABLES)) {
    const type = `${name.charAt(0).toUpperCase()}${name.slice(1)}`;
    made.registerType(type, { fields: { ...fields } });
    made.registerVariable(name, type);
  }
  made.registerVariable("now", TIMESTAMP);
  // Declared for the checker; core/policy/cel/plan.ts evaluates them.
  const nowhere = (): never => {
    throw new TypeError("evaluated by the library");
  };
  for (const signature of [
    "string.inCidr(string): bool",
    "string.glob(string): bool",
    "Principal.inGroup(string): bool",
    "Principal.hasRole(string): bool",
    `timestamp(${TIMESTAMP}): ${TIMESTAMP}`,
    "duration(google.protobuf.Duration): google.protobuf.Duration",
    `int(${TIMESTAMP}): int`,
    `string(${TIMESTAMP}): string`,
    "string(google.protobuf.Duration): string",
  ])
    made.registerFunction(signature, nowhere, { async: false });
  return made;
}
