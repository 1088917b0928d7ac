// The console's files: style, script, icon. Named by their digest, so that a browser keeps one for ever and
// never shows a page with another's. Public: no cookie is looked at, and nobody's visit is recorded.

import { createHash } from "node:crypto";
import { ICON, SCRIPT, STYLE } from "./static_files.ts";

interface StaticFile {
  readonly path: string;
  readonly type: string;
  readonly bytes: Uint8Array;
}

function file(name: string, ending: string, type: string, text: string): StaticFile {
  const digest = createHash("sha256").update(text).digest("hex").slice(0, 20);
  return { path: `/static/${name}-${digest}.${ending}`, type, bytes: new TextEncoder().encode(text) };
}

const style = file("style", "css", "text/css; charset=utf-8", STYLE);
const script = file("script", "js", "text/javascript; charset=utf-8", SCRIPT);
const icon = file("icon", "svg", "image/svg+xml", ICON);

export const STYLE_PATH: string = style.path;
export const SCRIPT_PATH: string = script.path;
export const ICON_PATH: string = icon.path;

const FILES: ReadonlyMap<string, StaticFile> = new Map([style, script, icon].map((one) => [one.path, one]));
/** What browsers and robots ask for on their own: answered here, lest it becomes a command in somebody's session. */
const ASKED_UNASKED: ReadonlySet<string> = new Set(["/favicon.ico", "/robots.txt"]);

/** Null if the path is a page's. */
export function serveStatic({ method }: Request, path: string): Response | null {
  if (path === "/robots.txt") return new Response("User-agent: *\nDisallow: /\n", { headers: TEXT });
  if (!path.startsWith("/static/") && !ASKED_UNASKED.has(path)) return null;
  const found = FILES.get(path);
  if (found === undefined) return new Response("There is nothing here.\n", { status: 404, headers: TEXT });
  if (method !== "GET" && method !== "HEAD")
    return new Response("GET or HEAD.\n", { status: 405, headers: { ...TEXT, allow: "GET, HEAD" } });
  return new Response(method === "HEAD" ? null : found.bytes, {
    headers: {
      "content-type": found.type,
      "content-length": String(found.bytes.byteLength),
      "cache-control": "public, max-age=31536000, immutable",
    },
  });
}

const TEXT = { "content-type": "text/plain; charset=utf-8" };
