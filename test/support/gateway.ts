// The gateway for tests: the bundle that would be deployed, on the local Workers runtime, with an
// issuer of its own. A test says which policy and secrets it has, and asks for tokens and records.

import { randomBytes, randomInt } from "node:crypto";
import { createServer } from "node:net";
import { applyPolicy } from "../../local/apply_policy.ts";
import { type Runtime, type RuntimeOptions, startRuntime } from "../../local/runtime.ts";
import { AUDIENCE, type Person, startIssuer, type TestIssuer } from "./issuer.ts";

/** The people that tests know by name, with the groups that `testPolicy` gives rights to. */
export const PEOPLE: Readonly<Record<string, Person>> = {
  alice: { subject: "alice", groups: ["engineers"] },
  bob: { subject: "bob", groups: ["engineers", "leads"] },
  carol: { subject: "carol", groups: ["auditors"] },
  dan: { subject: "dan" },
  mallory: { subject: "mallory" },
};

export interface GatewayOptions {
  /** The policy as a value, or as its text, applied by dan through the API; see core/policy/policy.ts. Null applies none. */
  readonly policy: unknown;
  /** In place of or beside `PEOPLE`. */
  readonly people?: Readonly<Record<string, Person>>;
  /** Issuers that are trusted beside the test's own; see core/auth/issuer.ts. */
  readonly issuers?: readonly Readonly<Record<string, unknown>>[];
  /** Where it listens, if others must know before it starts. */
  readonly port?: number;
  /** Ports of further Workers over the same objects. */
  readonly beside?: readonly number[];
  /** `UPSTREAM_…` secrets. */
  readonly secrets?: Readonly<Record<string, string>>;
  /** Folder that keeps the storage; nothing is kept without. */
  readonly state?: string;
  /** How often one person may call the API. */
  readonly apiLimit?: RuntimeOptions["apiLimit"];
  /** Variables in place of the usual ones. */
  readonly bindings?: Readonly<Record<string, string>>;
  /** Folder of another Worker's `index.js` in place of the gateway's. */
  readonly bundle?: string;
}

/** A record as an export has it, with its fields opened. */
export interface ReadRecord {
  readonly sid: string;
  readonly seq: number;
  readonly kind: string;
  readonly command: string | null;
  readonly classes: Readonly<Record<string, string | number>>;
  readonly fields: Readonly<Record<string, string>>;
}

export interface TestGateway {
  readonly url: string;
  readonly port: number;
  readonly issuer: TestIssuer;
  readonly runtime: Runtime;
  /** In base64. */
  readonly pseudonymKey: string;
  token(person: string | Person, seconds?: number): Promise<string>;
  /** `fetch` on the gateway as a person: redirects are not followed. */
  fetch(person: string | Person, path: string, init?: RequestInit): Promise<Response>;
  /** All records of a person's sessions on a connection, oldest first, read as that person. */
  records(person: string | Person, connection: string): Promise<ReadRecord[]>;
  /** The export of each of a person's sessions on a connection, oldest first, as NDJSON text. */
  exports(person: string | Person, connection: string): Promise<string[]>;
  stop(): Promise<void>;
}

/** One HTTP connection to `upstream`, on which engineers may do anything. */
export function testPolicy(connections: Readonly<Record<string, string | Readonly<Record<string, unknown>>>>): unknown {
  return {
    version: 1,
    roles: { engineer: { groups: ["engineers"] }, auditor: { groups: ["auditors"] } },
    connections: Object.fromEntries(
      Object.entries(connections).map(([name, one]) => [
        name,
        { protocol: "http", region: "local", ...(typeof one === "string" ? { upstream: one } : one) },
      ]),
    ),
    rules: [
      {
        id: "engineers-all",
        effect: "allow",
        who: { roles: ["engineer"] },
        connections: ["*"],
        methods: ["*"],
        routes: ["/**"],
      },
    ],
  };
}

export async function startGateway(options: GatewayOptions): Promise<TestGateway> {
  const issuer = await startIssuer();
  const port = options.port ?? (await freePort());
  const settings = runtimeOptions(options, issuer, port);
  const runtime = await startRuntime(settings);
  if (options.policy !== null) await applyTestPolicy(runtime.url, issuer, options.policy);
  const people = { ...PEOPLE, ...options.people };
  return new RunningGateway(issuer, runtime, port, people, settings.bindings.PSEUDONYM_KEY ?? "");
}

/** As dan, the first admin. Nothing if it is in force already, after a restart over the same storage. */
export async function applyTestPolicy(gateway: string, issuer: TestIssuer, policy: unknown): Promise<void> {
  const text = typeof policy === "string" ? policy : JSON.stringify(policy);
  await applyPolicy({ gateway, token: await issuer.token({ subject: "dan" }) }, text);
}

