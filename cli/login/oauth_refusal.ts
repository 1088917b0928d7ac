// What went wrong at the login provider, in a sentence. Tells the provider's own words apart from ours,
// made safe, and never anything that was sent.

import * as client from "openid-client";
import type { CliRefusal } from "../refusal.ts";
import { shown } from "../terminal.ts";

const KNOWN: Readonly<Record<string, string>> = {
  access_denied: "the login was declined.",
  expired_token: "nobody entered the code in time. Try again.",
  invalid_client: "the login provider does not know this client. Ask for its id, and give --client-id ID.",
  unauthorized_client:
    "the login provider does not let this client log in that way. Try another: --device, --no-browser.",
  invalid_target:
    "the login provider does not know this gateway (invalid_target). Try --no-resource, or ask its admin.",
  invalid_scope: "the login provider does not give the scope that was asked for. Give --scope.",
};

export function oauthRefusal(error: unknown, issuer: string): CliRefusal {
  if (error instanceof client.ResponseBodyError || error instanceof client.AuthorizationResponseError) {
    const { error: code, error_description: description } = error;
    const why = description === undefined ? shown(code, 60) : `${shown(code, 60)}: ${shown(description, 200)}`;
    const known = Object.hasOwn(KNOWN, code) ? KNOWN[code] : undefined;
    return { reason: "refused", what: known ?? `the login provider refuses (${why}).` };
  }
  if (error instanceof client.ClientError) {
    if (error.code === "OAUTH_TIMEOUT")
      return { reason: "unreachable", what: `${shown(issuer)} does not answer in time. Try again.` };
    // These messages are the library's own, and say nothing of what came.
    return {
      reason: "refused",
      what: `the login provider's answer cannot be trusted (${shown(error.message, 120)}). Nothing was kept of it.`,
    };
  }
  return { reason: "unreachable", what: `${shown(issuer)} cannot be reached or read. Is it running?` };
}

export function isInvalidGrant(error: unknown): boolean {
  return error instanceof client.ResponseBodyError && error.error === "invalid_grant";
}
