// Reads XML and HTML: what stands within an element of a secret's name, in an attribute of a secret's
// name, and in the pair of a name and a value (`<add key="ApiKey" value="…"/>`). Nothing is remembered
// of the elements around but that one of them is a secret, so depth costs nothing. What is not closed,
// or closed twice, is read on all the same.

import { APOSTROPHE, byteSet, type Carrier, type CarrierSink, DASH, EQUALS, QUOTE, XML_TEXT } from "./carrier.ts";
import { type ReaderTools, ValueReader } from "./value_reader.ts";
import type { NameTable } from "../name_table.ts";
import { NAME_LIMIT, type Secret } from "../secret_names.ts";
import type { Window } from "../window.ts";

const LESS = 0x3c;
const GREATER = 0x3e;
const SLASH = 0x2f;
const WHITE: Uint8Array = byteSet(" \t\r\n");
const ENDS_NAME: Uint8Array = byteSet(" \t\r\n=/>\"'<");
const CDATA = "[CDATA[";

type State =
  | "text"
  | "tag"
  | "close"
  | "inTag"
  | "attribute"
  | "sign"
  | "value"
  | "bare"
  | "bang"
  | "cdata"
  | "comment"
  | "declaration";

export class XmlCarrier implements Carrier {
  readonly #window: Window;
  readonly #sink: CarrierSink;
  readonly #names: NameTable;
  readonly #value: ValueReader;
  #state: State = "text";
  #start = 0;
  /** Of this tag: its name's hash, whether it ends itself, and what a name attribute of it names. */
  #tag = 0;
  #first = false;
  #tagSecret: Secret | null = null;
  #selfClosing = false;
  #entry: Secret | null = null;
  #attribute: Secret | null = null;
  #isEntryName = false;
  #isEntryValue = false;
  #quote = 0;
  #isGiven = false;
  /** The element whose text is secret, how many of its name are open, and whose secret it is. */
  #within = 0;
  #level = 0;
  #secret: Secret | null = null;
  #open = false;
  #reading = false;
  /** Bytes of `--` or `]]` seen before a `>`. */
  #run = 0;

  constructor(tools: ReaderTools) {
    this.#window = tools.window;
    this.#sink = tools.sink;
    this.#names = tools.names;
    this.#value = new ValueReader(tools, XML_TEXT);
  }

  undecided(at: number): number {
    return this.#reading ? this.#value.undecided(at) : this.#run > 0 && this.#open ? at - this.#run : at;
  }

  feed(from: number, to: number): void {
    const { base } = this.#window;
    const end = to - base;
    let i = from - base;
    while (i < end) i = this.#step(i, end);
    if (this.#reading) this.#value.sync(to);
  }

  finish(at: number): void {
    this.#endRun(at);
    this.#state = "text";
    this.#level = 0;
    this.#secret = null;
    this.#entry = null;
    this.#run = 0;
  }

  #step(i: number, end: number): number {
    switch (this.#state) {
      case "text":
        return this.#text(i, end);
      case "tag":
      case "close":
        return this.#tagName(i, end);
      case "inTag":
        return this.#inTag(i);
      case "attribute":
        return this.#attributeName(i, end);
      case "sign":
        return this.#sign(i);
      case "value":
        return this.#attributeValue(i, end);
      case "bare":
        return this.#bareValue(i, end);
      case "bang":
        return this.#bang(i);
      case "cdata":
        return this.#untilRun(i, end, 0x5d);
      case "comment":
        return this.#untilRun(i, end, DASH);
      case "declaration":
        return this.#declaration(i, end);
    }
  }

