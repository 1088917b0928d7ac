// Which gateway, and as whom. A token comes from the environment or a file, never from an argument:
// those can be read by every process of the machine.

import { readFileSync } from "node:fs";
import { refuse, ok, type Result } from "../core/result.ts";
import type { Io } from "./io.ts";
import type { CliRefusal } from "./refusal.ts";

export interface Access {
  /** Without a slash at its end. */
  readonly gateway: string;
  readonly token: string;
}

export interface AccessOptions {
  readonly gateway?: string;
  readonly tokenFile?: string;
}

export async function accessOf(options: AccessOptions, { env }: Pick<Io, "env">): Promise<Result<Access, CliRefusal>> {
  const gateway = gatewayUrl(options.gateway ?? env.SALLYPORT_GATEWAY ?? "");
  if (!gateway.ok) return gateway;
  const token = tokenOf(options.tokenFile, env.SALLYPORT_TOKEN ?? "");
  return token.ok ? ok({ gateway: gateway.value, token: token.value }) : token;
}

export function gatewayUrl(text: string): Result<string, CliRefusal> {
  if (text === "")
    return refuse({ reason: "usage", what: "which gateway? Give --gateway URL, or set SALLYPORT_GATEWAY." });
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || (url.protocol !== "https:" && url.protocol !== "http:"))
    return refuse({ reason: "usage", what: "--gateway must be an http or https URL." });
  if (url.protocol === "http:" && !isLoopback(url)) {
    return refuse({
      reason: "usage",
      what: "--gateway is http: and not this machine, so the token would travel in the clear. Use https.",
    });
  }
  return ok(url.origin + url.pathname.replace(/\/+$/, ""));
}

export function isLoopback({ hostname }: URL): boolean {
  return ["127.0.0.1", "localhost", "[::1]"].includes(hostname);
}

function tokenOf(file: string | undefined, fromEnv: string): Result<string, CliRefusal> {
  let token = fromEnv;
  if (file !== undefined) {
    try {
      token = readFileSync(file, "utf8").trim();
    } catch {
      return refuse({ reason: "usage", what: "the token file cannot be read. Check --token-file." });
    }
  }
  if (token === "")
    return refuse({ reason: "refused", what: "not logged in. Set SALLYPORT_TOKEN, or give --token-file FILE." });
  // What a bearer token may consist of (RFC 6750 §2.1): anything else would end up in a header.
  return /^[A-Za-z0-9._~+/=-]+$/.test(token)
    ? ok(token)
    : refuse({
        reason: "usage",
        what: "the token has characters that no access token has. Is it a file with something else in it?",
      });
}
