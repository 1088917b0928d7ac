// Finds secrets in text without a grammar, by the name before them: `NAME=value` of .env and shells,
// `name: value` of headers and YAML, parameters and user information of URLs, `--option value`,
// `password 'value'` of SQL, `"name": "value"` of whatever looks like JSON.
//
// A value is a secret from its first byte on; where it ends may depend on what follows (`a;b` is one
// password, `a;b=` is two settings), for which a bounded number of bytes waits.

import type { NameTable } from "../name_table.ts";
import type { Secret } from "../secret_names.ts";
import type { Window } from "../window.ts";
import {
  APOSTROPHE,
  BACKSLASH,
  byteSet,
  COLON,
  CR,
  DASH,
  EQUALS,
  type Form,
  LF,
  PLAIN,
  QUOTE,
  SPACE,
  type SpanSink,
  TAB,
} from "./carrier.ts";
import { NAME_BYTES, type NamedHere, namedBefore, type Place } from "./text_name.ts";
import { beginsBlock, isScheme, isSecretValue, LOOKED_AT } from "./text_value.ts";
import { UrlAuthority } from "./url_authority.ts";

/** Bytes at which something may begin. */
export const TRIGGERS: Uint8Array = byteSet("=:-'\"");
const ENDS_WORD: Uint8Array = byteSet(" \t\r\n\"'`<>\\");
const ENDS_QUERY: Uint8Array = byteSet(" \t\r\n\"'`<>\\&#)");
const ENDS_LINE: Uint8Array = byteSet("\r\n");
/** Bytes that may end a value, if what follows is another setting or nothing. */
const MAYBE_WORD: Uint8Array = byteSet("&;,)]}|");
const MAYBE_QUERY: Uint8Array = byteSet(";,");
const MAYBE_LINE: Uint8Array = byteSet(" \t&;,");
const NEVER: Uint8Array = new Uint8Array(256);
const AHEAD_LIMIT = 256;

type State = "idle" | "url" | "option" | "before" | "quoted" | "bare";

const NONE: Secret = { rule: "", pseudonym: false };

export class TextReader {
  form: Form = PLAIN;
  readonly #window: Window;
  readonly #sink: SpanSink;
  readonly #names: NameTable;
  readonly #authority: UrlAuthority;
  /** User information is looked for, too. */
  readonly #urls: boolean;
  #floor = 0;
  #state: State = "idle";
  #secret: Secret = NONE;
  #place: Place = "word";
  #sign = 0;
  #quote = 0;
  /** In a sentence: the value has to look like one. */
  #spoken = false;
  #block: Secret | null = null;
  #start = 0;
  #opened = false;
  /** Where the value ends if another setting follows, and how much of that one's name was read; -1 if nothing is in question. */
  #maybe = -1;
  #ahead = 0;
  #escaped = false;
  /** The quote that may have ended the value: two in a row are one of it (SQL). */
  #closing = -1;

  constructor(window: Window, sink: SpanSink, names: NameTable, urls: boolean) {
    this.#window = window;
    this.#sink = sink;
    this.#names = names;
    this.#authority = new UrlAuthority(window, sink);
    this.#urls = urls;
  }

  /** Text begins; nothing before `floor` belongs to it. */
  begin(floor: number): void {
    this.#floor = floor;
    this.#state = "idle";
  }

