// Sessions on a running gateway whose records a test writes itself, through the session object: bodies of
// any shape, without a tool that sends them.

import { newCommandId, type CommandId, type ConnectionName } from "../../core/ids.ts";
import { chunkRecord, exchangeRecord } from "../../core/mask/mask_draft.ts";
import { payloadFields, type PayloadNature } from "../../core/mask/payload_fields.ts";
import type { Span } from "../../core/mask/span.ts";
import { commit } from "../../core/record/commit.ts";
import type { Side } from "../../core/record/payload.ts";
import type { Classes, Committed, Fields, Kind, Masked } from "../../core/record/record.ts";
import type { Appended, Opening, SessionRpc } from "../../durable/session_rpc.ts";
import { fillRandom, sha256 } from "../../durable/sha256.ts";
import type { TestGateway } from "./gateway.ts";

export interface WrittenPart {
  readonly bytes: Uint8Array;
  readonly spans?: readonly Span[];
}

interface Written {
  readonly target?: string;
  readonly headers?: readonly (readonly [string, string])[];
  readonly body?: WrittenPart | null;
  readonly nature?: PayloadNature;
  readonly classes?: Classes;
}

type Writer = Pick<SessionRpc, "begin" | "proceed" | "renew">;

export class WrittenSession {
  readonly sid: string;
  readonly #object: Writer;

  private constructor(sid: string, object: Writer) {
    this.sid = sid;
    this.#object = object;
  }

  /** Of `subject`, with the named object to itself. Its first command comes with it. */
  static async open(gateway: TestGateway, subject: string, name: string): Promise<WrittenSession> {
    const namespace = await gateway.runtime.miniflare.getDurableObjectNamespace("SESSION");
    const object = namespace.get(namespace.idFromName(`written/${name}`)) as unknown as Writer;
    const opening: Opening = {
      connection: "tool" as ConnectionName,
      region: "local",
      protocol: "http",
      fields: { principal: JSON.stringify({ issuer: gateway.issuer.url, subject }), connection: "tool" },
      owner: { issuer: gateway.issuer.url, subject },
    };
    const sid = sidOf(await object.begin(requested(newCommand(), {}), opening));
    return new WrittenSession(sid, object);
  }

  async request(written: Written = {}): Promise<WrittenCommand> {
    const id = newCommand();
    sidOf(await this.#object.begin(requested(id, written), null));
    return new WrittenCommand(this.sid, id, this.#object);
  }
}

export class WrittenCommand {
  readonly sid: string;
  readonly id: CommandId;
  readonly #object: Writer;
  readonly #next = { request: { n: 0, at: 0 }, response: { n: 0, at: 0 } };

  constructor(sid: string, id: CommandId, object: Writer) {
    this.sid = sid;
    this.id = id;
    this.#object = object;
  }

  /** Its lease goes on, however long the test takes, until what is returned is called. */
  hold(): () => void {
    const timer = setInterval(() => void this.#object.renew(this.id), 5_000);
    return () => clearInterval(timer);
  }

  path(side: Side): string {
    return `/api/v1/sessions/${this.sid}/payload/${this.id}/${side}`;
  }

  start(headers: readonly (readonly [string, string])[] = [], status = 200): Promise<void> {
    return this.#proceed([record("response.started", this.id, { status, ms: 1 }, { headers }, {})]);
  }

  /** A chunk for each part. */
  async stream(side: Side, parts: readonly WrittenPart[], nature: PayloadNature = { format: "text" }): Promise<void> {
    for (const { bytes, spans = [] } of parts) {
      const next = this.#next[side];
      // As if the same bytes had travelled: only the masked ones are looked at.
      const chunk = { side, n: next.n, offset: next.at, length: bytes.length, at: next.at, held: 0 };
      const payload = payloadFields([{ bytes, spans }], nature, sha256);
      await this.#proceed([chunkRecord(this.id, chunk, payload)]);
      next.n += 1;
      next.at += bytes.length;
    }
  }

  complete({ headers, body = null, nature = { format: "text" }, classes = {} }: Written = {}): Promise<void> {
    const folded = headers === undefined ? 0 : 1;
    const outcome = { transport: "ok", status: 200, tool: "none", folded, ms: 1, req_bytes: 0, resp_bytes: 0 };
    const sent = { ...(headers === undefined ? {} : { headers }), payload: payloadOf(body, nature) };
    const digests = { digests: '{"request":null,"response":null}' };
    return this.#proceed([record("command.completed", this.id, { ...outcome, ...classes }, sent, digests)]);
  }

  async #proceed(records: readonly Masked[]): Promise<void> {
    sidOf(await this.#object.proceed(records.map(committed)));
  }
}

function newCommand(): CommandId {
  return newCommandId(Date.now(), fillRandom);
}

function sidOf(answer: Appended): string {
  // What comes back stands for the object's value: it is read, not looked into.
  const { ok } = answer;
  if (!ok) throw new Error(`refused: ${(answer as { reason: string }).reason}`);
  return (answer as { sid: string }).sid;
}

function requested(id: CommandId, written: Written): Committed {
  const { target = "/x", headers = [], body = null, nature = { format: "text" }, classes = {} } = written;
  const policy = "5d".repeat(32);
  const clear = { protocol: "http", verb: "write", effect: "allow", policy, rule: "r", ...classes };
  const sent = { target: { method: "POST", path: target, query: "" }, headers, payload: payloadOf(body, nature) };
  return committed(record("command.requested", id, clear, sent, {}));
}

function payloadOf(body: WrittenPart | null, nature: PayloadNature) {
  if (body === null) return nature.format === "opaque" ? payloadFields([], nature, sha256) : null;
  return payloadFields([{ bytes: body.bytes, spans: body.spans ?? [] }], nature, sha256);
}

function record(
  kind: Kind,
  command: CommandId,
  classes: Classes,
  sent: Parameters<typeof exchangeRecord>[1],
  own: Fields,
): Masked {
  return exchangeRecord({ kind, command, part: 0, classes }, sent, own);
}

function committed(masked: Masked): Committed {
  return commit(masked, fillRandom, sha256);
}
