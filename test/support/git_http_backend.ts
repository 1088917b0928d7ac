// git's own smart HTTP server: `git http-backend`, a CGI program (RFC 3875), behind as small a web
// server as one can be. One user may write; who does not log in is asked to.

import { spawn } from "node:child_process";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { listen, stopServer } from "./loopback.ts";

export interface GitServer {
  readonly url: string;
  stop(): Promise<void>;
}

/** Serves the bare repositories in `folder` to whoever sends `authorization`. */
export async function startGitServer(folder: string, authorization: string): Promise<GitServer> {
  const server = createServer((request, response) => {
    request.on("error", () => undefined);
    response.on("error", () => undefined);
    if (request.headers.authorization !== authorization) {
      request.resume();
      response.writeHead(401, { "www-authenticate": 'Basic realm="git"' }).end();
      return;
    }
    serve(folder, request, response);
  });
  const url = await listen(server);
  return { url, stop: () => stopServer(server) };
}

function serve(folder: string, request: IncomingMessage, response: ServerResponse): void {
  const [path = "", query = ""] = (request.url ?? "").split("?", 2);
  const { headers } = request;
  const child = spawn("git", ["http-backend"], {
    env: {
      PATH: process.env.PATH ?? "",
      GIT_PROJECT_ROOT: folder,
      GIT_HTTP_EXPORT_ALL: "1",
      GIT_CONFIG_NOSYSTEM: "1",
      HOME: folder,
      // Without a user http-backend refuses to receive.
      REMOTE_USER: "gateway",
      REMOTE_ADDR: "127.0.0.1",
      REQUEST_METHOD: request.method ?? "",
      PATH_INFO: decodeURIComponent(path),
      QUERY_STRING: query,
      CONTENT_TYPE: headers["content-type"] ?? "",
      // Left out where a body is chunked: then it ends with standard input.
      ...(headers["content-length"] === undefined ? {} : { CONTENT_LENGTH: headers["content-length"] }),
      ...(headers["content-encoding"] === undefined ? {} : { HTTP_CONTENT_ENCODING: headers["content-encoding"] }),
      GIT_PROTOCOL: String(headers["git-protocol"] ?? ""),
    },
    stdio: ["pipe", "pipe", "ignore"],
  });
  child.on("error", () => response.destroy());
  child.stdin.on("error", () => undefined);
  request.pipe(child.stdin);
  let head = Buffer.alloc(0);
  const untilHead = (chunk: Buffer): void => {
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf("\r\n\r\n");
    if (end < 0) return;
    child.stdout.off("data", untilHead);
    writeHead(response, head.subarray(0, end).toString("latin1"));
    response.write(head.subarray(end + 4));
    child.stdout.pipe(response);
  };
  child.stdout.on("data", untilHead);
  child.stdout.on("end", () => response.headersSent || response.writeHead(500).end());
  response.on("close", () => child.kill());
}

/** CGI's headers; `Status` among them is the status. */
function writeHead(response: ServerResponse, head: string): void {
  for (const line of head.split("\r\n")) {
    const [name = "", value = ""] = line.split(/:\s*/, 2);
    if (name.toLowerCase() === "status") response.statusCode = Number.parseInt(value, 10);
    else response.setHeader(name, value);
  }
}
