// A crash campaign's course: load, a crash at a random moment, the restart over what the crash left.

import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { readdirSync } from "node:fs";
import type { RuntimeOptions } from "../../local/runtime.ts";
import { applyTestPolicy, freePort, runtimeOptions, testPolicy } from "../support/gateway.ts";
import { startIssuer, type TestIssuer } from "../support/issuer.ts";
import { type Attempt, startLoad } from "./crash_load.ts";
import { byCaller, contradiction, kindsOf } from "./crash_rules.ts";
import { bodyContradiction, type Bodies, messageContradictions, messagesOf } from "./crash_payloads.ts";
import { type SocketLoad, startSocketLoad } from "./crash_sockets.ts";
import type { CrashStorage } from "./crash_storage.ts";
import { Auditor, type Heads, type Trail } from "./crash_trail.ts";
import { type CrashUpstream, startCrashUpstream } from "./crash_upstream.ts";
import { type GatewayProcess, isRunning, startGatewayProcess } from "./gateway_process.ts";

const CONNECTIONS = 24;
const STREAMS = 4;
const SOCKETS = 6;
/** People whose sessions last from crash to crash, and such who come new in each round. */
const REGULARS = ["alice", "bob", "dave"];
const NEWCOMERS = 3;
export const AUDITOR = "carol";
/** A record's id begins with its session's number; see migrations/objects/log.ts. */
const SIZES = "SELECT sid, (SELECT COUNT(*) FROM record WHERE id >> 32 = session.no) AS size FROM session";

export class Campaign {
  readonly random: () => number;
  readonly storage: CrashStorage;
  readonly attempts: Attempt[] = [];
  /** The messages of each round. */
  readonly sockets: SocketLoad[] = [];
  readonly #bodies: Bodies = new Map();
  readonly #heads: Heads = new Map();
  readonly #issuer: TestIssuer;
  readonly #upstream: CrashUpstream;
  readonly #options: RuntimeOptions;
  readonly #folder: string;
  readonly #pids: number[] = [];
  #gateway: GatewayProcess | null = null;

  constructor(
    random: () => number,
    storage: CrashStorage,
    issuer: TestIssuer,
    upstream: CrashUpstream,
    options: RuntimeOptions,
    folder: string,
  ) {
    this.random = random;
    this.storage = storage;
    this.#issuer = issuer;
    this.#upstream = upstream;
    this.#options = options;
    this.#folder = folder;
  }

  /** `folder` takes the gateway's log and what it leaves behind. */
  static async start(random: () => number, storage: CrashStorage, folder: string): Promise<Campaign> {
    const issuer = await startIssuer();
    const upstream = await startCrashUpstream();
    const policy = testPolicy({ tool: upstream.url, socket: { protocol: "websocket", upstream: upstream.url } });
    const options = { ...runtimeOptions({}, issuer, await freePort()), log: join(folder, "gateway.log") };
    const campaign = new Campaign(random, storage, issuer, upstream, options, folder);
    await campaign.restart();
    // Once: it has to outlast every crash.
    await applyTestPolicy(campaign.gateway.url, issuer, policy);
    return campaign;
  }

  async restart(): Promise<void> {
    this.#gateway = await startGatewayProcess({ ...this.#options, state: this.storage.state }, this.#folder);
    this.#pids.push(...this.#gateway.pids);
  }

