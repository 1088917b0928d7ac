// One direction of a socket: what has passed, and what stands behind a message that people have to approve.

import type { EndReason } from "./socket_end.ts";
import { SocketHeld } from "./socket_held.ts";
import type { Method } from "./socket_judge.ts";
import type { SocketPeer } from "./socket_peer.ts";
import type { SocketWait } from "./socket_wait.ts";
import type { WaitingRoom } from "./waiting_room.ts";

export class SocketWay {
  readonly method: Method;
  /** What messages are recorded as sent to, masked by the plan that the last one was decided by. */
  target: string;
  readonly to: SocketPeer;
  /** Why the socket ends if that side does not read. */
  readonly behind: EndReason;
  messages = 0;
  bytes = 0;
  /** The newest message that is decided, while people have to approve it. */
  wait: SocketWait | null = null;
  /** What came after that. */
  readonly #later = new SocketHeld();
  readonly #room: WaitingRoom;
  #taken = 0;

  constructor(method: Method, target: string, to: SocketPeer, behind: EndReason, room: WaitingRoom) {
    this.method = method;
    this.target = target;
    this.to = to;
    this.behind = behind;
    this.#room = room;
  }

  /** What comes has to wait its turn. */
  get isStanding(): boolean {
    return this.wait !== null || !this.#later.isEmpty;
  }

  /** Something has to be decided, and no approval stands before it. */
  get isBehind(): boolean {
    return this.wait === null && !this.#later.isEmpty;
  }

  /** False if so much more finds no room in memory. */
  reserve(size: number): boolean {
    const isTaken = this.#room.take(size);
    if (isTaken) this.#taken += size;
    return isTaken;
  }

  free(size: number): void {
    this.#taken -= size;
    this.#room.give(size);
  }

  /** Once what stands before it is over. False if there is no room for it: messages are events that cannot be refused. */
  putOff(size: number, messageLimit: number, work: () => void): boolean {
    if (this.#later.isFullFor(size, messageLimit) || !this.reserve(size)) return false;
    this.#later.add(size, () => {
      this.free(size);
      work();
    });
    return true;
  }

  /** Until another one waits, and for as long as `may` says so. */
  goOn(may: () => boolean): void {
    this.#later.goOn(() => this.wait === null && may());
  }

  /** Nothing of it is decided any more. What waits ends with its socket's outcome, in the same turn. */
  drop(): void {
    this.wait?.drop();
    this.#later.drop();
    this.free(this.#taken);
  }
}
