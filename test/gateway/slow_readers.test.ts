// Many clients that hardly read: each holds its upstream back, and none of it piles up in between.

import { connect, type Socket } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type EchoUpstream, startEchoUpstream } from "../support/echo_upstream.ts";
import { eventually, startGateway, testPolicy, type TestGateway } from "../support/gateway.ts";
import { rawRequest } from "../support/raw_http.ts";
import { childrenCalled, memoryGrowth } from "../support/resident_memory.ts";

const MEBIBYTE = 1024 * 1024;
const READERS = 64;
const SIZE = 100 * MEBIBYTE;
/**
 * Measured in seven runs on a machine of two cores, beside other work: 3.9 to 4.2 MiB a reader; 2.7 MiB
 * without any recording, most of it of the runtime and of what the collector has not come to. Where the pump
 * did not wait for its reader it was 5.7 MiB, before what was being recorded held it back.
 */
const EACH = 5 * MEBIBYTE;
/** Kernels hold as much on the way: on each of two connections up to 4 MiB that were sent and 6 that were received (tcp(7)). Here it was 10 MiB of 100. */
const ON_THE_WAY_EACH = 20 * MEBIBYTE;

let upstream: EchoUpstream;
let gateway: TestGateway;
/** Bytes that the upstream could hand on. */
let sent = 0;

beforeAll(async () => {
  upstream = await startEchoUpstream();
  gateway = await startGateway({ policy: testPolicy({ tool: upstream.url }) });
  const piece = Buffer.from("a line of a text that goes on and on\n".repeat(1771));
  upstream.handlers.set("/long", (_, response) => {
    response.writeHead(200, { "content-type": "text/plain", "content-length": SIZE });
    let left = SIZE;
    const more = (): void => {
      while (left > 0) {
        const next = piece.subarray(0, left);
        left -= next.length;
        sent += next.length;
        if (!response.write(next)) return;
      }
      response.end();
    };
    response.on("drain", more);
    more();
  });
});
afterAll(async () => {
  await gateway?.stop();
  await upstream?.stop();
});

test("64 clients that stop reading 100 MB each cost the gateway less than 5 MiB each, and one that goes on gets all of it", async () => {
  const headers = [`Host: 127.0.0.1:${gateway.port}`, `Authorization: Bearer ${await gateway.token("alice")}`];
  const sockets: Socket[] = [];
  const heads: string[] = [];
  const growth = await memoryGrowth(childrenCalled("workerd"), async () => {
    for (let reader = 0; reader < READERS; reader++) {
      const socket = connect({ port: gateway.port, host: "127.0.0.1" });
      socket.on("error", () => undefined);
      socket.write(rawRequest("GET /c/tool/long HTTP/1.1", headers));
      // A first piece, and nothing more.
      socket.once("data", (piece: Buffer) => {
        socket.pause();
        heads.push(piece.toString("latin1", 0, 15));
      });
      sockets.push(socket);
    }
    // Before that it may well be still for a moment.
    await eventually(
      async () => heads.length,
      (count) => count >= READERS,
      30_000,
    );
    let before = -1;
    // Until nothing moves any more.
    await eventually(
      async () => {
        const isStill = before === sent;
        before = sent;
        await new Promise((resolve) => setTimeout(resolve, 700));
        return isStill;
      },
      (isStill) => isStill,
      40_000,
    );
  });
  expect(heads).toEqual(Array.from({ length: READERS }, () => "HTTP/1.1 200 OK"));
  const [first, ...others] = sockets;
  const all = new Promise((resolve) => first?.on("end", () => resolve("all of it")));
  const soFar = sent;
  first?.resume();
  for (const socket of others) socket.destroy();
  expect(await all).toBe("all of it");
  const outcomes = await eventually(
    async () => (await gateway.records("alice", "tool")).filter(({ kind }) => kind.startsWith("command.c")),
    (found) => found.length === READERS,
    30_000,
  );
  const whole = outcomes.filter(({ kind }) => kind === "command.completed");
  expect(whole.map(({ classes }) => classes.resp_bytes)).toEqual([SIZE]);
  expect(outcomes.filter(({ kind }) => kind === "command.cancelled").length).toBe(READERS - 1);
  expect(soFar).toBeLessThan(READERS * (ON_THE_WAY_EACH + EACH));
  expect(growth).toBeLessThan(READERS * EACH);
});
