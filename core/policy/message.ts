// A message of a WebSocket, as a decision sees it.
//
// Its text is JSON for rules where JSON.parse says so; any other text has none, since most protocols
// over sockets are not JSON. What only looks like an object or a list (`{op:1}`, `[1,]`, a comment
// before it) is refused as a body would be: a lenient reader at the upstream could find in it what a
// rule looked for in vain.

import { type BodyView, readJsonText } from "./body.ts";

export interface MessageView {
  readonly type: "text" | "binary";
  /** Bytes; of text, as UTF-8. */
  readonly size: number;
}

/** As JavaScript trims, which is what the most lenient readers skip (JSON5, "White Space"); a byte order mark is part of it. */
const LOOKS_LIKE_JSON = /^\s*(?:[{[]|\/[/*])/;

/** `limit`: bytes of it that rules may read. */
export function readMessage({ type, size }: MessageView, text: string | null, limit: number): BodyView {
  if (type === "binary" || text === null || size === 0) return { kind: "none" };
  if (size > limit) return { kind: "refused", reason: "body_too_large_to_decide" };
  const view = readJsonText(text);
  if (view.kind !== "refused" || view.reason !== "body_not_json") return view;
  return LOOKS_LIKE_JSON.test(text) ? { kind: "refused", reason: "body_ambiguous" } : { kind: "none" };
}
