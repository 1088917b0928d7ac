// Reads JSON, and whatever else has its tokens: lines of JSON, several documents in a row, JSON with
// comments. Nothing is remembered of the levels but their number, so depth costs nothing: a string is
// a name if a colon follows it, and what stands under a secret's name ends when its level does.
//
// What is no JSON is read as text up to the line's end.

import {
  BACKSLASH,
  COLON,
  type Carrier,
  type CarrierSink,
  CR,
  DASH,
  JSON_BARE,
  JSON_STRING,
  LF,
  PERCENT_SIGN,
  QUOTE,
  PLAIN,
} from "./carrier.ts";
import { ENDS_TOKEN, MASKED_STOPS, READ_STOPS, STRING_STOPS, TOKEN_STARTS, unescapedIn, WHITE } from "./json_bytes.ts";
import { JsonPairs } from "./json_pairs.ts";
import { TextReader } from "./text_reader.ts";
import { type ReaderTools, ValueReader } from "./value_reader.ts";
import type { NameTable } from "../name_table.ts";
import { NAME_LIMIT, type Secret } from "../secret_names.ts";
import type { Window } from "../window.ts";

/** Shorter numbers are no card's and no account's. */
const BARE_FROM = 8;
const BARE_LIMIT = 256;
/** A string under a secret's name that may yet turn out to be a name itself is taken for a value from here on. */
const NAME_OR_VALUE_LIMIT = 2048;

type State = "between" | "string" | "masked" | "held" | "token" | "text";

export class JsonCarrier implements Carrier {
  readonly #window: Window;
  readonly #sink: CarrierSink;
  readonly #names: NameTable;
  readonly #value: ValueReader;
  readonly #text: TextReader;
  /** A line's end ends every value, as in NDJSON. */
  readonly #lines: boolean;
  #state: State = "between";
  #depth = 0;
  /** The level of what stands under a secret's name, and whose secret it is. */
  #secretDepth = 0;
  #secret: Secret | null = null;
  /** What the last string names, and what the coming value is. */
  #named: Secret | null = null;
  #pending: Secret | null = null;
  #afterColon = false;
  readonly #pairs = new JsonPairs();
  #start = 0;
  #escaped = false;
  #hasEscapes = false;
  #reading = false;
  #heldEnd = -1;
  #isNumber = false;
  #open = false;

  constructor(tools: ReaderTools, lines: boolean) {
    this.#window = tools.window;
    this.#sink = tools.sink;
    this.#names = tools.names;
    this.#value = new ValueReader(tools, JSON_STRING);
    this.#text = new TextReader(tools.window, tools.channel(), tools.names, tools.urls);
    this.#text.form = PLAIN;
    this.#lines = lines;
  }

  undecided(at: number): number {
    switch (this.#state) {
      case "between":
      case "masked":
        return at;
      case "held":
        return this.#start;
      case "string":
        return this.#value.undecided(at);
      case "token":
        return !this.#open && at - this.#start <= BARE_LIMIT ? this.#start : at;
      case "text":
        return this.#text.undecided(at);
    }
  }