  /** A run of text begins: masked under a secret's name, read as text elsewhere. */
  #beginRun(at: number, secret: Secret | null): void {
    if (secret === null) {
      this.#reading = true;
      this.#value.begin(at);
      this.#value.text(at);
    } else {
      this.#open = true;
      this.#sink.open(at, secret, XML_TEXT);
    }
  }

  #endRun(at: number): void {
    if (this.#reading) this.#value.finish(at);
    if (this.#open) this.#sink.close(at);
    this.#reading = false;
    this.#open = false;
  }

  #text(from: number, end: number): number {
    const { buf, base } = this.#window;
    let i = from;
    if (!this.#open && !this.#reading) {
      while (i < end && WHITE[buf[i] as number] === 1) i++;
      if (i === end) return i;
      if (buf[i] !== LESS) this.#beginRun(base + i, this.#level > 0 ? this.#secret : null);
    }
    while (i < end && buf[i] !== LESS) {
      if (buf[i] === 0x25 && this.#reading) this.#value.percent(base + i);
      i++;
    }
    if (i === end) return i;
    this.#endRun(base + i);
    this.#state = "tag";
    this.#start = base + i + 1;
    this.#tag = 0;
    this.#first = true;
    return i + 1;
  }

  #tagName(from: number, end: number): number {
    const { buf, base } = this.#window;
    let i = from;
    if (this.#first) {
      this.#first = false;
      const byte = buf[i] as number;
      if (byte === 0x21 || byte === 0x3f) {
        this.#state = byte === 0x21 ? "bang" : "declaration";
        this.#start = base + i + 1;
        return i + 1;
      }
      if (byte === SLASH) {
        this.#state = "close";
        this.#start = base + i + 1;
        return i + 1;
      }
      const letter = byte | 0x20;
      if (!((letter >= 0x61 && letter <= 0x7a) || byte === 0x5f || byte >= 0x80)) {
        // A sign of comparison, in a script or in plain text.
        this.#state = "text";
        return i;
      }
    }
    for (; i < end && ENDS_NAME[buf[i] as number] === 0; i++) {
      // Prefixes of namespaces do not matter.
      if (buf[i] === 0x3a) {
        this.#tag = 0;
        this.#start = base + i + 1;
      } else this.#tag = (Math.imul(this.#tag, 31) + ((buf[i] as number) | 0x20)) | 0;
    }
    if (i === end) return i;
    this.#endTagName(base + i);
    return i;
  }

  #endTagName(at: number): void {
    if (this.#state === "close") {
      if (this.#level > 0 && this.#tag === this.#within) this.#level--;
      this.#state = "declaration";
      return;
    }
    this.#tagSecret = this.#judge(at);
    this.#selfClosing = false;
    this.#entry = null;
    this.#state = "inTag";
  }

  #judge(at: number): Secret | null {
    const { buf, base } = this.#window;
    if (at - this.#start > NAME_LIMIT) return null;
    const judged = this.#names.judge(buf, this.#start - base, at - base);
    return judged === null || judged.weak ? null : judged.secret;
  }

  #inTag(i: number): number {
    const { buf, base } = this.#window;
    const byte = buf[i] as number;
    if (byte === GREATER) this.#endTag();
    else if (byte === LESS) this.#state = "text";
    else if (byte === SLASH) this.#selfClosing = true;
    else if (WHITE[byte] === 0) {
      this.#selfClosing = false;
      this.#state = "attribute";
      this.#start = base + i;
      // What ends a name may begin one, in what is no XML: it is passed over.
      return ENDS_NAME[byte] === 1 ? i + 1 : i;
    }
    return byte === LESS ? i : i + 1;
  }

  #endTag(): void {
    this.#state = "text";
    if (this.#selfClosing) return;
    if (this.#level > 0) {
      if (this.#tag === this.#within) this.#level++;
      return;
    }
    const secret = this.#tagSecret ?? this.#entry;
    if (secret === null) return;
    this.#level = 1;
    this.#within = this.#tag;
    this.#secret = secret;
  }

  #attributeName(from: number, end: number): number {
    const { buf, base } = this.#window;
    let i = from;
    while (i < end && ENDS_NAME[buf[i] as number] === 0) i++;
    if (i === end) return i;
    this.#attribute = this.#judge(base + i);
    const word = this.#word(base + i);
    this.#isEntryName = word === "name" || word === "key" || word === "id" || word === "property";
    this.#isEntryValue = word === "value" || word === "content";
    this.#state = "sign";
    this.#isGiven = false;
    return i;
  }

  #word(at: number): string {
    const { buf, base } = this.#window;
    if (at - this.#start > 8) return "";
    let word = "";
    for (let i = this.#start - base; i < at - base; i++) word += String.fromCharCode((buf[i] as number) | 0x20);
    return word;
  }

  /** Between an attribute's name and its value. */
  #sign(i: number): number {
    const { buf, base } = this.#window;
    const byte = buf[i] as number;
    if (byte === EQUALS) this.#isGiven = true;
    if (byte === EQUALS || WHITE[byte] === 1) return i + 1;
    const isQuoted = byte === QUOTE || byte === APOSTROPHE;
    const isBare = this.#isGiven && ENDS_NAME[byte] === 0;
    this.#state = isQuoted ? "value" : isBare ? "bare" : "inTag";
    if (!isQuoted && !isBare) return i;
    this.#quote = byte;
    const at = isQuoted ? i + 1 : i;
    this.#start = base + at;
    this.#beginRun(base + at, this.#attribute ?? (this.#isEntryValue ? this.#entry : null));
    return at;
  }

  #attributeValue(from: number, end: number): number {
    const { buf, base } = this.#window;
    let i = from;
    while (i < end && buf[i] !== this.#quote) {
      if (buf[i] === 0x25 && this.#reading) this.#value.percent(base + i);
      i++;
    }
    if (i === end) return i;
    this.#endRun(base + i);
    if (this.#isEntryName) this.#entry = this.#judge(base + i) ?? this.#entry;
    this.#state = "inTag";
    return i + 1;
  }

  /** HTML lets quotes be left out (HTML Standard §13.1.2.3). */
  #bareValue(from: number, end: number): number {
    const { buf, base } = this.#window;
    let i = from;
    while (i < end && WHITE[buf[i] as number] === 0 && buf[i] !== GREATER) {
      if (buf[i] === 0x25 && this.#reading) this.#value.percent(base + i);
      i++;
    }
    if (i === end) return i;
    this.#endRun(base + i);
    if (this.#isEntryName) this.#entry = this.#judge(base + i) ?? this.#entry;
    this.#state = "inTag";
    return i;
  }

  /** Behind `<!`. */
  #bang(i: number): number {
    const { buf, base } = this.#window;
    const at = base + i;
    const offset = at - this.#start;
    const byte = buf[i] as number;
    if (byte === DASH && offset < 2) {
      if (offset === 1) this.#beginMarked("comment", at + 1, null);
      return i + 1;
    }
    if (offset < CDATA.length && byte === CDATA.charCodeAt(offset)) {
      if (offset === CDATA.length - 1) this.#beginMarked("cdata", at + 1, this.#level > 0 ? this.#secret : null);
      return i + 1;
    }
    this.#state = "declaration";
    return i;
  }

  #beginMarked(state: "comment" | "cdata", at: number, secret: Secret | null): void {
    this.#state = state;
    this.#run = 0;
    this.#beginRun(at, secret);
  }

  /** Up to `]]>` or `-->`. */
  #untilRun(from: number, end: number, byte: number): number {
    const { buf, base } = this.#window;
    for (let i = from; i < end; i++) {
      const here = buf[i] as number;
      if (here === byte) this.#run = Math.min(2, this.#run + 1);
      else if (here === GREATER && this.#run === 2) {
        this.#run = 0;
        this.#endRun(base + i - 2);
        this.#state = "text";
        return i + 1;
      } else this.#run = 0;
    }
    return end;
  }

  /** What is neither element nor text, up to `>`. */
  #declaration(from: number, end: number): number {
    const { buf } = this.#window;
    const found = buf.indexOf(GREATER, from);
    if (found < 0 || found >= end) return end;
    this.#state = "text";
    return found + 1;
  }
}
