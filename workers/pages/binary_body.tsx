// The head of a body that is no text, and what is said of any body: its form and size.

import type { ShownBody } from "../approvals/detail.ts";
import { bytesText } from "./visible_text.tsx";

const HEX_BYTES = 256;
/** Bytes a line: as many as a phone of 360 pixels has room for. */
const ROW = 8;

export function Facts({ body: { format, coding, size } }: { readonly body: ShownBody }) {
  return (
    <p class="dim small">
      {FORMATS[format] ?? format}, {bytesText(size)}
      {coding === null ? "" : `, sent as ${coding}`}
    </p>
  );
}

const FORMATS: Readonly<Record<string, string>> = {
  json: "JSON",
  ndjson: "JSON, one value a line",
  sse: "Server-sent events",
  form: "Form fields",
  multipart: "Form with parts",
  xml: "XML",
  text: "Text",
  binary: "Not text",
};

export function Binary({ body, whole }: { readonly body: ShownBody; readonly whole: string }) {
  const head = body.bytes.subarray(0, HEX_BYTES);
  const rows: string[] = [];
  for (let at = 0; at < head.length; at += ROW) rows.push(hexRow(head.subarray(at, at + ROW), at));
  return (
    <>
      <Facts body={body} />
      <pre class="hex" tabindex={0} role="region" aria-label="The body's first bytes">
        <code>{rows.join("\n")}</code>
      </pre>
      <p class="notice">
        {body.size > head.length ? `These are its first ${head.length} bytes of ${bytesText(body.size)}. ` : ""}
        This body is not text, and nothing in it was looked for to be masked.
      </p>
      <p>
        <a href={whole} download>
          Download the whole body as it is recorded
        </a>
      </p>
    </>
  );
}

function hexRow(bytes: Uint8Array, at: number): string {
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
  const text = [...bytes].map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : "·")).join("");
  return `${at.toString(16).padStart(4, "0")} ${hex.padEnd(3 * ROW - 1)} ${text}`;
}
