// Where a person finds an approval.

import type { Config } from "../config.ts";

/** Its page at the console, or, where there is none, in the API at `origin`. */
export function placeOfApproval(approval: string, { console }: Pick<Config, "console">, origin: string): string {
  return console === null ? `${origin}/api/v1/approvals/${approval}` : `${console.origin}/approvals/${approval}`;
}
