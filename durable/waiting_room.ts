// What all sockets of an object hold in memory for messages that wait for people, and behind those: bounded,
// because people take their time, and a session object's memory is the isolate's.

/** As much as may wait for peers that do not read (sockets.ts): a message of the largest size finds room. */
const ROOM: number = 33 * 1024 * 1024;

export class WaitingRoom {
  #taken = 0;

  /** False if there is no room for so many bytes more. */
  take(size: number): boolean {
    if (this.#taken + size > ROOM) return false;
    this.#taken += size;
    return true;
  }

  give(size: number): void {
    this.#taken -= size;
  }
}
