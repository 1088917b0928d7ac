// Names that do not stand before their value's colon: `{"name": "DB_PASSWORD", "value": "…"}`, and the
// list `["--password", "…"]`.

import { DASH } from "./carrier.ts";
import { isEntryName, isEntryValue } from "./json_bytes.ts";
import type { Secret } from "../secret_names.ts";

export class JsonPairs {
  /** Whose secret the object's `value` is, and the level of that object. */
  #entry: Secret | null = null;
  #depth = 0;
  #nameFollows = false;
  #valueFollows = false;
  #option: Secret | null = null;

  /** A string ended that is a name or an element of a list. `secret`: what it names. */
  read(buf: Uint8Array, from: number, to: number, secret: Secret | null): void {
    this.#nameFollows = isEntryName(buf, from, to);
    this.#valueFollows = this.#entry !== null && isEntryValue(buf, from, to);
    this.#option = secret !== null && buf[from] === DASH ? secret : null;
  }

  /** The value that is read is a name: `names` is to be told what it names. */
  get nameFollows(): boolean {
    return this.#nameFollows;
  }

  names(secret: Secret | null, depth: number): void {
    this.#entry = secret;
    this.#depth = depth;
    this.#nameFollows = false;
  }

  /** What the value behind this colon is. */
  behindColon(depth: number): Secret | null {
    return this.#valueFollows && this.#depth === depth ? this.#entry : null;
  }

  /** What the element that begins here is, if the one before it was an option. */
  takeOption(): Secret | null {
    const option = this.#option;
    this.#option = null;
    return option;
  }

  noOption(): void {
    this.#option = null;
  }

  down(): void {
    this.#option = null;
    this.#nameFollows = false;
  }

  up(depth: number): void {
    this.#option = null;
    if (depth < this.#depth) this.#entry = null;
  }

  clear(): void {
    this.#entry = null;
    this.#option = null;
  }
}
