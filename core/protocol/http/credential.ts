// Puts the upstream's own credential on a request. The caller never holds it.

import type { Header } from "../../mask/mask_headers.ts";

/** How a connection's secret is presented; see core/policy/policy.ts. */
export type CredentialUse =
  | { readonly as: "header"; readonly name: string; readonly secret: string }
  | { readonly as: "basic"; readonly secret: string }
  | { readonly as: "query"; readonly name: string; readonly secret: string };

export interface Presented {
  readonly headers: readonly Header[];
  /** Addition to the query, without a leading `&`; empty if none. */
  readonly query: string;
}

/** Null if the secret's value cannot stand in a header (control characters): a misconfiguration, not the caller's fault. */
export function present(use: CredentialUse, secret: string): Presented | null {
  if (!/^[\x20-\x7e\u0080-\u{10ffff}]+$/u.test(secret)) return null;
  if (use.as === "query")
    return { headers: [], query: `${encodeURIComponent(use.name)}=${encodeURIComponent(secret)}` };
  if (use.as === "basic") return { headers: [["authorization", `Basic ${base64(secret)}`]], query: "" };
  return /^[\x20-\x7e]+$/.test(secret) ? { headers: [[use.name, secret]], query: "" } : null;
}

function base64(text: string): string {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)));
}
