// Which addresses the gateway may call: never its own, which would loop and let callers reach its surfaces
// with its credentials, and in a region over https only.

import type { Config } from "./config.ts";

export type KnownHosts = Pick<Config, "hosts" | "hostForm" | "console" | "allowInsecureHttp">;

export type AddressProblem = "none" | "own" | "insecure";

/** Null if it may be called. */
export function addressProblem(
  address: string,
  { hosts, hostForm, console: own, allowInsecureHttp }: KnownHosts,
): AddressProblem | null {
  const url = URL.parse(address);
  if (url === null || !/^https?:$/.test(url.protocol) || url.username !== "" || url.password !== "") return "none";
  // A dot at the end of a name names the same host (RFC 1034 §3.1).
  const host = url.host.replace(/\.(?=:|$)/, "");
  const isConsole = own !== null && new URL(own.origin).host === host;
  if (hosts.has(host) || isConsole || (hostForm !== null && host.endsWith(hostForm.suffix))) return "own";
  return url.protocol !== "https:" && !allowInsecureHttp ? "insecure" : null;
}
