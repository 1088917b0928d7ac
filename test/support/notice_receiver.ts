// A receiver of notices: an ordinary Node server that answers as a test says, and checks signatures by the
// specification (Standard Webhooks 1.0.0, "Signature scheme") without the package that the gateway signs with.

import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { listen, stopServer } from "./loopback.ts";

export interface GotNotice {
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
  readonly at: number;
}

export interface NoticeReceiver {
  readonly url: string;
  readonly got: GotNotice[];
  /** What answers a path; anything else gets 204. */
  readonly answers: Map<string, (response: ServerResponse) => void>;
  at(path: string): GotNotice[];
  stop(): Promise<void>;
}

export async function startNoticeReceiver(): Promise<NoticeReceiver> {
  const got: GotNotice[] = [];
  const answers: NoticeReceiver["answers"] = new Map();
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    response.on("error", () => undefined);
    request.on("error", () => undefined);
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const path = request.url ?? "";
      got.push({ path, headers: request.headers, body: Buffer.concat(chunks).toString(), at: Date.now() });
      const answer = answers.get(path);
      if (answer !== undefined) return answer(response);
      response.writeHead(204).end();
    });
  });
  const url = await listen(server);
  return {
    url,
    got,
    answers,
    at: (path) => got.filter((one) => one.path === path),
    stop: () => stopServer(server),
  };
}

export function newSigningSecret(): string {
  return `whsec_${randomBytes(32).toString("base64")}`;
}

/** `v1,` and base64 of HMAC-SHA-256 over `<id>.<timestamp>.<body>`; any one of the header's counts. */
export function isSigned({ headers, body }: GotNotice, secret: string): boolean {
  const id = String(headers["webhook-id"]);
  const timestamp = String(headers["webhook-timestamp"]);
  if (!/^\d+$/.test(timestamp) || Math.abs(Date.now() / 1000 - Number(timestamp)) > 300) return false;
  const key = Buffer.from(secret.slice("whsec_".length), "base64");
  const expected = createHmac("sha256", key).update(`${id}.${timestamp}.${body}`).digest();
  return String(headers["webhook-signature"])
    .split(" ")
    .some((one) => {
      const [version, signature = ""] = one.split(",");
      const bytes = Buffer.from(signature, "base64");
      return version === "v1" && bytes.length === expected.length && timingSafeEqual(bytes, expected);
    });
}