/** What the local runtime has to be given for a test's gateway. */
export function runtimeOptions(
  options: Omit<GatewayOptions, "policy">,
  issuer: TestIssuer,
  port: number,
): RuntimeOptions {
  return {
    port,
    state: options.state ?? null,
    ...(options.apiLimit === undefined ? {} : { apiLimit: options.apiLimit }),
    ...(options.beside === undefined ? {} : { beside: options.beside }),
    ...(options.bundle === undefined ? {} : { bundle: options.bundle }),
    bindings: {
      REGION: "local",
      ORIGINS: [port, ...(options.beside ?? [])]
        .flatMap((one) => [`http://127.0.0.1:${one}`, `http://localhost:${one}`])
        .join(" "),
      ISSUERS: JSON.stringify([
        // First, because clients that find several log in at the first.
        ...(options.issuers ?? []),
        { issuer: issuer.url, audiences: [AUDIENCE], token_types: ["at+jwt"], clock_skew_seconds: 0 },
      ]),
      FIRST_ADMIN: JSON.stringify({ issuer: issuer.url, subject: "dan" }),
      ALLOW_INSECURE_HTTP: "yes",
      PSEUDONYM_KEY: randomBytes(32).toString("base64"),
      ...options.secrets,
      ...options.bindings,
    },
  };
}

/** Who decides an approval needs a token of the last five minutes, also where tests take long. */
const TOKEN_KEPT_MS = 200_000;

class RunningGateway implements TestGateway {
  readonly issuer: TestIssuer;
  readonly runtime: Runtime;
  readonly port: number;
  readonly url: string;
  readonly pseudonymKey: string;
  readonly #people: Readonly<Record<string, Person>>;
  readonly #tokens = new Map<string, { readonly token: Promise<string>; readonly made: number }>();

  constructor(
    issuer: TestIssuer,
    runtime: Runtime,
    port: number,
    people: Readonly<Record<string, Person>>,
    pseudonymKey: string,
  ) {
    this.pseudonymKey = pseudonymKey;
    this.issuer = issuer;
    this.runtime = runtime;
    this.port = port;
    this.url = runtime.url;
    this.#people = people;
  }

  token(person: string | Person, seconds?: number): Promise<string> {
    if (typeof person !== "string") return this.issuer.token(person, seconds);
    const known = this.#people[person];
    if (known === undefined) throw new Error(`nobody is called ${person}`);
    if (seconds !== undefined) return this.issuer.token(known, seconds);
    const before = this.#tokens.get(person);
    if (before !== undefined && Date.now() - before.made < TOKEN_KEPT_MS) return before.token;
    const token = this.issuer.token(known);
    this.#tokens.set(person, { token, made: Date.now() });
    return token;
  }

  async fetch(person: string | Person, path: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers);
    headers.set("authorization", `Bearer ${await this.token(person)}`);
    return fetch(this.url + path, { redirect: "manual", ...init, headers });
  }

  async exports(person: string | Person, connection: string): Promise<string[]> {
    const list = await this.fetch(person, "/api/v1/sessions?limit=100");
    if (list.status !== 200) throw new Error(`sessions cannot be listed: ${list.status} ${await list.text()}`);
    const { items: sessions } = (await list.json()) as { items: { sid: string; connection: string }[] };
    const found: string[] = [];
    // Newest first in the list.
    for (const { sid } of sessions.filter((one) => one.connection === connection).reverse()) {
      const records = await this.fetch(person, `/api/v1/sessions/${sid}/records`);
      if (records.status !== 200)
        throw new Error(`session ${sid} cannot be read: ${records.status} ${await records.text()}`);
      found.push(await records.text());
    }
    return found;
  }

  async records(person: string | Person, connection: string): Promise<ReadRecord[]> {
    return (await this.exports(person, connection)).flatMap(readExport);
  }

  async stop(): Promise<void> {
    await this.runtime.stop();
    await this.issuer.stop();
  }
}

/** The records of an export, without its last line, the head. */
export function readExport(ndjson: string): ReadRecord[] {
  const lines = ndjson.split("\n").filter((line) => line !== "");
  return lines.slice(0, -1).map((line) => {
    const { leaf, fields } = JSON.parse(line) as { leaf: string; fields: [string, string, string][] };
    const {
      sid,
      seq,
      kind,
      cmd,
      class: classes,
    } = JSON.parse(leaf) as { sid: string; seq: number; kind: string; cmd?: string; class: ReadRecord["classes"] };
    return {
      sid,
      seq,
      kind,
      command: cmd ?? null,
      classes,
      fields: Object.fromEntries(fields.map(([name, , value]) => [name, value])),
    };
  });
}

/** Below the ports that systems lend to connections that go out (32768 on Linux): one of those could take it meanwhile. */
const PORTS = { from: 12_000, to: 32_000 } as const;

/** The Worker's variables name its own address, so the port must be known before it starts. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(PORTS.from, PORTS.to);
    const server = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      server.once("error", () => resolve(false));
      server.listen(port, "127.0.0.1", () => resolve(true));
    });
    if (!isFree) continue;
    await new Promise<void>((resolve) => server.close(() => resolve()));
    return port;
  }
}

const PAUSE_MS = { first: 10, longest: 100 } as const;

/**
 * Asks until the answer satisfies, for what becomes durable beside an answer and not before it. One that
 * never does fails the test: who goes on all the same would have waited for nothing, and shown nothing.
 */
export async function eventually<T>(
  ask: () => Promise<T>,
  satisfies: (answer: T) => boolean,
  milliseconds = 30_000,
): Promise<T> {
  const until = Date.now() + milliseconds;
  for (let pause: number = PAUSE_MS.first; ; pause = Math.min(2 * pause, PAUSE_MS.longest)) {
    const answer = await ask();
    if (satisfies(answer)) return answer;
    if (Date.now() > until)
      throw new Error(`still not so after ${milliseconds} ms: ${JSON.stringify(answer)?.slice(0, 2_000)}`);
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}
