// Cursors of lists: where a page ended, with a MAC over that place, the route, its filters and the
// reader. A cursor that was made up, changed, or made for another list or person is none.

import { createHmac, timingSafeEqual } from "node:crypto";
import { fromBase64Url, toBase64Url } from "../../core/bytes.ts";
import { canonicalText } from "../../core/record/canonical.ts";
import type { Caller } from "../caller.ts";
import type { Config } from "../config.ts";

/** The key's other use is the names of objects; a label keeps the two apart. */
const LABEL = "sallyport.cursor.v1";
/** 128 bits: who could guess one would learn only where another page begins. */
const MAC_LENGTH = 16;
const MAX_PLACE = 128;

export interface CursorScope {
  /** The route's id, and what its path stands for where that is another list. */
  readonly list: readonly string[];
  /** What narrows the list; the size of a page does not. */
  readonly filters: Readonly<Record<string, unknown>>;
}

export class Cursors {
  readonly #caller: Caller;
  readonly #key: Uint8Array;

  constructor(caller: Caller, config: Config) {
    this.#caller = caller;
    this.#key = createHmac("sha256", config.pseudonymKey).update(LABEL).digest();
  }

  /** `place` is ASCII text of what the next page comes after. */
  write(place: string, scope: CursorScope): string {
    const bytes = new TextEncoder().encode(place);
    const whole = new Uint8Array(MAC_LENGTH + bytes.length);
    whole.set(this.#mac(place, scope));
    whole.set(bytes, MAC_LENGTH);
    return toBase64Url(whole);
  }

  /** Null for a cursor that this did not write for this scope. */
  read(cursor: string, scope: CursorScope): string | null {
    const whole = fromBase64Url(cursor);
    if (whole === null || whole.length <= MAC_LENGTH || whole.length > MAC_LENGTH + MAX_PLACE) return null;
    const place = String.fromCharCode(...whole.subarray(MAC_LENGTH));
    return timingSafeEqual(whole.subarray(0, MAC_LENGTH), this.#mac(place, scope)) ? place : null;
  }

  #mac(place: string, { list, filters }: CursorScope): Uint8Array {
    const { issuer, subject, actors } = this.#caller.authenticated.principal;
    const narrowed = Object.entries(filters)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => [name, String(value)])
      .sort(([a = ""], [b = ""]) => (a < b ? -1 : 1));
    const reader = [issuer, subject, actors.map((actor) => [actor.issuer, actor.subject])];
    const text = canonicalText([[...list], narrowed, reader, place]);
    return createHmac("sha256", this.#key).update(text).digest().subarray(0, MAC_LENGTH);
  }
}
