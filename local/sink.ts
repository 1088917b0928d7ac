// Where the demonstration's notices go: a receiver of Standard Webhooks that takes what the gateway signed,
// hands it on to be printed, and shows the last ones on a page. A newcomer's stand-in for a chat.

import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { Webhook } from "standardwebhooks";
import * as v from "valibot";
import { page } from "./oidc_pages.ts";

/** A notice as the gateway sends it (workers/notices/message.ts), as far as it is shown. */
const Notice = v.object({
  type: v.pipe(v.string(), v.regex(/^approval\.[a-z_]+$/)),
  timestamp: v.pipe(v.string(), v.isoTimestamp()),
  data: v.looseObject({
    approval: v.string(),
    url: v.pipe(v.string(), v.regex(/^https?:\/\//), v.url()),
    title: v.string(),
    connection: v.string(),
    requester: v.string(),
  }),
});

export type SinkNotice = v.InferOutput<typeof Notice>;

export interface SinkOptions {
  readonly port: number;
  /** As the gateway has it: `whsec_…`. */
  readonly secret: string;
  /** Called once for each notice, however often it comes. */
  readonly onNotice: (notice: SinkNotice) => void;
}

export interface Sink {
  /** `http://127.0.0.1:<port>`, without a slash at the end. */
  readonly url: string;
  stop(): Promise<void>;
}

/** The path that takes them; the page is at `/`, the same as JSON at `/notices.json`. */
export const NOTICES_PATH = "/notices";
/** Shown; older ones are forgotten. */
const KEPT = 100;
/** A notice has less than one. */
const BODY_LIMIT = 64 * 1024;

export async function startSink({ port, secret, onNotice }: SinkOptions): Promise<Sink> {
  const key = new Webhook(secret);
  /** By id, the oldest first. */
  const kept = new Map<string, SinkNotice>();
  const take = async (request: IncomingMessage): Promise<number> => {
    const body = await bodyOf(request);
    if (body === null) return 413;
    const id = String(request.headers["webhook-id"]);
    const notice = readNotice(key, request, body);
    if (notice === null) return 401;
    if (kept.has(id)) return 204;
    kept.set(id, notice);
    for (const [oldest] of kept) if (kept.size > KEPT) kept.delete(oldest);
    onNotice(notice);
    return 204;
  };
  const server = createServer((request, response) => {
    const path = request.url ?? "";
    if (request.method === "POST" && path === NOTICES_PATH) {
      void take(request).then(
        (status) => response.writeHead(status).end(),
        () => response.writeHead(400).end(),
      );
    } else if (request.method === "GET" && path === "/") send(response, "text/html; charset=utf-8", pageOf(kept));
    else if (request.method === "GET" && path === "/notices.json")
      send(response, "application/json", `${JSON.stringify([...kept.values()].toReversed(), null, 2)}\n`);
    else response.writeHead(404).end();
  });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const bound = typeof address === "object" && address !== null ? address.port : port;
  return {
    url: `http://127.0.0.1:${bound}`,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Null if it is too large. */
async function bodyOf(request: IncomingMessage): Promise<string | null> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > BODY_LIMIT) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

/** Null if the gateway did not sign it, or not lately. */
function readNotice(key: Webhook, { headers }: IncomingMessage, body: string): SinkNotice | null {
  try {
    const signed = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
    const parsed = v.safeParse(Notice, key.verify(body, signed));
    return parsed.success ? parsed.output : null;
  } catch {
    return null;
  }
}

function send(response: ServerResponse, type: string, text: string): void {
  response
    .writeHead(200, {
      "content-type": type,
      "cache-control": "no-store",
      "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'",
      "x-content-type-options": "nosniff",
    })
    .end(text);
}

function pageOf(kept: ReadonlyMap<string, SinkNotice>): string {
  const rows = [...kept.values()].toReversed().map(({ type, timestamp, data }) => {
    const { title, connection, requester, url } = data;
    const when = timestamp.slice(0, 19).replace("T", " ");
    return `<p><b>${escape(type)}</b> <small>${escape(when)} UTC, ${escape(requester)} on ${escape(connection)}</small>${escape(title)}<br><a href="${escape(url)}">${escape(url)}</a></p>`;
  });
  const none = "<p>None yet. They come when somebody asks for what takes an approval.</p>";
  return page("Notices", `<meta http-equiv="refresh" content="5">${rows.length === 0 ? none : rows.join("")}`);
}

const escape = (text: string): string => text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
