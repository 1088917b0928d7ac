// What the API says of a command's bodies apart from their bytes, and how a person is told.

import * as v from "valibot";
import { shown } from "../terminal.ts";
import { bytesText } from "../time_text.ts";

const text = v.optional(v.fallback(v.nullable(v.string()), null), null);
const count = v.optional(v.fallback(v.pipe(v.number(), v.integer(), v.minValue(0)), 0), 0);

export const PayloadFacts = v.object({
  state: v.picklist(["recorded", "none", "metadata", "opaque"]),
  type: text,
  format: text,
  coding: text,
  bytes: v.optional(v.fallback(v.nullable(v.number()), null), null),
  cut: count,
  chunks: count,
  masked: v.object({
    count,
    isCut: v.optional(v.fallback(v.boolean(), false), false),
    rules: v.array(v.object({ rule: v.string(), count })),
    places: v.array(v.object({ at: v.number(), put: count, length: count, rule: v.string() })),
  }),
  size: count,
  complete: v.boolean(),
});
export type PayloadFacts = v.InferOutput<typeof PayloadFacts>;

export type Side = "request" | "response";
export const SIDES: readonly Side[] = ["request", "response"];

/** `application/json, 312 B, opened from gzip`; null where there is no body. */
export function factsText({ state, type, format, coding, bytes, size, complete, chunks }: PayloadFacts): string | null {
  const travelled = bytes === null ? "" : bytesText(bytes);
  switch (state) {
    case "none":
      return null;
    case "metadata":
      return `${travelled === "" ? "" : `${travelled}, `}not recorded`;
    case "opaque":
      return `${travelled === "" ? "" : `${travelled}, `}in a coding that cannot be opened: recorded by commitment only`;
    case "recorded":
      return [
        shown(type ?? format ?? "", 80),
        bytesText(size),
        coding === null ? "" : `opened from ${shown(coding, 20)}`,
        chunks > 1 ? `in ${chunks} chunks` : "",
        complete ? "" : "still under way",
      ]
        .filter((part) => part !== "")
        .join(", ");
  }
}

/** `3 masked: 2 × password, 1 × jwt`; empty where nothing was. */
export function maskedText({ masked: { count: places, isCut, rules } }: PayloadFacts): string {
  if (places === 0 && !isCut) return "";
  const most = rules.slice(0, 5).map((one) => `${one.count} × ${shown(one.rule, 40)}`);
  const which = most.length === 0 ? "" : `: ${most.join(", ")}${rules.length > most.length ? ", …" : ""}`;
  return `${places}${isCut ? " or more" : ""} masked${which}`;
}

export function payloadPath(sid: string, command: string, side: Side): string {
  return `/api/v1/sessions/${encodeURIComponent(sid)}/payload/${encodeURIComponent(command)}/${side}`;
}
