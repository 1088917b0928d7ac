// A gateway whose policy masks towards its callers, in front of an upstream that answers what a test
// says, and what a test asks of the two.

import { randomBytes } from "node:crypto";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { type EchoUpstream, type Handler, startEchoUpstream } from "./echo_upstream.ts";
import { eventually, type ReadRecord, startGateway, testPolicy, type TestGateway } from "./gateway.ts";

/** Two secrets: one by the name that it stands under, one by its shape; and what only this policy's admin knows. */
export const PASSWORD: string = randomBytes(12).toString("base64url");
export const TOKEN: string = `npm_${randomBytes(27).toString("hex").slice(0, 36)}`;
export const NUMBER = "EMP-204817";

export const DOCUMENT: string = JSON.stringify({
  user: "alice",
  password: PASSWORD,
  number: NUMBER,
  nested: [{ note: `deploy with ${TOKEN}`, count: 7 }, "ünïcode ✓"],
});
export const MASKED: string = DOCUMENT.replace(PASSWORD, "[masked:password]")
  .replace(NUMBER, "[masked:staff-number]")
  .replace(TOKEN, "[masked:npm-token]");

export interface Answer {
  readonly status: number;
  readonly reason: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
  /** False if it broke off. */
  readonly whole: boolean;
}

export class MaskBench {
  readonly upstream: EchoUpstream;
  readonly gateway: TestGateway;
  #made = 0;

  constructor(upstream: EchoUpstream, gateway: TestGateway) {
    this.upstream = upstream;
    this.gateway = gateway;
  }

  /** Nothing is opened, followed or repaired on the way. */
  async ask(
    path: string,
    options: {
      method?: string;
      headers?: Record<string, string>;
      body?: string;
      person?: string;
      connection?: string;
    } = {},
  ): Promise<Answer> {
    const { method = "GET", headers = {}, body, person = "alice", connection = "tool" } = options;
    const authorization = `Bearer ${await this.gateway.token(person)}`;
    return new Promise((resolve, reject) => {
      const sent = httpRequest(
        `${this.gateway.url}/c/${connection}${path}`,
        { method, headers: { authorization, ...headers } },
        (answer) => {
          const chunks: Buffer[] = [];
          const end = (): void =>
            resolve({
              status: answer.statusCode ?? 0,
              reason: answer.statusMessage ?? "",
              headers: answer.headers,
              body: Buffer.concat(chunks),
              whole: answer.complete,
            });
          answer
            .on("data", (chunk: Buffer) => chunks.push(chunk))
            .on("end", end)
            .on("error", end);
        },
      );
      sent.on("error", reject).end(body);
    });
  }

  serve(handler: Handler): string {
    const path = `/made-${++this.#made}`;
    this.upstream.handlers.set(path, handler);
    return path;
  }

  answering(body: string | Buffer, headers: Record<string, string | string[]> = {}, status = 200): string {
    return this.serve((_, response) => {
      const length = { "content-length": String(Buffer.byteLength(body)) };
      response.writeHead(status, { "content-type": "application/json", ...length, ...headers }).end(body);
    });
  }

  async recordsOf(path: string, person = "alice", connection = "tool"): Promise<ReadRecord[]> {
    const outcome = ({ kind }: ReadRecord): boolean => /^command\.(?:completed|failed|cancelled)$/.test(kind);
    return eventually(
      async () => {
        const all = await this.gateway.records(person, connection);
        const asked = all.find((one) => one.fields.target?.endsWith(path) === true);
        return all.filter((one) => one.command !== null && one.command === asked?.command);
      },
      (records) => records.some(outcome),
    );
  }

  async outcomeOf(path: string, person = "alice", connection = "tool"): Promise<ReadRecord> {
    const last = (await this.recordsOf(path, person, connection)).at(-1);
    if (last === undefined) throw new Error("no record");
    return last;
  }

  async stop(): Promise<void> {
    await this.gateway.stop();
    await this.upstream.stop();
  }
}

export async function startMaskBench(): Promise<MaskBench> {
  const upstream = await startEchoUpstream();
  const base = testPolicy({ tool: upstream.url, unrecorded: { upstream: upstream.url, record: "metadata" } });
  const rule = { effect: "allow", connections: ["*"], methods: ["*"], routes: ["/**"] };
  const gateway = await startGateway({
    policy: {
      ...(base as object),
      masks: { "staff-number": { pattern: "EMP-[0-9]{6}", keywords: ["EMP-"] } },
      rules: [
        { ...rule, id: "leads-see-all", priority: 2, who: { groups: ["leads"] } },
        { ...rule, id: "guests-see-no-numbers", priority: 1, who: { groups: ["guests"] }, mask: ["staff-number"] },
        { ...rule, id: "others-see-no-secrets", who: { groups: ["engineers"] }, mask: ["secrets", "staff-number"] },
      ],
    },
    people: { guest: { subject: "guest", groups: ["guests"] } },
  });
  return new MaskBench(upstream, gateway);
}
