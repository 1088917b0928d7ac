// The OpenID provider of a gateway: which one it is, by the gateway's own word (RFC 9728), and what it
// can do. Everything that is fetched from either is bounded, and travels encrypted or inside this machine.

import * as client from "openid-client";
import * as v from "valibot";
import { ok, refuse, type Result } from "../../core/result.ts";
import { isLoopback } from "../access_url.ts";
import { boundedText } from "../bounded_text.ts";
import type { CliRefusal } from "../refusal.ts";
import { shown } from "../terminal.ts";
import { oauthRefusal } from "./oauth_refusal.ts";

/** Metadata, key sets and token answers are a few KiB. */
const LIMIT = 512 * 1024;
const SECONDS = 30;

const Metadata = v.object({
  resource: v.string(),
  authorization_servers: v.pipe(v.array(v.string()), v.minLength(1), v.maxLength(20)),
});

/** The issuers whose tokens the gateway takes, in its order. */
export async function issuersOf(gateway: string): Promise<Result<readonly string[], CliRefusal>> {
  const { origin, pathname } = new URL(gateway);
  const url = `${origin}/.well-known/oauth-protected-resource${pathname === "/" ? "" : pathname}`;
  let text: string | null;
  try {
    const response = await fetch(url, { redirect: "manual", signal: AbortSignal.timeout(SECONDS * 1000) });
    text = response.status === 200 ? await boundedText(response, LIMIT) : null;
  } catch {
    return refuse({
      reason: "unreachable",
      what: `${gateway} cannot be reached. Is it running, and is its URL right?`,
    });
  }
  const parsed = v.safeParse(Metadata, jsonOrNull(text));
  if (!parsed.success)
    return refuse({
      reason: "unreachable",
      what: `${gateway} does not say where to log in. Is it a Sallyport gateway?`,
    });
  // RFC 9728 §3.3: what speaks for another resource is not to be used.
  if (parsed.output.resource !== gateway)
    return refuse({
      reason: "unreachable",
      what: `the gateway calls itself ${shown(parsed.output.resource)}. Use that URL, if you trust it.`,
    });
  return ok(parsed.output.authorization_servers);
}

function jsonOrNull(text: string | null): unknown {
  try {
    return text === null ? null : (JSON.parse(text) as unknown);
  } catch {
    return null;
  }
}

/** Discovery (OpenID Connect Discovery 1.0), with the issuer held against what it says of itself. */
export async function discover(issuer: string, clientId: string): Promise<Result<client.Configuration, CliRefusal>> {
  const url = URL.canParse(issuer) ? new URL(issuer) : null;
  const isInside = url !== null && url.protocol === "http:" && isLoopback(url);
  if (url === null || (url.protocol !== "https:" && !isInside))
    return refuse({
      reason: "refused",
      what: `the login provider ${shown(issuer)} is neither https nor on this machine. Nothing was sent to it.`,
    });
  try {
    const config = await client.discovery(url, clientId, { token_endpoint_auth_method: "none" }, client.None(), {
      [client.customFetch]: guardedFetch(isInside),
      timeout: SECONDS,
      execute: [client.enableNonRepudiationChecks, ...(isInside ? [client.allowInsecureRequests] : [])],
    });
    if (config.serverMetadata().issuer !== issuer)
      return refuse({
        reason: "refused",
        what: "the login provider calls itself by another name. Nothing was sent to it.",
      });
    return ok(config);
  } catch (error) {
    return refuse(oauthRefusal(error, issuer));
  }
}

/** http only where the issuer itself is inside this machine, and only inside this machine. */
function guardedFetch(isInside: boolean): client.CustomFetch {
  return async (target, options) => {
    const url = new URL(target);
    if (url.protocol !== "https:" && !(isInside && url.protocol === "http:" && isLoopback(url)))
      throw new TypeError("an endpoint that is not encrypted");
    const response = await fetch(url.href, options as RequestInit);
    const text = await boundedText(response, LIMIT);
    if (text === null) throw new TypeError("an answer that is too long or broke off");
    const isBare = [204, 205, 304].includes(response.status);
    return new Response(isBare ? null : text, { status: response.status, headers: response.headers });
  };
}

/** Where a person may be sent: https, or http inside this machine; normalised, so that nothing in it moves a terminal. */
export function pageUrl(text: string): string | null {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || url.username !== "" || url.password !== "" || url.href.length > 4000) return null;
  return url.protocol === "https:" || (url.protocol === "http:" && isLoopback(url)) ? url.href : null;
}
