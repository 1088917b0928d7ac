// Where the browser comes back to (RFC 8252 §7.3): a server on loopback that takes one answer, the one
// with this login's `state`, and nothing else: other pages can send a browser here, too.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

const PATH = "/callback";

export interface Callback {
  readonly redirectUri: string;
  /** The URL of the one request that counts. */
  readonly answer: Promise<URL>;
  /** Tells the page that waits how it ended. */
  finish(isLoggedIn: boolean): void;
  close(): void;
}

/** `onForeign` is told of requests that are not this login's. */
export async function listen(state: string, onForeign: () => void): Promise<Callback> {
  let waiting: ServerResponse | null = null;
  let accept: (url: URL) => void = () => undefined;
  const answer = new Promise<URL>((resolve) => (accept = resolve));
  const server = createServer((request, response) => {
    const url = urlOf(request, originOf(server));
    const states = url?.searchParams.getAll("state") ?? [];
    if (url === null || url.pathname !== PATH) return send(response, 404, "Nothing is here.");
    if (states.length !== 1 || states[0] !== state || waiting !== null) {
      if (waiting === null) onForeign();
      return send(response, 400, "This is no answer to the login that runs here.");
    }
    waiting = response;
    accept(url);
  });
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(0, "127.0.0.1", resolve));
  return {
    redirectUri: originOf(server) + PATH,
    answer,
    finish: (isLoggedIn) => {
      if (waiting === null) return;
      if (isLoggedIn) send(waiting, 200, "You are logged in. You can close this page.");
      else send(waiting, 400, "That did not work. Your terminal says why.");
    },
    close: () => {
      server.close();
      server.closeIdleConnections();
      // The page's last words are given a moment; the process does not wait for them.
      setTimeout(() => server.closeAllConnections(), 200).unref();
    },
  };
}

function originOf(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Null for what no browser sent on from a provider: another method, or a name that was pointed here. */
function urlOf({ method, url = "", headers }: IncomingMessage, origin: string): URL | null {
  if (method !== "GET" || `http://${headers.host ?? ""}` !== origin || !url.startsWith("/")) return null;
  return URL.canParse(origin + url) ? new URL(origin + url) : null;
}

function send(response: ServerResponse, status: number, text: string): void {
  response
    .writeHead(status, {
      "content-type": "text/html; charset=utf-8",
      "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
      "cache-control": "no-store",
      // The URL holds the code: it goes no further.
      "referrer-policy": "no-referrer",
      connection: "close",
    })
    .end(
      `<!doctype html><html lang="en"><meta charset="utf-8"><title>Sallyport</title><style>body{font:16px/1.5 system-ui,sans-serif;margin:4rem auto;max-width:26rem;padding:0 1rem}</style><h1>Sallyport</h1><p>${text}</p>`,
    );
}
