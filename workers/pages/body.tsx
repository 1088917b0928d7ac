// The body that is to be decided on, as far as a page can hold it: JSON in colours, text, or the head of
// what is neither, each with what was masked in it at its place.

import type { Child } from "hono/jsx";
import { isDense, type JsonToken, jsonTokens } from "../../core/show/json_tokens.ts";
import { maskedText, type MaskedText } from "../../core/show/masked_text.ts";
import { visiblePieces } from "../../core/show/visible_pieces.ts";
import type { ShownBody, ShownSpan } from "../approvals/detail.ts";
import { Binary, Facts } from "./binary_body.tsx";
import { bytesText, countText, Pieces } from "./visible_text.tsx";

/** Bytes of a body in the page. More can be had as a file. */
export const SHOWN_BYTES = 65_536;
/** Elements that a body becomes at most. */
const PIECES = 6_000;

export function Body({ body, whole }: { readonly body: ShownBody | null; readonly whole: string }) {
  if (body === null) return <p class="dim">No body.</p>;
  if (body.format === "opaque")
    return (
      <p class="notice">
        The body came in a coding that cannot be opened. Nothing of it can be shown; what is sent is what was asked for.
      </p>
    );
  return body.format === "binary" ? <Binary body={body} whole={whole} /> : <Text body={body} whole={whole} />;
}

function Text({ body, whole }: { readonly body: ShownBody; readonly whole: string }) {
  const shown = maskedText(body.bytes, body.spans, SHOWN_BYTES);
  const isJson = body.format === "json" || body.format === "ndjson";
  const isSpread = body.format === "json" && isDense(shown.text);
  const tokens = isJson ? jsonTokens(shown.text, isSpread) : [{ kind: "other", text: shown.text } as const];
  const { elements, upto } = rendered(tokens, shown);
  const isCut = shown.bytes < body.size || upto < shown.text.length;
  return (
    <>
      <Facts body={body} />
      <pre tabindex={0} role="region" aria-label="Body">
        <code>{elements}</code>
      </pre>
      {isSpread ? <p class="dim small">Line ends and indentation were added here, for reading.</p> : null}
      {isCut ? (
        <p class="notice">
          This is the beginning of it: {countText(upto, "character")} of {bytesText(body.size)}. Read the rest before
          you decide.
        </p>
      ) : null}
      <Masks body={body} shown={shown} />
      <p>
        <a href={whole} download>
          Download the whole body as it is recorded
        </a>
      </p>
    </>
  );
}

function Masks({ body, shown }: { readonly body: ShownBody; readonly shown: MaskedText<ShownSpan> }) {
  const all = body.spans.length + body.spansCut;
  if (all === 0) return null;
  const hidden = all - shown.masks.length;
  return (
    <p class="dim small">
      {countText(all, "place")} masked: the text there is sent, and shown to nobody.
      {hidden > 0 ? ` ${hidden.toLocaleString("en")} of them are not on this page.` : ""}
    </p>
  );
}

/** Tokens as elements, cut where something is masked or is no UTF-8. `upto`: how far in the text. */
function rendered(tokens: readonly JsonToken[], shown: MaskedText<ShownSpan>): { elements: Child[]; upto: number } {
  const elements: Child[] = [];
  const writer = new Writer(shown);
  let start = 0;
  for (const { kind, text } of tokens) {
    if (writer.isFull) break;
    if (kind === "soft") {
      elements.push(writer.soft(text));
      continue;
    }
    start += text.length;
    const inner = writer.until(start);
    elements.push(kind === "other" || kind === "space" ? <>{inner}</> : <span class={`json-${kind}`}>{inner}</span>);
  }
  return { elements, upto: writer.at };
}

/** Goes through a text from its beginning, and counts what is put into the page. */
class Writer {
  at = 0;
  readonly #shown: MaskedText<ShownSpan>;
  #left = PIECES;
  #mask = 0;
  /** Where bytes stand that are no UTF-8, from here on. */
  readonly #wrong: number[];

  constructor(shown: MaskedText<ShownSpan>) {
    this.#shown = shown;
    this.#wrong = [...shown.wrong.keys()];
  }

  get isFull(): boolean {
    return this.#left < 1;
  }

  soft(text: string): Child {
    this.#left -= 1;
    return <span class="soft">{text}</span>;
  }

  /** What stands before `end`. A placeholder that reaches beyond is taken whole. */
  until(end: number): Child[] {
    const inner: Child[] = [];
    const { text, masks } = this.#shown;
    while (this.at < end && !this.isFull) {
      const place = masks[this.#mask];
      if (place !== undefined && this.at >= place.from) {
        inner.push(<Masked span={place.span} text={text.slice(place.from, place.to)} />);
        this.at = place.to;
        this.#mask += 1;
        this.#left -= 1;
      } else inner.push(this.#plain(Math.min(end, place?.from ?? end)));
    }
    return inner;
  }

  #plain(end: number): Child {
    const { text, wrong } = this.#shown;
    const byte = wrong.get(this.at);
    this.#left -= 1;
    if (byte !== undefined) {
      this.at += 1;
      return (
        <span class="mark" data-byte={byte.toString(16)}>
          byte {byte.toString(16).toUpperCase()}
        </span>
      );
    }
    while ((this.#wrong[0] ?? Infinity) <= this.at) this.#wrong.shift();
    const until = Math.min(end, this.#wrong[0] ?? end);
    const { pieces, upto } = visiblePieces(text.slice(this.at, until), { lines: true, limit: this.#left });
    this.#left -= pieces.length - 1;
    if (this.at + upto < until) this.#left = 0;
    this.at += upto;
    return <Pieces pieces={pieces} />;
  }
}

function Masked({ span: { at, length, rule }, text }: { readonly span: ShownSpan; readonly text: string }) {
  return (
    <span class="masked" data-text={text}>
      masked: {rule}, {bytesText(length)} at {at.toLocaleString("en")}
    </span>
  );
}
