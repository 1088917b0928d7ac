// A client that follows server-sent events and comes back with `Last-Event-ID` (WHATWG HTML §9.2): the npm
// package `eventsource`, against a server that breaks off. Nothing is lost or doubled.

import { createServer, type Server } from "node:http";
import { EventSource } from "eventsource";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { commandsOf } from "../support/commands.ts";
import { eventually, startGateway, testPolicy, type TestGateway } from "../support/gateway.ts";
import { listen, stopServer } from "../support/loopback.ts";

const EVENTS = 20;
/** The server goes away after this many events of one connection. */
const AT_ONCE = 7;

let server: Server;
let gateway: TestGateway;
let direct: string;
const lastIds = new Map<string, (string | undefined)[]>();

beforeAll(async () => {
  server = createServer((request, response) => {
    const side = request.headers.via === undefined ? "direct" : "through";
    const last = request.headers["last-event-id"];
    lastIds.set(side, [...(lastIds.get(side) ?? []), last === undefined ? undefined : String(last)]);
    const from = last === undefined ? 0 : Number(last) + 1;
    if (from >= EVENTS) {
      // The standard's way to say that a client should not come back.
      response.writeHead(204).end();
      return;
    }
    response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
    response.write("retry: 20\n\n");
    void send(from, (text) => response.write(text)).then(() => response.destroy());
  });
  direct = await listen(server);
  gateway = await startGateway({ policy: testPolicy({ events: direct }) });
});
afterAll(async () => {
  await gateway?.stop();
  if (server !== undefined) await stopServer(server);
});

async function send(from: number, write: (text: string) => void): Promise<void> {
  for (let id = from; id < Math.min(EVENTS, from + AT_ONCE); id++) {
    write(`id: ${id}\nevent: tick\ndata: {"n":${id},\ndata: "ü":"→"}\n\n`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

function follow(url: string, token: string | null): Promise<string[]> {
  const got: string[] = [];
  return new Promise((resolve) => {
    const source = new EventSource(url, {
      fetch: (input, init) =>
        fetch(input, {
          ...init,
          headers: { ...init.headers, ...(token === null ? {} : { authorization: `Bearer ${token}` }) },
        }),
    });
    source.addEventListener("tick", (event) => {
      got.push(`${event.lastEventId} ${String(event.data)}`);
    });
    source.addEventListener("error", () => {
      if (source.readyState === source.CLOSED) resolve(got);
    });
  });
}

describe("events", () => {
  test("come all, once and in order, over as many connections as it takes", async () => {
    const expected = Array.from({ length: EVENTS }, (_, id) => `${id} {"n":${id},\n"ü":"→"}`);
    expect(await follow(`${direct}/feed`, null)).toEqual(expected);
    expect(await follow(`${gateway.url}/c/events/feed`, await gateway.token("alice"))).toEqual(expected);
    expect(lastIds.get("through")).toEqual(lastIds.get("direct"));
    expect(lastIds.get("through")).toEqual([undefined, "6", "13", "19"]);
  });

  test("each connection is a command of its own, and its breaking off stands in the record", async () => {
    const commands = await eventually(
      async () => commandsOf(await gateway.records("alice", "events")),
      (found) => found.length === 4 && found.every(({ outcome }) => outcome !== null),
    );
    expect(commands.map(({ outcome }) => `${outcome?.kind ?? ""} ${String(outcome?.classes.status)}`)).toEqual([
      "command.failed 200",
      "command.failed 200",
      "command.failed 200",
      "command.completed 204",
    ]);
  });
});
