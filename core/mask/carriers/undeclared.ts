// Chooses how a body is read by its first bytes: JSON, XML or text, whatever it was declared to be, and
// as no text at all where a byte comes early on that no text has.

import { byteSet, type Carrier, DASH } from "./carrier.ts";
import type { ReaderTools } from "./value_reader.ts";
import type { Format } from "../span.ts";

export interface Choice {
  /** What it is if the first byte says nothing else. */
  readonly format: Format;
  /** Bytes that no text has make it `binary`. */
  readonly maybeBinary: boolean;
  readonly make: (format: Format) => Carrier;
  /** Told what it is read as. */
  readonly chosen: (format: Format) => void;
}

/** How far bytes are looked at for some that no text has. */
const BINARY_PROBE = 1024;
const SKIPPED: Uint8Array = skipped();
const NO_TEXT: Uint8Array = noText();
const PDF = "%PDF-";
const BRACKET = 0x5b;
/** Behind a bracket, what no form has in a name: its brackets hold words and numbers. */
const LIST: Uint8Array = byteSet(' \t\r\n{["');

/** White space, and a byte order mark of UTF-8. */
function skipped(): Uint8Array {
  const set = byteSet(" \t\r\n");
  set[0xef] = 1;
  set[0xbb] = 1;
  set[0xbf] = 1;
  return set;
}

/** Control characters but those of terminals and typewriters. */
function noText(): Uint8Array {
  const set = new Uint8Array(256);
  set.fill(1, 0, 0x20);
  for (const byte of [0x07, 0x08, 0x09, 0x0a, 0x0c, 0x0d, 0x1b]) set[byte] = 0;
  set[0x7f] = 1;
  return set;
}

export class UndeclaredCarrier implements Carrier {
  readonly #tools: ReaderTools;
  readonly #choice: Choice;
  readonly #carriers = new Map<Format, Carrier>();
  #carrier: Carrier | null = null;
  /** Where the bracket stands that a form's name or a list of JSON begins with, until more has come; -1 otherwise. */
  #bracket = -1;
  #seen = 0;
  #pdf = 0;
  #binary = false;

  constructor(tools: ReaderTools, choice: Choice) {
    this.#tools = tools;
    this.#choice = choice;
  }

  undecided(at: number): number {
    if (this.#bracket >= 0) return this.#bracket;
    return this.#binary ? at : (this.#carrier?.undecided(at) ?? at);
  }

  feed(from: number, to: number): void {
    if (this.#binary) return;
    const stop = this.#choice.maybeBinary && this.#seen < BINARY_PROBE ? this.#binaryFrom(from, to) : to;
    this.#read(from, stop);
    if (stop === to) return;
    this.#carrier?.finish(stop);
    this.#binary = true;
    this.#tools.sink.mark(stop, "off");
    this.#choice.chosen("binary");
  }

  #binaryFrom(from: number, to: number): number {
    const { buf, base } = this.#tools.window;
    const end = Math.min(to, from + BINARY_PROBE - this.#seen);
    for (let at = from; at < end; at++) {
      const byte = buf[at - base] as number;
      if (NO_TEXT[byte] === 1) return at;
      if (this.#pdf === this.#seen && this.#pdf < PDF.length && byte === PDF.charCodeAt(this.#pdf)) this.#pdf++;
      this.#seen++;
      if (this.#pdf === PDF.length) return at;
    }
    return to;
  }

  #read(from: number, to: number): void {
    if (this.#carrier === null) {
      const { buf, base } = this.#tools.window;
      let at = this.#bracket >= 0 ? this.#bracket : from;
      while (at < to && SKIPPED[buf[at - base] as number] === 1) at++;
      if (at === to) return;
      const isBracket = buf[at - base] === BRACKET && this.#choice.format === "form";
      this.#bracket = isBracket && at + 1 === to ? at : -1;
      if (this.#bracket >= 0) return;
      const isList = isBracket && LIST[buf[at + 1 - base] as number] === 1;
      const format = isList ? "json" : this.#formatBy(buf[at - base] as number);
      this.#choice.chosen(format);
      this.#carrier = this.#made(format);
      this.#carrier.feed(at, to);
    } else this.#carrier.feed(from, to);
  }

  /** A carrier that has finished begins anew: within strings that come by the thousand, none is made for each. */
  #made(format: Format): Carrier {
    const before = this.#carriers.get(format);
    if (before !== undefined) return before;
    const made = this.#choice.make(format);
    this.#carriers.set(format, made);
    return made;
  }

  #formatBy(byte: number): Format {
    const { format } = this.#choice;
    if (byte === 0x7b || (byte === BRACKET && format !== "form")) return "json";
    // No document of these begins so, and a multipart body does that calls itself one.
    if (byte === DASH && (format === "json" || format === "form" || format === "xml")) return "text";
    return byte === 0x3c ? "xml" : format;
  }

  finish(at: number): void {
    if (!this.#binary) this.#carrier?.finish(at);
    this.#carrier = null;
    this.#bracket = -1;
    this.#binary = false;
    this.#seen = 0;
    this.#pdf = 0;
  }
}