  feed(from: number, to: number): void {
    const { buf, base } = this.#window;
    const end = to - base;
    let i = from - base;
    while (i < end) {
      switch (this.#state) {
        case "between":
          i = this.#between(buf, i, end);
          break;
        case "string":
          i = this.#string(buf, i, end);
          break;
        case "masked":
          i = this.#masked(buf, i, end);
          break;
        case "held":
          i = this.#held(buf, i, end);
          break;
        case "token":
          i = this.#token(buf, i, end);
          break;
        case "text":
          i = this.#asText(buf, i, end);
          break;
      }
    }
    if (this.#state === "string") this.#value.sync(to);
  }

  finish(at: number): void {
    if (this.#state === "string") this.#value.finish(at);
    else if (this.#state === "text") this.#text.finish(at);
    else if (this.#state === "held") this.#decideHeld(false, at);
    else if (this.#state === "token") this.#endToken(at);
    if (this.#open) this.#sink.close(at);
    this.#open = false;
    this.#state = "between";
    this.#reset();
  }

  #reset(): void {
    this.#depth = 0;
    this.#secretDepth = 0;
    this.#pairs.clear();
    this.#clear();
  }

  #clear(): void {
    this.#named = null;
    this.#pending = null;
    this.#afterColon = false;
  }

  #between(buf: Uint8Array, from: number, end: number): number {
    let i = from;
    while (i < end && this.#state === "between") {
      const byte = buf[i] as number;
      i++;
      if (byte === QUOTE) this.#beginString(this.#window.base + i);
      else if (byte === COLON) this.#colon();
      else if (byte === 0x2c) this.#comma();
      else if (byte === 0x7b || byte === 0x5b) this.#down();
      else if (byte === 0x7d || byte === 0x5d) this.#up(this.#window.base + i);
      else if (WHITE[byte] === 1) {
        if (byte === LF && this.#lines) this.#endLine(this.#window.base + i);
      } else {
        i--;
        this.#start = this.#window.base + i;
        if (TOKEN_STARTS[byte] === 1) this.#beginToken(byte);
        else this.#beginText();
      }
    }
    return i;
  }

  #colon(): void {
    this.#afterColon = true;
    this.#pending = this.#named ?? this.#pairs.behindColon(this.#depth);
    this.#named = null;
  }

  #comma(): void {
    if (this.#afterColon) this.#pairs.noOption();
    this.#clear();
  }

  #down(): void {
    this.#depth++;
    if (this.#pending !== null && this.#secretDepth === 0) {
      this.#secretDepth = this.#depth;
      this.#secret = this.#pending;
    }
    this.#pairs.down();
    this.#clear();
  }

  #up(at: number): void {
    if (this.#depth > 0) this.#depth--;
    if (this.#depth < this.#secretDepth) this.#secretDepth = 0;
    this.#pairs.up(this.#depth);
    this.#clear();
    if (this.#depth === 0) this.#sink.mark(at, "ends");
  }

  /** Lines of JSON are documents of their own, even where one is broken. */
  #endLine(at: number): void {
    this.#reset();
    this.#sink.mark(at, "ends");
  }

  /** What a value that begins here is, by its name or by what it stands within. */
  readonly #ofValue = (): Secret | null => this.#pending ?? (this.#secretDepth > 0 ? this.#secret : null);

  #beginString(at: number): void {
    this.#start = at;
    this.#escaped = false;
    this.#hasEscapes = false;
    const option = this.#pairs.takeOption();
    const secret = this.#afterColon ? this.#ofValue() : option;
    if (secret !== null) {
      this.#state = "masked";
      this.#open = true;
      this.#sink.open(at, secret, JSON_STRING);
    } else if (!this.#afterColon && this.#secretDepth > 0) {
      this.#state = "held";
      this.#heldEnd = -1;
    } else {
      this.#state = "string";
      this.#reading = false;
      this.#value.begin(at);
    }
  }

  /** What a backslash at the last chunk's end escapes is passed over. */
  #resume(from: number): number {
    const i = this.#escaped ? from + 1 : from;
    this.#escaped = false;
    return i;
  }

  #string(buf: Uint8Array, from: number, end: number): number {
    const { base } = this.#window;
    let i = this.#resume(from);
    let stops = this.#reading ? READ_STOPS : STRING_STOPS;
    for (; i < end; i++) {
      const byte = buf[i] as number;
      if (stops[byte] === 0) continue;
      if (byte === QUOTE || (byte === LF && this.#lines)) {
        this.#endString(buf, base + i, byte === LF);
        return byte === LF ? i : i + 1;
      }
      if (byte === BACKSLASH) {
        if (!this.#hasEscapes) this.#value.escape(base + i);
        this.#hasEscapes = true;
        if (++i >= end) this.#escaped = true;
      } else if (byte === PERCENT_SIGN) this.#value.percent(base + i);
      else if (byte !== LF && (byte !== DASH || buf[i - 1] === DASH)) {
        this.#value.text(base + i);
        this.#reading = true;
        stops = READ_STOPS;
      }
    }
    return end;
  }

  #endString(buf: Uint8Array, at: number, broken: boolean): void {
    this.#value.finish(at);
    this.#state = "between";
    this.#named = null;
    if (broken) return;
    if (this.#afterColon) {
      if (this.#pairs.nameFollows) this.#pairs.names(this.#judge(buf, at), this.#depth);
      return;
    }
    this.#nameEnds(buf, at);
  }

  #nameEnds(buf: Uint8Array, at: number): void {
    const { base } = this.#window;
    this.#named = this.#judge(buf, at);
    this.#pairs.read(buf, this.#start - base, at - base, this.#named);
  }

  #judge(buf: Uint8Array, at: number): Secret | null {
    const { base } = this.#window;
    if (at - this.#start > NAME_LIMIT * (this.#hasEscapes ? 6 : 1)) return null;
    const judged = this.#names.judge(
      buf,
      this.#start - base,
      at - base,
      this.#hasEscapes ? unescapedIn(buf, this.#start - base, at - base) : null,
    );
    return judged === null || judged.weak ? null : judged.secret;
  }

