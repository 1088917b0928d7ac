// Reads application/x-www-form-urlencoded: names and values, percent-encoded.

import { byteSet, type Carrier, type CarrierSink, PERCENT, PERCENT_SIGN } from "./carrier.ts";
import { hasPercent, percentDecoded } from "./text_name.ts";
import { TRIGGERS } from "./text_reader.ts";
import { type ReaderTools, ValueReader } from "./value_reader.ts";
import type { NameTable } from "../name_table.ts";
import { NAME_LIMIT } from "../secret_names.ts";
import type { Window } from "../window.ts";

const AMPERSAND = 0x26;
const PLUS = 0x2b;
const ENDS_NAME: Uint8Array = byteSet("=&");
const STOPS: Uint8Array = valueStops();

function valueStops(): Uint8Array {
  const stops = byteSet("&%+");
  for (let byte = 0; byte < 256; byte++) if (TRIGGERS[byte] === 1) stops[byte] = 1;
  return stops;
}

export class FormCarrier implements Carrier {
  readonly #window: Window;
  readonly #sink: CarrierSink;
  readonly #names: NameTable;
  readonly #value: ValueReader;
  #state: "name" | "value" | "masked" = "name";
  /** Where the name begins; -1 before the first byte. */
  #start = -1;

  constructor(tools: ReaderTools) {
    this.#window = tools.window;
    this.#sink = tools.sink;
    this.#names = tools.names;
    this.#value = new ValueReader(tools, PERCENT);
  }

  undecided(at: number): number {
    return this.#state === "value" ? this.#value.undecided(at) : at;
  }

  feed(from: number, to: number): void {
    const { base } = this.#window;
    const end = to - base;
    let i = from - base;
    if (this.#start < 0) this.#start = from;
    while (i < end) {
      if (this.#state === "name") i = this.#name(i, end);
      else if (this.#state === "value") i = this.#plain(i, end);
      else i = this.#masked(i, end);
    }
    if (this.#state === "value") this.#value.sync(to);
  }

  finish(at: number): void {
    if (this.#state === "value") this.#value.finish(at);
    if (this.#state === "masked") this.#sink.close(at);
    this.#state = "name";
    this.#start = -1;
  }

  #name(from: number, end: number): number {
    const { buf, base } = this.#window;
    let i = from;
    while (i < end && ENDS_NAME[buf[i] as number] === 0) i++;
    if (i === end) return i;
    const at = base + i + 1;
    if (buf[i] === AMPERSAND) this.#start = at;
    else this.#beginValue(at, i);
    return i + 1;
  }

  #beginValue(at: number, to: number): void {
    const { buf, base } = this.#window;
    const from = this.#start - base;
    // Escapes of JSON have no place here; a name three times as long is one of percent signs only.
    const short = to - from <= 3 * NAME_LIMIT;
    const judged = short ? this.#names.judge(buf, from, to, hasPercent(buf, from, to) ? percentDecoded : null) : null;
    if (judged === null) {
      this.#state = "value";
      this.#value.begin(at);
    } else {
      this.#state = "masked";
      this.#sink.open(at, judged.secret, PERCENT);
    }
  }

  #plain(from: number, end: number): number {
    const { buf, base } = this.#window;
    for (let i = from; i < end; i++) {
      const byte = buf[i] as number;
      if (STOPS[byte] === 0) continue;
      if (byte === AMPERSAND) {
        this.#value.finish(base + i);
        this.#next(base + i + 1);
        return i + 1;
      }
      if (byte === PERCENT_SIGN || byte === PLUS) this.#value.percent(base + i, "form");
      else this.#value.text(base + i);
    }
    return end;
  }

  #masked(from: number, end: number): number {
    const { buf, base } = this.#window;
    const found = buf.indexOf(AMPERSAND, from);
    if (found < 0 || found >= end) return end;
    this.#sink.close(base + found);
    this.#next(base + found + 1);
    return found + 1;
  }

  #next(at: number): void {
    this.#state = "name";
    this.#start = at;
  }
}
