// What a caller prefers (RFC 7240): how long it waits for its answer, or that it does not.

import type { Header } from "../../mask/mask_headers.ts";

export interface Preference {
  /** Seconds; null if nothing is said. */
  readonly wait: number | null;
  readonly respondAsync: boolean;
}

/** One preference: a token, and a value that may be quoted. Parameters of a preference are none that is known here. */
const PREFERENCE = /^\s*([!#$%&'*+.^_`|~\w-]+)\s*(?:=\s*(?:"([^"]*)"|([!#$%&'*+.^_`|~\w-]*)))?\s*(?:;.*)?$/;

/** Of each preference the first one counts (RFC 7240 §2); one that is malformed is passed over. */
export function readPreference(headers: readonly Header[]): Preference {
  let wait: number | null = null;
  let respondAsync = false;
  for (const [name, value] of headers) {
    if (name.toLowerCase() !== "prefer") continue;
    for (const one of value.split(",")) {
      const [, token = "", quoted, plain] = PREFERENCE.exec(one) ?? [];
      const text = quoted ?? plain ?? "";
      if (token.toLowerCase() === "respond-async") respondAsync = true;
      else if (token.toLowerCase() === "wait" && wait === null && /^\d{1,9}$/.test(text)) wait = Number(text);
    }
  }
  return { wait, respondAsync };
}
