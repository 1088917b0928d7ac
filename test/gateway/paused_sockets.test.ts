// Peers that do not read must not fill the runtime's memory: what waits for them is bounded, and the
// one that is too far behind is closed, with a record that says so.

import { afterAll, beforeAll, expect, test } from "vitest";
import { eventually, startGateway, testPolicy, type TestGateway } from "../support/gateway.ts";
import { childrenCalled, memoryGrowth } from "../support/resident_memory.ts";
import { openBoth, type SocketEnd, SocketTool } from "../support/sockets.ts";

const MEBIBYTE = 1024 * 1024;
const READERS = 64;
/**
 * Measured in seven runs on a machine of two cores, beside other work: 168 to 332 MiB. Where what is being
 * recorded did not count as waiting for its peer, it was 1,631 MiB.
 */
const GROWTH_LIMIT = 448 * MEBIBYTE;

let tool: SocketTool;
let gateway: TestGateway;

beforeAll(async () => {
  tool = await SocketTool.start();
  gateway = await startGateway({
    policy: testPolicy({ flood: { protocol: "websocket", upstream: tool.url, record: "metadata" } }),
    // Of an object each.
    people: {
      ann: { subject: "ann", groups: ["engineers"] },
      ben: { subject: "ben", groups: ["engineers"] },
    },
  });
});
afterAll(async () => {
  await gateway?.stop();
  await tool?.stop();
});

/** As much as is taken, until the socket is closed or `bytes` were written. */
async function flood(end: SocketEnd, bytes: number): Promise<void> {
  const piece = Buffer.alloc(64 * 1024, 1);
  for (let sent = 0; sent < bytes && end.socket.readyState === end.socket.OPEN; sent += piece.length)
    await new Promise<void>((resolve) => end.socket.send(piece, () => resolve()));
}

test("64 clients that do not read, of tools that do not stop, leave the runtime's memory within a bound", async () => {
  const ends: Awaited<ReturnType<typeof openBoth>>[] = [];
  for (let n = 0; n < READERS; n++) ends.push(await openBoth(gateway, tool, "ann", `/c/flood/${n}`));
  for (const { client } of ends) client.socket.pause();
  const growth = await memoryGrowth(childrenCalled("workerd"), async () => {
    await Promise.all(ends.map(({ server }) => flood(server, 32 * MEBIBYTE)));
  });
  const records = await eventually(
    () => gateway.records("ann", "flood"),
    (found) => found.some(({ classes }) => classes.reason === "caller_behind" && classes.closed_by === "gateway"),
  );
  const ended = records.filter(({ classes }) => classes.closed_by !== undefined);
  // 2 GiB were to be sent, and without a bound all of it waits here. With it 64 × 1 MiB and 33 MiB beside may;
  // what else is seen is what is being recorded, and what the runtime has not collected yet.
  const handedOn = ended.reduce((sum, { classes }) => sum + Number(classes.resp_bytes), 0);
  expect(handedOn).toBeGreaterThan(0);
  expect(handedOn).toBeLessThanOrEqual((READERS + 33) * MEBIBYTE);
  expect(growth).toBeLessThan(GROWTH_LIMIT);
  expect(ended.length).toBeGreaterThan(0);
  expect(ended.every(({ kind, classes }) => kind === "command.failed" && classes.close === 1013)).toBe(true);
  for (const { client } of ends) client.socket.terminate();
  // What waited for them is let go with them.
  await Promise.all(ends.map(({ server }) => server.closed));
}, 120_000);

test("a client that reads gets everything, however fast its tool is", async () => {
  const { client, server } = await openBoth(gateway, tool, "ben", "/c/flood/reader");
  const bytes = 24 * MEBIBYTE;
  await flood(server, bytes);
  await Promise.race([client.has(bytes / (64 * 1024)), client.closed]);
  client.socket.close();
  await server.closed;
  expect(client.heard.reduce((sum, one) => sum + one.length, 0)).toBe(bytes);
});
