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
const LINES =
  /^application\/(?:x-)?(?:ndjson|jsonl|jsonlines|json-lines|json-seq|stream\+json|json\+stream|ldjson|x-ldjson)$/;
const TEXT =
  /^(?:text\/|message\/)|^application\/(?:(?:x-)?(?:javascript|ecmascript|sh|shellscript|yaml|toml|sql|graphql|properties|httpd-php|perl|python|ruby|subrip|troff|latex|tex|csv)|.+\+yaml|x-pem-file|pem-certificate-chain|pgp-.+|x-www-form)/;

export function declaredOf(contentType: string | null): Declared {
  const text = (contentType ?? "").slice(0, LIMIT);
  const type = (text.split(";", 1)[0] ?? "").trim().toLowerCase();
  const boundary = parameterOf(text, "boundary");
  return { format: formatOf(type, boundary), charset: parameterOf(text, "charset").toLowerCase(), boundary };
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

function parameterOf(text: string, name: string): string {
  const found = new RegExp(`;\\s*${name}\\s*=\\s*(?:"((?:[^"\\\\]|\\\\.)*)"|([^;\\s]*))`, "i").exec(text);
  return (found?.[1]?.replaceAll(/\\(.)/g, "$1") ?? found?.[2] ?? "").trim();
}