  undecided(at: number): number {
    switch (this.#state) {
      case "idle":
      case "option":
      case "before":
        return at;
      case "url":
        return this.#authority.undecided(at);
      case "quoted":
      case "bare":
        if (!this.#opened) return this.#start;
        if (this.#state === "quoted") return this.#closing >= 0 ? this.#closing : at;
        return this.#maybe >= 0 ? this.#maybe : at;
    }
  }

  feed(from: number, to: number): void {
    const { buf, base } = this.#window;
    const end = to - base;
    let i = from - base;
    while (i < end) {
      if (this.#state === "idle") {
        while (i < end && TRIGGERS[buf[i] as number] === 0) i++;
        if (i < end) this.#trigger(buf[i] as number, base + i);
        i++;
      } else i = this.#step(buf, i, end);
    }
  }

  /** The text ends here, and with it what stands last in it. */
  finish(at: number): void {
    if (this.#state === "url") this.#authority.finish(this.form);
    else if (this.#state === "quoted") this.#endValue(this.#closing >= 0 ? this.#closing : at, this.#closing >= 0);
    else if (this.#state === "bare") this.#endValue(this.#maybe >= 0 && this.#ahead === 0 ? this.#maybe : at);
    this.#state = "idle";
  }

  /** What is undecided is left to another reader of the same bytes. */
  cancel(at: number): void {
    if ((this.#state === "quoted" || this.#state === "bare") && this.#opened) this.#sink.close(at);
    this.#state = "idle";
  }

  #step(buf: Uint8Array, i: number, end: number): number {
    switch (this.#state) {
      case "url":
        return this.#url(i, end);
      case "option":
        return this.#option(buf, i, end);
      case "before":
        return this.#before(buf, i);
      case "quoted":
        return this.#quoted(buf, i, end);
      case "bare":
        return this.#maybe >= 0 ? this.#lookAhead(buf, i, end) : this.#bare(buf, i, end);
      case "idle":
        return i;
    }
  }

  #trigger(byte: number, at: number): void {
    const { buf, base } = this.#window;
    const before = at - 1 >= this.#floor ? buf[at - 1 - base] : SPACE;
    if (byte === DASH) {
      const first = at - 2 >= this.#floor ? buf[at - 2 - base] : SPACE;
      if (
        before === DASH &&
        at > this.#floor &&
        (first === SPACE || first === TAB || first === LF || first === QUOTE || first === APOSTROPHE)
      ) {
        this.#state = "option";
        this.#start = at + 1;
      }
      return;
    }
    // `PASSWORD 'value'`: elsewhere a quote after a name is none of an assignment.
    const isQuote = byte === QUOTE || byte === APOSTROPHE;
    if (isQuote && before !== SPACE) return;
    const named = namedBefore(this.#window, this.#names, at, this.#floor);
    if (named === null || (isQuote && named.nameQuoted)) {
      if (byte !== COLON || !this.#urls) return;
      this.#state = "url";
      this.#authority.begin();
      return;
    }
    this.#named(named, byte, at);
  }

  #named(named: NamedHere, byte: number, at: number): void {
    this.#secret = named.secret;
    this.#opened = false;
    this.#maybe = -1;
    if (byte === QUOTE || byte === APOSTROPHE) {
      if (named.secret.rule !== "password") return;
      this.#state = "quoted";
      this.#quote = byte;
      this.#spoken = false;
      this.#start = at + 1;
      this.#escaped = false;
      this.#closing = -1;
      return;
    }
    this.#state = "before";
    this.#place = named.place;
    this.#sign = byte;
    this.#quote = named.quote;
    this.#spoken = named.place === "word" && !named.nameQuoted && (named.spaced || byte === COLON);
    this.#start = at + 1;
  }

  #url(from: number, end: number): number {
    const { next, done } = this.#authority.feed(from, end, this.form);
    if (done) this.#state = "idle";
    return next;
  }

  #span(from: number, to: number, secret: Secret): void {
    this.#sink.open(from, secret, this.form);
    this.#sink.close(to);
  }

  /** `--password value`; with `=`, the sign is what tells. */
  #option(buf: Uint8Array, from: number, end: number): number {
    const { base } = this.#window;
    let i = from;
    while (i < end && NAME_BYTES[buf[i] as number] === 1) i++;
    const at = base + i;
    if (i === end && at - this.#start <= AHEAD_LIMIT) return i;
    this.#state = "idle";
    if (buf[i] !== SPACE || at - this.#start > AHEAD_LIMIT) return i;
    const judged = this.#names.judge(buf, this.#start - base, i);
    if (judged === null || judged.weak) return i;
    this.#named({ secret: judged.secret, place: "word", quote: 0, nameQuoted: false, spaced: false }, EQUALS, at);
    return i + 1;
  }

  /** Between the sign and the value. */
  #before(buf: Uint8Array, i: number): number {
    const byte = buf[i] as number;
    const at = this.#window.base + i;
    const adjacent = at === this.#start;
    if (adjacent && (byte === EQUALS || byte === 0x3e || byte === COLON || byte === 0x7e)) {
      // `=>` and `:=` are signs of two bytes, `==`, `::` and `=~` are none.
      const sign = this.#sign === EQUALS ? byte === 0x3e : byte === EQUALS;
      if (!sign) this.#state = "idle";
      this.#start = at + 1;
      this.#sign = 0;
      return sign ? i + 1 : i;
    }
    if (byte === SPACE || byte === TAB) {
      if (at - this.#start > AHEAD_LIMIT) this.#state = "idle";
      else if (this.#place === "query") this.#state = "idle";
      else if (this.#sign === EQUALS && adjacent && this.#place === "word") this.#spoken = true;
      return i + 1;
    }
    if (byte === LF || byte === CR || (this.#place === "enclosed" && byte === this.#quote)) {
      this.#state = "idle";
      return i;
    }
    return this.#beginValue(byte, i, at);
  }

  #beginValue(byte: number, i: number, at: number): number {
    this.#opened = false;
    this.#maybe = -1;
    this.#escaped = false;
    this.#closing = -1;
    if ((byte === QUOTE || byte === APOSTROPHE || byte === 0x60) && this.#place !== "query") {
      this.#state = "quoted";
      this.#quote = byte;
      this.#start = at + 1;
      return i + 1;
    }
    // An object or a list, of a language that nothing here reads; `{{` is a template.
    if ((byte === 0x7b || byte === 0x5b) && this.#place !== "query") {
      this.#state = "idle";
      return i + 1;
    }
    this.#state = "bare";
    this.#start = at;
    return i;
  }

  #quoted(buf: Uint8Array, from: number, end: number): number {
    const { base } = this.#window;
    for (let i = from; i < end; i++) {
      const byte = buf[i] as number;
      if (this.#closing >= 0) {
        if (byte !== this.#quote) {
          this.#endValue(this.#closing, true);
          return i;
        }
        this.#closing = -1;
      } else if (this.#escaped) this.#escaped = false;
      else if (byte === BACKSLASH) this.#escaped = true;
      else if (byte === this.#quote) this.#closing = base + i;
      else if (byte === LF || byte === CR) {
        this.#endValue(base + i, true);
        return i;
      }
      if (!this.#opened && base + i - this.#start > LOOKED_AT) this.#open();
    }
    return end;
  }

  #open(): void {
    this.#opened = true;
    this.#sink.open(this.#start, this.#secret, this.form);
  }

  #ends(): Uint8Array {
    switch (this.#place) {
      case "line":
      case "enclosed":
        return ENDS_LINE;
      case "query":
        return ENDS_QUERY;
      case "word":
        return ENDS_WORD;
    }
  }

  #maybes(): Uint8Array {
    switch (this.#place) {
      case "line":
        return MAYBE_LINE;
      case "query":
        return MAYBE_QUERY;
      case "word":
        return MAYBE_WORD;
      case "enclosed":
        return NEVER;
    }
  }

  #bare(buf: Uint8Array, from: number, end: number): number {
    const { base } = this.#window;
    const ends = this.#ends();
    const maybes = this.#maybes();
    const quote = this.#place === "enclosed" ? this.#quote : -1;
    for (let i = from; i < end; i++) {
      const byte = buf[i] as number;
      if (ends[byte] === 1 || byte === quote) {
        if (byte === SPACE && !this.#opened && isScheme(buf, this.#start - base, i)) {
          this.#spoken = false;
          continue;
        }
        this.#endValue(base + i);
        return i;
      }
      if (maybes[byte] === 1) {
        this.#maybe = base + i;
        this.#ahead = 0;
        return i + 1;
      }
      if (!this.#opened && base + i - this.#start > LOOKED_AT) this.#open();
    }
    return end;
  }

  /** Whether what follows a separator is another setting: then the value ended there. */
  #lookAhead(buf: Uint8Array, from: number, end: number): number {
    const { base } = this.#window;
    const ends = this.#ends();
    const maybes = this.#maybes();
    for (let i = from; i < end; i++) {
      const byte = buf[i] as number;
      const at = base + i;
      if (ends[byte] === 1) {
        this.#endValue(this.#ahead === 0 ? this.#maybe : at);
        return i;
      }
      if (!this.#opened && this.#maybe - this.#start > LOOKED_AT) this.#open();
      const separator = buf[this.#maybe - base] as number;
      const sign = byte === EQUALS || (byte === COLON && separator !== SPACE && separator !== TAB);
      if ((sign && this.#ahead > 0) || (this.#ahead === 0 && at - this.#maybe > AHEAD_LIMIT)) {
        const resume = this.#maybe + 1 - base;
        this.#endValue(this.#maybe);
        return resume;
      }
      if (maybes[byte] === 1 || (byte === SPACE && this.#ahead === 0)) {
        if (this.#ahead > 0) this.#maybe = at;
        this.#ahead = 0;
      } else if (NAME_BYTES[byte] === 1 && this.#ahead < 64) {
        this.#ahead++;
      } else {
        this.#maybe = -1;
        return i;
      }
    }
    return end;
  }

  /** The secret of which the last line said that it stands in the lines after it. */
  takeBlock(): Secret | null {
    const block = this.#block;
    this.#block = null;
    return block;
  }

  #endValue(to: number, quoted = false): void {
    const { buf, base } = this.#window;
    this.#state = "idle";
    if (this.#place === "line" && this.#sign === COLON && beginsBlock(buf, this.#start - base, to - base)) {
      this.#block = this.#secret;
      return;
    }
    if (this.#opened) this.#sink.close(to);
    else if (to > this.#start && isSecretValue(buf, this.#start - base, to - base, quoted, this.#spoken))
      this.#span(this.#start, to, this.#secret);
    this.#opened = false;
    this.#maybe = -1;
  }
}
