// The lines of a block that a line of YAML began (`password: |`): all that are indented further than it.

import { CR, LF, PLAIN, SPACE, type SpanSink, TAB } from "./carrier.ts";
import type { Secret } from "../secret_names.ts";
import type { Window } from "../window.ts";

export class YamlBlock {
  readonly #window: Window;
  readonly #sink: SpanSink;
  #secret: Secret | null = null;
  #indent = 0;
  #column = 0;
  #open = false;

  constructor(window: Window, sink: SpanSink) {
    this.#window = window;
    this.#sink = sink;
  }

  get active(): boolean {
    return this.#secret !== null;
  }

  /** The line that begins it begins at `line`. */
  begin(secret: Secret, line: number): void {
    const { buf, base } = this.#window;
    let i = Math.max(0, line - base);
    while (buf[i] === SPACE || buf[i] === TAB) i++;
    this.#indent = Math.max(0, i + base - line);
    this.#secret = secret;
    this.#column = 0;
  }

  /** How far the line is indented whose first bytes were read before it was known to be none of the block. */
  takeColumn(): number {
    const column = this.#column;
    this.#column = 0;
    return column;
  }

  /** Reads on from index `from`. Not active any more: the line at the index that is returned is none of it. */
  feed(from: number, end: number): number {
    const { buf, base } = this.#window;
    let i = from;
    while (i < end) {
      const byte = buf[i] as number;
      if (byte === LF || byte === CR) {
        this.finishLine(base + i);
      } else if (!this.#open) {
        if (byte === SPACE || byte === TAB) this.#column++;
        else if (this.#column <= this.#indent || this.#secret === null) {
          this.#secret = null;
          return i;
        } else {
          this.#open = true;
          this.#sink.open(base + i, this.#secret, PLAIN);
        }
      }
      i++;
    }
    return i;
  }

  finishLine(at: number): void {
    if (this.#open) this.#sink.close(at);
    this.#open = false;
    this.#column = 0;
  }

  finish(at: number): void {
    this.finishLine(at);
    this.#secret = null;
  }
}
