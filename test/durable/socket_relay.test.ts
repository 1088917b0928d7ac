// A relay between two ends in one isolate, over storage that fails: nothing leaves that is not on
// record, nothing is on record twice, and what cannot be recorded ends the socket for both sides.

import { expect, test } from "vitest";
import { TURN_MESSAGES } from "../../durable/socket_turn.ts";
import { classesOf, kindsOf, newCommand } from "../support/objects.ts";
import { kinds, quiet, withRelay } from "../support/relay_bench.ts";

test("what passes is on record first, each way in its order", () =>
  withRelay(async ({ bench, caller, tool }) => {
    const atQuery: number[] = [];
    bench.onQuery = (query) => {
      if (query.startsWith("INSERT INTO record")) atQuery.push(tool.heard.length + caller.heard.length);
    };
    caller.socket.send("one");
    caller.socket.send("two");
    await quiet();
    tool.socket.send("back");
    await quiet();
    expect(tool.heard).toEqual(["one", "two"]);
    expect(caller.heard).toEqual(["back"]);
    // Nothing had been heard of a message when its record was written.
    expect(atQuery[0]).toBe(0);
    caller.socket.close(1000, "done");
    expect(await tool.closed).toBe(1000);
    await quiet();
    expect(await kinds(bench)).toEqual([...Array(3).fill("command.requested"), "command.completed"]);
  }));

test("a message that cannot be recorded does not leave, nor what follows it, and both sides are closed with 1011", () =>
  withRelay(async ({ bench, caller, tool }) => {
    caller.socket.send("kept");
    await quiet();
    bench.faults.push("lost", "lost");
    caller.socket.send("lost");
    caller.socket.send("after it");
    expect(await tool.closed).toBe(1011);
    expect(await caller.closed).toBe(1011);
    expect(tool.heard).toEqual(["kept"]);
    await quiet();
    const { records } = await bench.check();
    expect(kindsOf(records).slice(3)).toEqual(["command.requested", "command.failed"]);
    expect(classesOf(records.at(-1))).toMatchObject({ reason: "not_recordable", req_messages: 1, close: 1011 });
  }));

test("a message whose record was kept though the write seemed to fail is on record once, and leaves once", () =>
  withRelay(async ({ bench, caller, tool }) => {
    bench.faults.push("persisted");
    caller.socket.send("once");
    await quiet();
    expect(tool.heard).toEqual(["once"]);
    expect(await kinds(bench)).toEqual(["command.requested"]);
  }));

test("an end that cannot be recorded closes both sides all the same, and is tried again", () =>
  withRelay(async ({ bench, caller, tool }) => {
    bench.faults.push("lost", "lost");
    caller.socket.close(1000, "done");
    expect(await tool.closed).toBe(1000);
    await new Promise((resolve) => setTimeout(resolve, 1_200));
    expect(await kinds(bench)).toEqual(["gap", "command.completed"]);
  }));

test("a killed session's socket takes no message any more", () =>
  withRelay(async ({ bench, relay, caller, tool }) => {
    bench.storage.transactionSync(() => bench.log.kill(bench.sid, newCommand(), bench.now));
    caller.socket.send("too late");
    expect(await tool.closed).toBe(1008);
    expect(relay.isEnding).toBe(true);
    expect(tool.heard).toEqual([]);
    await quiet();
    const { records } = await bench.check();
    expect(classesOf(records[3])).toMatchObject({ reason: "killed", closed_by: "gateway" });
  }));

test("messages wait while nobody knows what is in force, and pass in their order once it is known", () =>
  withRelay(async (relayed) => {
    const { relay, caller, tool } = relayed;
    const { knowledge } = relayed;
    relayed.knowledge = null;
    caller.socket.send("one");
    caller.socket.send("two");
    await quiet();
    expect(tool.heard).toEqual([]);
    relayed.knowledge = knowledge;
    caller.socket.send("three");
    await quiet();
    relay.goOn();
    await quiet();
    expect(tool.heard).toEqual(["one", "two", "three"]);
  }));

/** More than one turn takes in. */
const FLOOD: readonly string[] = Array.from({ length: 10 * TURN_MESSAGES }, (_, n) => `message ${n}`);

test("of a flood that waited, one turn decides a bounded part, and a kill drops what is left undecided", () =>
  withRelay(async (relayed) => {
    const { bench, relay, caller, tool, knowledge } = relayed;
    relayed.knowledge = null;
    for (const text of FLOOD) caller.socket.send(text);
    await quiet();
    relayed.knowledge = knowledge;
    relay.goOn();
    bench.storage.transactionSync(() => bench.log.kill(bench.sid, newCommand(), bench.now));
    relay.look(Date.now());
    expect(await tool.closed).toBe(1008);
    await quiet();
    const { records } = await bench.check();
    // The upgrade is one of them.
    const requests = kindsOf(records).filter((kind) => kind === "command.requested").length;
    expect(requests).toBeGreaterThan(1);
    expect(requests).toBeLessThanOrEqual(1 + TURN_MESSAGES);
    expect(tool.heard).toEqual([]);
    const end = records.map(classesOf).find(({ reason }) => reason === "killed");
    expect(end).toMatchObject({ closed_by: "gateway", req_messages: 0 });
  }));

test("a flood that waited passes whole, in its order, turn by turn", () =>
  withRelay(async (relayed) => {
    const { relay, caller, tool, knowledge } = relayed;
    relayed.knowledge = null;
    for (const text of FLOOD) caller.socket.send(text);
    await quiet();
    relayed.knowledge = knowledge;
    relay.goOn();
    caller.socket.close(1000, "done");
    expect(await tool.closed).toBe(1000);
    expect(tool.heard).toEqual(FLOOD);
  }));

test("what waited behind a message with which the socket is closed is neither decided nor handed on", () =>
  withRelay(async (relayed) => {
    const { bench, caller, tool, knowledge } = relayed;
    relayed.knowledge = null;
    for (const text of ["one", '{"drop":1}', '{"drop":2}', "two"]) caller.socket.send(text);
    await quiet();
    expect(await kinds(bench)).toEqual([]);
    relayed.knowledge = knowledge;
    relayed.relay.goOn();
    expect(await caller.closed).toBe(1008);
    expect(await tool.closed).toBe(1008);
    expect(tool.heard).toEqual(["one"]);
    await quiet();
    expect(await kinds(bench)).toEqual(["command.requested", "command.denied", "command.cancelled"]);
  }));

test("a peer that is too far behind is closed, and what was meant for it is said not to have been handed on", () =>
  withRelay(async (relayed) => {
    const { bench, caller, tool } = relayed;
    relayed.hasRoom = false;
    tool.socket.send("more than it takes");
    expect(await caller.closed).toBe(1013);
    expect(await tool.closed).toBe(1013);
    expect(caller.heard).toEqual([]);
    await quiet();
    const { records } = await bench.check();
    expect(kindsOf(records).slice(3)).toEqual(["command.requested", "command.cancelled", "command.failed"]);
    expect(classesOf(records[4]).reason).toBe("caller_behind");
    expect(classesOf(records[5])).toMatchObject({ reason: "caller_behind", resp_messages: 0 });
  }));
