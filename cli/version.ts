// Which version this is: put in when bundled, read from package.json in a clone.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

declare const SALLYPORT_VERSION: string | undefined;

export function version(): string {
  if (typeof SALLYPORT_VERSION === "string") return SALLYPORT_VERSION;
  const text = readFileSync(fileURLToPath(new URL("../package.json", import.meta.url).href), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}
