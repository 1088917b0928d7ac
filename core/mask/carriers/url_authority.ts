// Finds user information in a URL, behind the colon of its scheme: `://user:password@host`.

import { BACKSLASH, byteSet, COLON, type Form, type SpanSink } from "./carrier.ts";
import { isSecretValue } from "./text_value.ts";
import { USERINFO } from "../secret_names.ts";
import type { Window } from "../window.ts";

const AT = 0x40;
const ENDS: Uint8Array = byteSet(" \t\r\n\"'`<>\\/?#");
const LIMIT = 1024;
/** A user's name in a URL is a secret where it is as long as a token, and no password follows. */
const TOKEN_AS_USER = 16;

export class UrlAuthority {
  readonly #window: Window;
  readonly #sink: SpanSink;
  #slashes = 0;
  #start = 0;
  /** The first colon and the last `@`: user information may hold an `@` itself (URL Standard §4.4). */
  #colon = -1;
  #at = -1;

  constructor(window: Window, sink: SpanSink) {
    this.#window = window;
    this.#sink = sink;
  }

  begin(): void {
    this.#slashes = 0;
    this.#colon = -1;
    this.#at = -1;
  }

  undecided(at: number): number {
    return this.#slashes < 2 ? at : this.#start;
  }

  /** Reads on from index `from`; the index of the byte that is no part of it, or `end` and more is to come. */
  feed(from: number, end: number, form: Form): { readonly next: number; readonly done: boolean } {
    const { buf, base } = this.#window;
    let i = from;
    // Backslashes are slashes to a browser.
    for (; this.#slashes < 2 && i < end; i++, this.#slashes++)
      if (buf[i] !== 0x2f && buf[i] !== BACKSLASH) return { next: i, done: true };
      else this.#start = base + i + 1;
    for (; i < end; i++) {
      const byte = buf[i] as number;
      if (byte === COLON && this.#colon < 0) this.#colon = base + i;
      else if (byte === AT) this.#at = base + i;
      else if (ENDS[byte] === 1 || base + i - this.#start > LIMIT) {
        this.finish(form);
        return { next: i, done: true };
      }
    }
    return { next: end, done: false };
  }

  finish(form: Form): void {
    if (this.#slashes < 2 || this.#at < 0) return;
    const named = this.#colon >= 0 && this.#colon < this.#at;
    const from = named ? this.#colon + 1 : this.#start;
    if (named ? from === this.#at : this.#at - from < TOKEN_AS_USER) return;
    const { buf, base } = this.#window;
    if (named && !isSecretValue(buf, from - base, this.#at - base, true, false)) return;
    this.#sink.open(from, USERINFO, form);
    this.#sink.close(this.#at);
  }
}