  #masked(buf: Uint8Array, from: number, end: number): number {
    const { base } = this.#window;
    let i = this.#resume(from);
    for (; i < end; i++) {
      const byte = buf[i] as number;
      if (MASKED_STOPS[byte] === 0) continue;
      if (byte === BACKSLASH) {
        if (++i >= end) this.#escaped = true;
      } else if (byte === QUOTE || this.#lines) {
        this.#sink.close(base + i);
        this.#open = false;
        this.#state = "between";
        return byte === QUOTE ? i + 1 : i;
      }
    }
    return end;
  }

  /** A string within something secret: a value, unless a colon follows. */
  #held(buf: Uint8Array, from: number, end: number): number {
    const { base } = this.#window;
    let i = this.#resume(from);
    if (this.#heldEnd < 0) {
      for (; i < end; i++) {
        const byte = buf[i] as number;
        if (base + i - this.#start > NAME_OR_VALUE_LIMIT) {
          this.#openHeld();
          return i;
        }
        if (MASKED_STOPS[byte] === 0) continue;
        if (byte === BACKSLASH) {
          this.#hasEscapes = true;
          if (++i >= end) this.#escaped = true;
        } else if (byte === QUOTE || this.#lines) {
          this.#heldEnd = base + i;
          if (byte === QUOTE) i++;
          break;
        }
      }
    }
    while (this.#heldEnd >= 0 && i < end) {
      const byte = buf[i];
      if (byte !== LF && WHITE[byte as number] === 1 && base + i - this.#start <= 2 * NAME_OR_VALUE_LIMIT) i++;
      else {
        // Pretty-printed JSON breaks no line between a name and its colon.
        this.#decideHeld(byte === COLON, base + i);
        return i;
      }
    }
    return i;
  }

  #openHeld(): void {
    this.#sink.open(this.#start, this.#secret ?? NO_SECRET, JSON_STRING);
    this.#open = true;
    this.#state = "masked";
  }

  #decideHeld(isName: boolean, at: number): void {
    this.#state = "between";
    if (isName) {
      this.#named = this.#judge(this.#window.buf, this.#heldEnd);
      return;
    }
    this.#sink.open(this.#start, this.#secret ?? NO_SECRET, JSON_STRING);
    this.#sink.close(this.#heldEnd >= 0 ? this.#heldEnd : at);
  }

  #beginToken(byte: number): void {
    this.#state = "token";
    this.#isNumber = byte < 0x3a;
    const secret = this.#isNumber ? this.#ofValue() : null;
    this.#open = secret !== null;
    if (secret !== null) this.#sink.open(this.#start, secret, JSON_BARE);
  }

  #token(buf: Uint8Array, from: number, end: number): number {
    let i = from;
    while (i < end && ENDS_TOKEN[buf[i] as number] === 0) i++;
    if (i === end) return i;
    const length = this.#window.base + i - this.#start;
    this.#endToken(this.#start + length);
    this.#pairs.noOption();
    this.#state = "between";
    // Words that only begin like `true` begin a text.
    if (!this.#isNumber && length !== 4 && length !== 5) this.#beginText();
    return i;
  }

  #endToken(at: number): void {
    const length = at - this.#start;
    if (this.#open) this.#sink.close(at);
    else if (this.#isNumber && length >= BARE_FROM && length <= BARE_LIMIT) this.#sink.bare(this.#start, at);
    this.#open = false;
  }

  #beginText(): void {
    this.#state = "text";
    this.#text.begin(this.#start);
  }

  #asText(buf: Uint8Array, from: number, end: number): number {
    const { base } = this.#window;
    let stop = from;
    while (stop < end && buf[stop] !== LF && buf[stop] !== CR) stop++;
    this.#text.feed(base + from, base + stop);
    if (stop === end) return end;
    this.#text.feed(base + stop, base + stop + 1);
    this.#text.finish(base + stop + 1);
    this.#state = "between";
    if (this.#lines && buf[stop] === LF) this.#endLine(base + stop + 1);
    else this.#clear();
    return stop + 1;
  }
}

const NO_SECRET: Secret = { rule: "secret", pseudonym: false };
