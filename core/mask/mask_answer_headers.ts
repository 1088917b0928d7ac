// Masks the headers of an answer on their way to the caller: each as the line of text that it is, so
// that names, shapes and addresses count as they do in a body.

import type { Header } from "./mask_headers.ts";
import type { MaskPlan } from "./mask_plan.ts";
import { maskWhole } from "./payload_masker.ts";

/**
 * What the caller's client acts by, and what a mask would only break: cookies that the upstream gives to
 * this client, and words of the protocol.
 */
const PASSED: ReadonlySet<string> = new Set([
  "set-cookie",
  "content-type",
  "content-security-policy",
  "content-security-policy-report-only",
  "x-content-type-options",
  "x-frame-options",
  "cache-control",
  "date",
  "last-modified",
  "vary",
  "allow",
  "dav",
]);

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export interface MaskedHeaders {
  readonly headers: Header[];
  /** Places where something was taken out. */
  readonly spans: number;
}

export function maskAnswerHeaders(plan: MaskPlan, headers: readonly Header[]): MaskedHeaders {
  let spans = 0;
  const masked = headers.map((header): Header => {
    const [name, value] = header;
    if (PASSED.has(name)) return header;
    const line = maskWhole(plan, "text/plain; charset=utf-8", encoder.encode(`${name}: ${value}`), () => "");
    if (line.spans.length === 0) return header;
    spans += line.spans.length;
    const text = decoder.decode(line.bytes);
    // A name is never masked; if it were, the header would not be one any more.
    return [name, text.startsWith(`${name}: `) ? text.slice(name.length + 2) : "[masked:header]"];
  });
  return { headers: masked, spans };
}
