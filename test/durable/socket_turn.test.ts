// How much sockets take in before others have their turn.

import { expect, test } from "vitest";
import { SocketTurn, TURN_BYTES, TURN_MESSAGES } from "../../durable/socket_turn.ts";

class Watched {
  readonly heard: string[] = [];
  turns = 0;
  readonly turn: SocketTurn = new SocketTurn({
    pause: (work) => {
      this.heard.push("pause");
      void work().then(() => this.heard.push("on"));
    },
    flush: () => void this.heard.push("flush"),
    turns: () => this.turns,
    goOn: () => void this.heard.push("go on"),
  });

  take(messages: number, size = 1): void {
    for (let n = 0; n < messages; n++) this.turn.took("SEND", size, false);
  }
}

const later = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 10));

test("after so many messages, or so many bytes, no event is let in until what came is written and others had their turn", async () => {
  for (const take of [
    (one: Watched) => one.take(TURN_MESSAGES),
    (one: Watched) => one.take(1, TURN_BYTES),
    // Those that were let in already make no second pause.
    (one: Watched) => one.take(TURN_MESSAGES + 5),
  ]) {
    const watched = new Watched();
    take(watched);
    expect(watched.turn.isFull).toBe(true);
    expect(watched.heard).toEqual(["pause", "flush"]);
    await later();
    expect(watched.heard).toEqual(["pause", "flush", "on"]);
    expect(watched.turn.isFull).toBe(false);
  }
});

test("messages that come slowly never make a pause", () => {
  const watched = new Watched();
  for (let n = 0; n < 10 * TURN_MESSAGES; n++) {
    watched.turns += 1;
    watched.take(1);
  }
  expect(watched.heard).toEqual([]);
});

test("a run of one direction within a turn is a burst; a message and its answer in turns are none", async () => {
  const { turn } = new Watched();
  for (let n = 0; n < 20; n++) turn.took(n % 2 === 0 ? "SEND" : "RECEIVE", 1, true);
  expect(turn.isBurst).toBe(false);
  for (let n = 0; n < 5; n++) turn.took("RECEIVE", 1, true);
  expect(turn.isBurst).toBe(true);
  await later();
  turn.took("RECEIVE", 1, true);
  expect(turn.isBurst).toBe(false);
});
