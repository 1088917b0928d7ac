// What a content type says of a body: its format and its charset. Nobody is bound by it: what the first
// bytes say counts where they contradict.

import type { Format } from "./span.ts";

export interface Declared {
  /** Null where the type says nothing of text: the bytes are asked. */
  readonly format: Exclude<Format, "binary"> | null;
  /** In lower case; empty if none is given. */
  readonly charset: string;
  readonly boundary: string;
}

/** Content types are short; what is longer is cut before it is looked at. */
const LIMIT = 1024;
const BOUNDARY = /;\s*boundary\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;\s]*))/i;
const CHARSET = /;\s*charset\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;\s]*))/i;
const LINES =
  /^application\/(?:x-)?(?:ndjson|jsonl|jsonlines|json-lines|json-seq|stream\+json|json\+stream|ldjson|x-ldjson)$/;
const TEXT =
  /^(?:text\/|message\/)|^application\/(?:(?:x-)?(?:javascript|ecmascript|sh|shellscript|yaml|toml|sql|graphql|properties|httpd-php|perl|python|ruby|subrip|troff|latex|tex|csv)|.+\+yaml|x-pem-file|pem-certificate-chain|pgp-.+|x-www-form)/;

/** The same few come with every exchange; whoever floods this with others makes it slower, not larger. */
const KNOWN_LIMIT = 256;
const known = new Map<string, Declared>();

export function declaredOf(contentType: string | null): Declared {
  const text = (contentType ?? "").slice(0, LIMIT);
  const before = known.get(text);
  if (before !== undefined) return before;
  const type = (text.split(";", 1)[0] ?? "").trim().toLowerCase();
  const boundary = parameterOf(text, BOUNDARY);
  const declared = { format: formatOf(type, boundary), charset: parameterOf(text, CHARSET).toLowerCase(), boundary };
  // A boundary comes once.
  if (boundary === "" && known.size < KNOWN_LIMIT) known.set(text, declared);
  return declared;
}

function formatOf(type: string, boundary: string): Declared["format"] {
  if (type === "text/event-stream") return "sse";
  if (type === "application/x-www-form-urlencoded") return "form";
  if (type.startsWith("multipart/")) return boundary === "" ? "text" : "multipart";
  if (LINES.test(type) || type === "application/jsonlines") return "ndjson";
  if (/(?:^|[/+])(?:x-)?json[0-9]?$/.test(type) || type.endsWith("+json-seq") || type === "application/csp-report")
    return "json";
  if (/(?:^|[/+])(?:xml|html|xhtml|xml-dtd)$/.test(type)) return "xml";
  return TEXT.test(type) ? "text" : null;
}

function parameterOf(text: string, parameter: RegExp): string {
  const found = parameter.exec(text);
  return (found?.[1]?.replaceAll(/\\(.)/g, "$1") ?? found?.[2] ?? "").trim();
}
