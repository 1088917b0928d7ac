// The host form: an origin for each connection, `<connection>--<region>.<tools-domain>`, for browsers and
// for tools that need root paths. One label, so that one certificate covers all of a domain.
//
// Invariant: a host is read in one spelling only, the one that a browser writes. Whatever else could be
// taken for it (capitals, a dot at the end, another port) is no host of ours.

import { type ConnectionName, parseConnectionName } from "../../ids.ts";

/** `https://*--eu.tools.example.com`, taken apart at the star. */
export interface HostForm {
  readonly scheme: "https" | "http";
  /** What follows a connection's name: `--eu.tools.example.com`, with the port if there is one. */
  readonly suffix: string;
}

/** A label has 63 octets (RFC 1035 §2.3.4): a connection's name has 32 of them, the dashes two. */
const LONGEST_REGION: number = 63 - 32 - 2;

/** Null if the text is no pattern for this region's hosts. */
export function parseHostForm(text: string, region: string): HostForm | null {
  const [, scheme = "", suffix = ""] = /^(https?):\/\/\*(--[a-z0-9-]+(?:\.[a-z0-9-]+)+(?::\d{1,5})?)$/.exec(text) ?? [];
  if ((scheme !== "https" && scheme !== "http") || region.length > LONGEST_REGION) return null;
  if (!suffix.startsWith(`--${region}.`)) return null;
  // Neither a port nor a name may be one that a browser would write otherwise.
  const sample = `${scheme}://a${suffix}`;
  return URL.canParse(sample) && new URL(sample).origin === sample ? { scheme, suffix } : null;
}

/** The connection that a host, with its port, is the origin of; null for any other host. */
export function connectionAt(host: string, { suffix }: HostForm): ConnectionName | null {
  return host.endsWith(suffix) ? parseConnectionName(host.slice(0, -suffix.length)) : null;
}

/** `https://registry--eu.tools.example.com` */
export function hostOrigin(connection: string, { scheme, suffix }: HostForm): string {
  return `${scheme}://${connection}${suffix}`;
}
