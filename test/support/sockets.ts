// Both ends of a socket through the gateway: a real client, and a real tool that the gateway calls.

import { createServer, type IncomingHttpHeaders, type IncomingMessage, type Server } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import WebSocket, { type ClientOptions, WebSocketServer } from "ws";
import type { ReadRecord, TestGateway } from "./gateway.ts";
import { listen, stopServer } from "./loopback.ts";

export interface Closed {
  readonly code: number;
  readonly reason: string;
}

/** One end: what it heard, in order, and how it ended. */
export class SocketEnd {
  readonly socket: WebSocket;
  readonly heard: (string | Buffer)[] = [];
  readonly closed: Promise<Closed>;
  #read = 0;
  #waiting: (() => void)[] = [];

  constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on("message", (data, isBinary) => {
      this.heard.push(isBinary ? (data as Buffer) : (data as Buffer).toString());
      for (const one of this.#waiting.splice(0)) one();
    });
    socket.on("error", () => undefined);
    this.closed = new Promise((resolve) => {
      socket.on("close", (code, reason) => resolve({ code, reason: String(reason) }));
    });
  }

  /** What comes next. */
  async next(): Promise<string | Buffer> {
    while (this.heard.length <= this.#read) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    return this.heard[this.#read++] ?? "";
  }

  async has(count: number): Promise<void> {
    while (this.heard.length < count) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  send(data: string | Buffer): void {
    this.socket.send(data);
  }
}

export interface Upgrade {
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly rawHeaders: readonly string[];
}

/** A tool that speaks over sockets. A path can be given an answer of its own in place of the upgrade. */
export class SocketTool {
  readonly upgrades: Upgrade[] = [];
  readonly answers = new Map<string, (socket: Duplex, request: IncomingMessage) => void>();
  /** Of those that were offered; the first by default. */
  choose: (offered: readonly string[]) => string | null = (offered) => offered[0] ?? null;
  /** Upgrades wait for it. */
  hold: Promise<void> | null = null;
  readonly #server: Server;
  readonly #ends: { readonly path: string; readonly end: SocketEnd }[] = [];
  readonly #all: SocketEnd[] = [];
  #waiting: (() => void)[] = [];
  url = "";

  constructor() {
    const sockets = new WebSocketServer({
      noServer: true,
      perMessageDeflate: false,
      maxPayload: 64 * 1024 * 1024,
      handleProtocols: (offered) => this.choose([...offered]) ?? false,
    });
    this.#server = createServer((_, response) => response.writeHead(404).end());
    this.#server.on("upgrade", (request: IncomingMessage, socket: Socket, head) => {
      const { url = "", headers, rawHeaders } = request;
      this.upgrades.push({ url, headers, rawHeaders });
      socket.on("error", () => undefined);
      // A tool that hangs up when it is hung up on.
      socket.on("end", () => socket.end());
      const answer = this.answers.get(url.split("?")[0] ?? "");
      if (answer !== undefined) {
        socket.resume();
        return answer(socket, request);
      }
      const upgrade = (): void =>
        sockets.handleUpgrade(request, socket, head, (opened) => {
          const end = new SocketEnd(opened);
          this.#ends.push({ path: url, end });
          this.#all.push(end);
          for (const one of this.#waiting.splice(0)) one();
        });
      if (this.hold === null) upgrade();
      else void this.hold.then(upgrade);
    });
  }

  static async start(): Promise<SocketTool> {
    const tool = new SocketTool();
    tool.url = await listen(tool.#server);
    return tool;
  }

  /** The tool's end of a socket at this path, the first that was not taken yet. */
  async taken(path: string): Promise<SocketEnd> {
    for (;;) {
      const at = this.#ends.findIndex((one) => one.path === path);
      const [found] = at < 0 ? [] : this.#ends.splice(at, 1);
      if (found !== undefined) return found.end;
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  async stop(): Promise<void> {
    for (const { socket } of this.#all) socket.terminate();
    await stopServer(this.#server);
  }
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** An upgrade that the gateway answers otherwise. */
export class NoSocket extends Error {
  readonly answer: Answer;

  constructor(answer: Answer) {
    super(`no socket: ${answer.status} ${answer.body}`);
    this.answer = answer;
  }
}

/** Throws `NoSocket`. */
export async function openSocket(
  gateway: TestGateway,
  person: string,
  path: string,
  protocols: readonly string[] = [],
  options: ClientOptions = {},
): Promise<SocketEnd> {
  const socket = new WebSocket(gateway.url.replace(/^http/, "ws") + path, [...protocols], {
    perMessageDeflate: false,
    maxPayload: 64 * 1024 * 1024,
    ...options,
    headers: { authorization: `Bearer ${await gateway.token(person)}`, ...options.headers },
  });
  const end = new SocketEnd(socket);
  await new Promise<void>((resolve, reject) => {
    socket.once("open", () => resolve());
    socket.once("error", reject);
    socket.once("unexpected-response", (_, response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => {
        const body = Buffer.concat(chunks).toString();
        reject(new NoSocket({ status: response.statusCode ?? 0, headers: response.headers, body }));
      });
    });
  });
  return end;
}

/** How the gateway answers an upgrade that comes to nothing. */
export async function refusedSocket(...asked: Parameters<typeof openSocket>): Promise<Answer> {
  try {
    (await openSocket(...asked)).socket.terminate();
  } catch (error) {
    if (error instanceof NoSocket) return error.answer;
    throw error;
  }
  throw new Error("a socket was opened");
}

/** Both ends of one. */
export async function openBoth(
  gateway: TestGateway,
  tool: SocketTool,
  ...[person, path, protocols, options]: [person: string, path: string, protocols?: readonly string[], ClientOptions?]
): Promise<{ client: SocketEnd; server: SocketEnd }> {
  const client = await openSocket(gateway, person, path, protocols, options);
  return { client, server: await tool.taken(path.replace(/^\/c\/[^/]*/, "")) };
}

/** The records of messages. */
export function messagesOf(records: readonly ReadRecord[]): ReadRecord[] {
  return records.filter(({ classes }) => classes.protocol === "websocket" && classes.socket !== undefined);
}

/** What a record holds of a message in its own fields. */
export function payloadOf({ fields }: ReadRecord): string | Buffer | null {
  if (fields["payload.b64"] !== undefined) return Buffer.from(fields["payload.b64"], "base64");
  return fields.payload ?? null;
}
