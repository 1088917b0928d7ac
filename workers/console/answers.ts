// What API answers are made of. Their length is stated, so that a small one is recorded in one piece;
// none is sniffed, and none kept by a cache that others share.

import { toHex } from "../../core/bytes.ts";
import { EVERY_SECRET } from "../../core/mask/mask_plan.ts";
import { maskTexts } from "../../core/mask/mask_texts.ts";
import { type Canonical, canonicalText } from "../../core/record/canonical.ts";
import { sha256 } from "../../durable/sha256.ts";
import { originOf } from "../protected_resource.ts";
import type { Cursors, CursorScope } from "./cursor.ts";
import type { Call } from "./route.ts";

const JSON_TYPE = "application/json";

/** What `text` encodes to, with the usual headers and these. */
export function text(
  body: string,
  contentType: string,
  {
    status = 200,
    headers = {},
  }: { readonly status?: number; readonly headers?: Readonly<Record<string, string>> } = {},
): Response {
  const bytes = new TextEncoder().encode(body);
  return new Response(bytes, {
    status,
    headers: {
      "content-type": contentType,
      "content-length": String(bytes.byteLength),
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
      ...headers,
    },
  });
}

export function json(value: unknown, status = 200, headers: Readonly<Record<string, string>> = {}): Response {
  return text(`${JSON.stringify(value)}\n`, JSON_TYPE, { status, headers });
}

/** What a body says, for the record of a change: RFC 8785 text, without what was not given. */
export function changeText(body: object): string {
  return canonicalText(JSON.parse(JSON.stringify(body)) as Canonical);
}

/** Why somebody does something, in their words: people paste what they talk of. */
export function maskedWords(words: string): string {
  return maskTexts([words], EVERY_SECRET)[0] ?? "";
}

/** Kept by the caller's own cache, and asked for again each time. */
const REVALIDATED = "private, no-cache";

/** JSON with an entity tag, or 304 for a caller who has it (RFC 9110 §13.1.2). */
export function taggedJson(request: Request, value: unknown, headers: Readonly<Record<string, string>> = {}): Response {
  const body = `${JSON.stringify(value)}\n`;
  return tagged(request, body, JSON_TYPE, entityTag(body), { "cache-control": REVALIDATED, ...headers });
}

export function tagged(
  request: Request,
  body: string,
  contentType: string,
  etag: string,
  headers: Readonly<Record<string, string>>,
): Response {
  const kept = { "cache-control": REVALIDATED, ...headers, etag };
  return hasTag(request.headers.get("if-none-match"), etag)
    ? new Response(null, { status: 304, headers: kept })
    : text(body, contentType, { headers: kept });
}

export function entityTag(body: string): string {
  return `"${toHex(sha256(new TextEncoder().encode(body))).slice(0, 32)}"`;
}

/** If-None-Match compares weakly (RFC 9110 §13.1.2): a cache on the way may have made a tag weak. */
export function hasTag(stated: string | null, etag: string): boolean {
  if (stated === null) return false;
  if (stated.trim() === "*") return true;
  return stated.split(",").some((one) => one.trim().replace(/^W\//, "") === etag);
}

/** The cursor of a page that has more after it, and the same as a link (RFC 8288). */
export function nextPage(
  { exchange, rawQuery }: Call<unknown, unknown>,
  cursors: Cursors,
  scope: CursorScope,
  place: string | null,
): { readonly next: string | null; readonly headers: Readonly<Record<string, string>> } {
  if (place === null) return { next: null, headers: {} };
  const next = cursors.write(place, scope);
  const target = exchange.request.url.slice(originOf(exchange.request.url).length);
  const path = target.split("?", 1)[0] ?? "";
  const kept = rawQuery.split("&").filter((pair) => pair !== "" && !pair.startsWith("cursor="));
  const link = `${path}?${[...kept, `cursor=${next}`].join("&")}`.replace(
    /[^!$%&'()*+./:;=?@\w~-]/g,
    encodeURIComponent,
  );
  return { next, headers: { link: `<${link}>; rel="next"` } };
}