  get gateway(): GatewayProcess {
    if (this.#gateway === null) throw new Error("the gateway is not running");
    return this.#gateway;
  }

  engineer(subject: string): Promise<string> {
    return this.#issuer.token({ subject, groups: ["engineers"] });
  }

  async auditor(): Promise<Auditor> {
    const token = await this.#issuer.token({ subject: AUDITOR, groups: ["auditors"] });
    return new Auditor(this.gateway.url, token, this.#heads);
  }

  /** Load until some calls have ended, then the crash; what the callers remember, and how the crash was. */
  async crash(round: number): Promise<{ readonly attempts: readonly Attempt[]; readonly how: string }> {
    const { random, gateway } = this;
    const newcomers = Array.from({ length: NEWCOMERS }, (_, index) => `person-${round}-${index}`);
    const load = startLoad({
      url: gateway.url,
      allowed: await Promise.all([...REGULARS, ...newcomers].map((subject) => this.engineer(subject))),
      refused: await this.#issuer.token({ subject: round % 2 === 0 ? "outsider" : `outsider-${round}` }),
      connections: CONNECTIONS,
      streams: STREAMS,
      random,
    });
    const sockets = startSocketLoad({
      url: gateway.url,
      tokens: await Promise.all(REGULARS.map((subject) => this.engineer(subject))),
      sockets: SOCKETS,
    });
    // Every third crash comes while sessions are opened, the first among them.
    const isEarly = round % 3 === 1;
    await load.reached(isEarly ? 0 : 100 + random() * 200);
    if (!isEarly) await sockets.flowing();
    await new Promise((resolve) => setTimeout(resolve, random() * (isEarly ? 600 : 100)));
    if (!gateway.pids.every(isRunning)) throw new Error("the gateway ended by itself");
    const how = await this.storage.crash(() => gateway.kill());
    await Promise.all([load.stop(), sockets.stop()]);
    await this.#upstream.idle();
    this.#gateway = null;
    this.attempts.push(...load.attempts);
    this.sockets.push(sockets);
    return { attempts: load.attempts, how };
  }

  /** Each call of which the trail tells something else than its caller and the upstream do, with what is wrong. */
  async contradictions(trail: Trail, attempts: readonly Attempt[]): Promise<unknown[]> {
    const auditor = await this.auditor();
    const byId = byCaller(trail.commands.values());
    const found: unknown[] = [];
    for (const attempt of attempts) {
      const own = byId.get(attempt.id) ?? [];
      const what =
        contradiction(attempt, own, this.#upstream.heard.get(attempt.id) ?? 0) ??
        (await bodyContradiction(attempt, own[0], this.#upstream, auditor));
      if (what !== null) found.push({ what, attempt, kinds: own.map(kindsOf) });
    }
    return found;
  }

  /** The same of messages, for all rounds: each sent and received at most once, and recorded before. */
  async messageContradictions(trail: Trail): Promise<unknown[]> {
    const recorded = await messagesOf(trail, await this.auditor(), this.#bodies);
    const all: SocketLoad = {
      sent: this.sockets.flatMap(({ sent }) => sent),
      received: new Map(this.sockets.flatMap(({ received }) => [...received])),
      flowing: async () => undefined,
      stop: async () => undefined,
    };
    return messageContradictions(all, this.#upstream, recorded);
  }

  /** Ids that the upstream has heard of and no caller remembers. */
  strays(): string[] {
    const known = new Set(this.attempts.map(({ id }) => id));
    return [...this.#upstream.heard.keys()].filter((id) => !known.has(id));
  }

  /** How many records of each session are stored, by its id, read from the files of a gateway that has ended. */
  stored(): Map<string, number> {
    return new Map(this.#inSessions(SIZES).map(({ sid, size }) => [String(sid), Number(size)]));
  }

  /** Ids of commands that are open, read from the files: an object that is asked would wake. */
  open(): string[] {
    return this.#inSessions("SELECT cmd FROM open_intent").map(({ cmd }) => String(cmd));
  }

  #inSessions(sql: string): Record<string, unknown>[] {
    const folder = join(this.storage.state, "storage", "do", "sallyport-SessionObject");
    return readdirSync(folder)
      .filter((name) => /^[0-9a-f]{64}\.sqlite$/.test(name))
      .flatMap((name) => readFrom(join(folder, name), sql));
  }

  /** Ends the gateway in order, and says which processes of the whole campaign are left. */
  async end(): Promise<number[]> {
    await this.#gateway?.stop();
    this.#gateway = null;
    return this.#pids.filter(isRunning);
  }

  async remove(): Promise<void> {
    await this.#gateway?.kill();
    await this.#upstream.stop();
    await this.#issuer.stop();
    this.storage.remove();
  }
}

/** SQLITE_READONLY_ROLLBACK (sqlite.org/rescode.html): a journal is left that only a writer may roll back. */
const ROLLBACK_NEEDED = 776;

/** A crash can come before an object has its tables; none of its rows, if the file is still as the crash left it. */
function readFrom(path: string, sql: string): Record<string, unknown>[] {
  const file = new DatabaseSync(path, { readOnly: true, timeout: 5_000 });
  try {
    const hasTables = file.prepare("SELECT 1 FROM sqlite_master WHERE name = 'open_intent'").get() !== undefined;
    return hasTables ? file.prepare(sql).all() : [];
  } catch (error) {
    // Before its first table the runtime has switched it to a write-ahead log; until then it has such a journal.
    if (error instanceof Error && "errcode" in error && error.errcode === ROLLBACK_NEEDED) return [];
    throw error;
  } finally {
    file.close();
  }
}
