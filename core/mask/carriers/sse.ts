// Reads server-sent events (WHATWG HTML §9.2): what the `data` lines of an event hold together is JSON
// or text. An event ends with an empty line, and with it everything in it is decided.

import { type Carrier, type CarrierSink, COLON, CR, LF, SPACE } from "./carrier.ts";
import { JsonCarrier } from "./json.ts";
import { TextCarrier } from "./text.ts";
import type { ReaderTools } from "./value_reader.ts";
import type { Window } from "../window.ts";

const DATA = [0x64, 0x61, 0x74, 0x61];

export class SseCarrier implements Carrier {
  readonly #window: Window;
  readonly #sink: CarrierSink;
  readonly #data: Carrier;
  readonly #other: Carrier;
  /** `field`: in a line's name; `gap`: at the space that may follow the colon; then in what the line holds. */
  #state: "field" | "gap" | "data" | "other" = "field";
  #length = 0;
  #isData = true;
  #afterCr = false;

  /** Lines of JSON are not meant by it: an event's data is one document, over several lines if need be. */
  constructor(tools: ReaderTools) {
    this.#window = tools.window;
    this.#sink = tools.sink;
    this.#data = new JsonCarrier(tools, false);
    this.#other = new TextCarrier(tools);
  }

  undecided(at: number): number {
    return Math.min(this.#data.undecided(at), this.#other.undecided(at));
  }

  feed(from: number, to: number): void {
    const { buf, base } = this.#window;
    const end = to - base;
    let i = from - base;
    while (i < end) {
      if (this.#state === "field") i = this.#field(buf, i);
      else if (this.#state === "gap") {
        if (buf[i] === SPACE) i++;
        this.#state = this.#isData ? "data" : "other";
      } else i = this.#line(buf, i, end);
    }
  }

  finish(at: number): void {
    this.#data.finish(at);
    this.#other.finish(at);
    this.#newLine();
  }

  #newLine(): void {
    this.#state = "field";
    this.#length = 0;
    this.#isData = true;
  }

  #field(buf: Uint8Array, i: number): number {
    const byte = buf[i] as number;
    const afterCr = this.#afterCr;
    this.#afterCr = byte === CR;
    if (byte === LF && afterCr) return i + 1;
    if (byte === LF || byte === CR) {
      if (this.#length === 0) this.#endEvent(this.#window.base + i + 1);
      this.#newLine();
    } else if (byte === COLON) {
      this.#isData &&= this.#length === DATA.length;
      this.#state = "gap";
    } else {
      // A byte order mark may stand before the first field.
      if (byte !== 0xef && byte !== 0xbb && byte !== 0xbf) this.#isData &&= byte === DATA[this.#length++];
      if (!this.#isData && this.#length === 0) this.#length = 1;
    }
    return i + 1;
  }

  #endEvent(at: number): void {
    this.#data.finish(at);
    this.#sink.mark(at, "ends");
  }

  #line(buf: Uint8Array, from: number, end: number): number {
    const { base } = this.#window;
    let i = from;
    while (i < end && buf[i] !== LF && buf[i] !== CR) i++;
    const carrier = this.#state === "data" ? this.#data : this.#other;
    carrier.feed(base + from, base + i);
    if (i === end) return i;
    // The line's end is one of the data, too.
    this.#afterCr = buf[i] === CR;
    if (this.#state === "other") carrier.finish(base + i);
    else carrier.feed(base + i, base + i + 1);
    this.#newLine();
    return i + 1;
  }
}
