// The only maker of `Masked` records. Nothing that a caller or an upstream sent gets into a record
// but through here.

import type { CommandId } from "../ids.ts";
import { chunkPart, type Side } from "../record/payload.ts";
import type { Draft, Fields, Masked } from "../record/record.ts";
import { type Header, isSecretHeader, maskHeaders } from "./mask_headers.ts";
import { EVERY_SECRET, type MaskPlan } from "./mask_plan.ts";
import { maskUrl } from "./mask_query.ts";
import { maskTexts } from "./mask_texts.ts";
import type { RecordedPayload } from "./payload_fields.ts";

/** A record never fails because a caller sent much: longer text is cut, and says so. */
export const TEXT_LIMIT: number = 16 * 1024;

/** A record of the gateway's own words (session life, counts, verified claims): no text of a caller's choosing that could carry a secret. */
export function ownRecord(draft: Draft): Masked {
  return draft as Masked;
}

/** A record about an exchange. `headers` and `target` are masked as lines of text and by their names, `payload` was masked; `own` fields are the gateway's words; the plan is that of the connection. */
export function exchangeRecord(
  draft: Omit<Draft, "fields" | "payload">,
  sent: {
    readonly target?: { readonly method: string; readonly path: string; readonly query: string };
    readonly headers?: readonly Header[];
    readonly payload?: RecordedPayload | null;
  },
  own: Fields,
  plan: MaskPlan = EVERY_SECRET,
): Masked {
  const fields: Record<string, string> = { ...own };
  // As text first: what is nested in a value is found, and the names that only a target or a header knows come on top.
  const sentTexts = [targetText(sent.target), ...(sent.headers ?? []).map(lineOf)];
  const [target = "", ...lines] = sentTexts.some((text) => text !== "") ? maskTexts(sentTexts, plan) : sentTexts;
  if (sent.target !== undefined)
    fields.target = bounded(`${sent.target.method} ${wellFormed(maskUrl(target, plan.own))}`);
  if (sent.headers !== undefined) fields.headers = headersText(maskHeaders(lines.map(headerOf), plan.own));
  const { payload } = sent;
  if (payload === undefined || payload === null) return { ...draft, fields } as Masked;
  return {
    ...draft,
    classes: { ...draft.classes, ...payload.classes },
    fields: { ...fields, ...payload.fields },
    payload: payload.detached,
  } as Masked;
}

/** The path of a target that could not be read may hold a query of its own, and more. */
function targetText(target: { readonly path: string; readonly query: string } | undefined): string {
  if (target === undefined) return "";
  return target.query === "" ? target.path : `${target.path}?${target.query}`;
}

/** Of one that is masked whole, nothing need be read. */
function lineOf([name, value]: Header): string {
  return isSecretHeader(name) ? `${name}: ` : `${name}: ${value}`;
}

/** A name has no space in it, so the first one ends it. */
function headerOf(line: string): Header {
  const at = line.indexOf(": ");
  return at < 0 ? ["[masked:header]", "[masked:header]"] : [line.slice(0, at), line.slice(at + 2)];
}

/** What passed of a body in one go. All counts are bytes; of a body as it travelled unless it says otherwise. */
export interface Chunk {
  readonly side: Side;
  /** How many chunks of this side came before it. */
  readonly n: number;
  readonly offset: number;
  readonly length: number;
  /** Where its payload begins in the body's masked payload. */
  readonly at: number;
  /** Bytes of the plain body that it releases and whose masked text comes with a later chunk. */
  readonly held: number;
}

export function chunkRecord(command: CommandId, chunk: Chunk, payload: RecordedPayload): Masked {
  const { side, n, offset, length, at, held } = chunk;
  const classes = { ...payload.classes, side, offset, length, at, ...(held === 0 ? {} : { held }) };
  const part = chunkPart(side, n);
  const { fields, detached } = payload;
  const draft: Draft = { kind: "stream.chunk", command, part, classes, fields, payload: detached };
  return draft as Masked;
}

/** RFC 8785 text of [[name, value], …], which for well-formed strings in lists is what JSON.stringify writes; what is past the limit is left out and counted. */
function headersText(headers: readonly Header[]): string {
  let size = 0;
  const kept: Header[] = [];
  for (const [name, value] of headers) {
    const one: Header = [bounded(wellFormed(name), 256), bounded(wellFormed(value), 4096)];
    size += one[0].length + one[1].length;
    if (size > TEXT_LIMIT) return JSON.stringify([...kept, ["[cut]", String(headers.length - kept.length)]]);
    kept.push(one);
  }
  return JSON.stringify(kept);
}

function bounded(text: string, limit: number = TEXT_LIMIT): string {
  return text.length <= limit ? text : `${wellFormed(text.slice(0, limit))}[cut:${text.length}]`;
}

/** Lone surrogates have no UTF-8 and no RFC 8785 form. */
function wellFormed(text: string): string {
  return text.isWellFormed() ? text : text.toWellFormed();
}
