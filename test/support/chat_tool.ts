// A tool for browsers that talks over a WebSocket: a page at its root, and an echo at `/socket`, as such
// tools are written: with root-relative addresses, a cookie of its own, and a look at `Origin`.

import { createServer } from "node:http";
import type { IncomingHttpHeaders } from "node:http";
import { WebSocketServer } from "ws";
import { listen, stopServer } from "./loopback.ts";

export interface ChatTool {
  readonly url: string;
  /** Of the sockets that were asked for, refused ones too. */
  readonly handshakes: IncomingHttpHeaders[];
  stop(): Promise<void>;
}

const PAGE = `<!doctype html>
<title>chat</title>
<h1>chat</h1>
<form><input name="text"><button>Say</button></form>
<ol></ol>
<script>
  const socket = new WebSocket("/socket", ["chat.v1"]);
  const say = (text) => document.querySelector("ol").append(Object.assign(document.createElement("li"), { textContent: text }));
  socket.addEventListener("open", () => say("open " + socket.protocol));
  socket.addEventListener("message", (event) => say(event.data));
  socket.addEventListener("close", (event) => say("closed " + event.code + " " + event.reason));
  document.querySelector("form").addEventListener("submit", (event) => {
    event.preventDefault();
    socket.send(document.querySelector("input").value);
  });
</script>
`;

export async function startChatTool(): Promise<ChatTool> {
  const handshakes: IncomingHttpHeaders[] = [];
  const server = createServer((_, response) =>
    response.writeHead(200, { "content-type": "text/html", "set-cookie": "chat=1; HttpOnly; Path=/" }).end(PAGE),
  );
  const sockets = new WebSocketServer({
    server,
    path: "/socket",
    verifyClient: ({ req, origin }: { req: { headers: IncomingHttpHeaders }; origin: string }) => {
      handshakes.push(req.headers);
      return origin === `http://${req.headers.host}` && req.headers.cookie === "chat=1";
    },
  });
  sockets.on("connection", (socket) =>
    socket.on("message", (data: Buffer, isBinary) => socket.send(`echo of ${data.toString()}`, { binary: isBinary })),
  );
  const url = await listen(server);
  return {
    url,
    handshakes,
    stop: async () => {
      for (const socket of sockets.clients) socket.terminate();
      sockets.close();
      await stopServer(server);
    },
  };
}
