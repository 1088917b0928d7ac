// Reads from a gateway as whoever the token says. The token comes from the environment or a file,
// never from an argument: those can be read by every process of the machine.

import { readFileSync } from "node:fs";
import { refuse, ok, type Result } from "../core/result.ts";

export interface Access {
  readonly gateway: string;
  readonly token: string;
}

/** `what` says what to do about it. */
export type CliRefusal = { readonly reason: "usage" | "unreachable"; readonly what: string };

export interface AccessOptions {
  readonly gateway?: string | undefined;
  readonly "token-file"?: string | undefined;
}

export function accessOf(
  options: AccessOptions,
  env: Readonly<Record<string, string | undefined>>,
): Result<Access, CliRefusal> {
  const gateway = options.gateway ?? env.SALLYPORT_GATEWAY;
  if (gateway === undefined || gateway === "")
    return refuse({ reason: "usage", what: "which gateway? Give --gateway URL, or set SALLYPORT_GATEWAY." });
  const url = URL.canParse(gateway) ? new URL(gateway) : null;
  if (url === null || (url.protocol !== "https:" && url.protocol !== "http:"))
    return refuse({ reason: "usage", what: "--gateway must be an http or https URL." });
  if (url.protocol === "http:" && !["127.0.0.1", "localhost", "[::1]"].includes(url.hostname)) {
    return refuse({
      reason: "usage",
      what: "--gateway is http: and not this machine, so the token would travel in the clear. Use https.",
    });
  }
  const file = options["token-file"];
  let token = env.SALLYPORT_TOKEN ?? "";
  if (file !== undefined) {
    try {
      token = readFileSync(file, "utf8").trim();
    } catch {
      return refuse({ reason: "usage", what: "the token file cannot be read. Check --token-file." });
    }
  }
  if (token === "")
    return refuse({ reason: "usage", what: "no token. Set SALLYPORT_TOKEN, or give --token-file FILE." });
  // What a bearer token may consist of (RFC 6750 §2.1): anything else would end up in a header.
  if (!/^[A-Za-z0-9._~+/=-]+$/.test(token))
    return refuse({
      reason: "usage",
      what: "the token has characters that no access token has. Is it a file with something else in it?",
    });
  return ok({ gateway: url.origin + url.pathname.replace(/\/+$/, ""), token });
}

export async function get(access: Access, path: string): Promise<Result<Response, CliRefusal>> {
  let response: Response;
  try {
    response = await fetch(access.gateway + path, {
      headers: { authorization: `Bearer ${access.token}`, "accept-encoding": "identity" },
      redirect: "manual",
    });
  } catch {
    return refuse({
      reason: "unreachable",
      what: `${access.gateway} cannot be reached. Is it running, and is --gateway right?`,
    });
  }
  if (response.ok) return ok(response);
  await response.body?.cancel();
  switch (response.status) {
    case 401:
      return refuse({
        reason: "unreachable",
        what: "the gateway does not accept the token: it has expired, or was made for something else. Get a new one.",
      });
    case 403:
      return refuse({
        reason: "unreachable",
        what: "this identity may not read that. Auditors read all sessions, everybody their own.",
      });
    case 404:
      return refuse({
        reason: "unreachable",
        what: "there is no such session, or it is not yours to read. `sallyport sessions` lists what you can read.",
      });
    case 421:
      return refuse({
        reason: "unreachable",
        what: "this host is not served there. Use the URL of the gateway's region.",
      });
    default:
      return refuse({
        reason: "unreachable",
        what: `the gateway answered ${response.status}. Try again; if it stays, ask its admin.`,
      });
  }
}

/** JSON of at most 1 MiB; null for anything else. */
export async function getJson(access: Access, path: string): Promise<Result<unknown, CliRefusal>> {
  const got = await get(access, path);
  if (!got.ok) return got;
  try {
    const text = await got.value.text();
    if (text.length <= 1024 * 1024) return ok(JSON.parse(text) as unknown);
  } catch {
    // Falls through: what came is no JSON, or broke off.
  }
  return refuse({ reason: "unreachable", what: "the answer is not what a gateway sends. Is --gateway right?" });
}
