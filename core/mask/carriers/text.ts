// Reads plain text, line by line: settings, logs, headers, shell commands, URLs, prose.

import { byteSet, type Carrier, COLON, EQUALS, LF, PERCENT_SIGN, PLAIN } from "./carrier.ts";
import { TRIGGERS } from "./text_reader.ts";
import { TextParts } from "./text_parts.ts";
import { type ReaderTools, ValueReader } from "./value_reader.ts";
import type { Window } from "../window.ts";
import { YamlBlock } from "./yaml_block.ts";

const STOPS: Uint8Array = lineStops();

function lineStops(): Uint8Array {
  const stops = byteSet("\n%");
  for (let byte = 0; byte < 256; byte++) if (TRIGGERS[byte] === 1) stops[byte] = 1;
  return stops;
}

export class TextCarrier implements Carrier {
  readonly #window: Window;
  readonly #value: ValueReader;
  readonly #block: YamlBlock;
  readonly #parts: TextParts;
  #inLine = false;
  #line = 0;

  constructor(tools: ReaderTools) {
    this.#window = tools.window;
    this.#block = new YamlBlock(tools.window, tools.channel());
    this.#parts = new TextParts(tools.window, tools.channel(), tools.names);
    this.#value = new ValueReader(tools, PLAIN);
  }

  undecided(at: number): number {
    const parts = this.#parts.undecided(at);
    return this.#inLine ? Math.min(parts, this.#value.undecided(at)) : parts;
  }

  feed(from: number, to: number): void {
    this.#parts.feed(from, to);
    const { buf, base } = this.#window;
    const end = to - base;
    for (let i = from - base; i < end; i++) {
      if (this.#block.active) i = this.#block.feed(i, end);
      if (i >= end) break;
      if (!this.#inLine) {
        this.#line = base + i - this.#block.takeColumn();
        this.#value.begin(base + i);
        this.#inLine = true;
      }
      while (i < end && STOPS[buf[i] as number] === 0) i++;
      if (i >= end) break;
      const byte = buf[i] as number;
      if (byte === LF) {
        this.#endLine(base + i);
      } else if (byte === PERCENT_SIGN) this.#value.percent(base + i);
      else {
        this.#value.text(base + i);
        if (byte === COLON || byte === EQUALS) this.#value.maybeBase64(base + i + 1);
      }
    }
    if (this.#inLine) this.#value.sync(to);
  }

  #endLine(at: number): void {
    this.#value.finish(at);
    this.#inLine = false;
    const secret = this.#value.takeBlock();
    if (secret !== null) this.#block.begin(secret, this.#line);
  }

  finish(at: number): void {
    if (this.#inLine) this.#endLine(at);
    this.#block.finish(at);
    this.#parts.finish(at);
  }
}
