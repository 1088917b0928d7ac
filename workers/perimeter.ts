// Tells the perimeter of a call without a valid identity. Nobody waits for it.

import { exchangeRecord } from "../core/mask/mask_draft.ts";
import { CONSOLE } from "../core/policy/policy.ts";
import { connectionAt } from "../core/protocol/http/host_form.ts";
import { parseHostTarget, parseTarget, rawTarget } from "../core/protocol/http/target.ts";
import { commit } from "../core/record/commit.ts";
import { placed } from "../durable/jurisdiction.ts";
import { PERIMETER_SHARDS } from "../durable/perimeter_log.ts";
import { fillRandom, sha256 } from "../durable/sha256.ts";
import type { Config } from "./config.ts";
import type { Call } from "./http/exchange.ts";
import { spellingOf } from "./http/path_form.ts";
import { originOf } from "./protected_resource.ts";

/** What the perimeter is told of a call. */
export interface Denied extends Pick<Call, "gateway" | "command" | "address"> {
  readonly request: { readonly method: string; readonly url: string };
}

export async function recordAtPerimeter(
  { request, gateway, command, address }: Denied,
  reason: string,
  status: number,
): Promise<void> {
  const { method, url } = request;
  const { connection, path, query } = askedOf(url, gateway.config);
  const prefix = addressPrefix(address);
  const record = exchangeRecord(
    { kind: "command.denied", command, part: 0, classes: { protocol: "http", reason, status, count: 1 } },
    { target: { method, path, query } },
    { client: JSON.stringify({ address }), connection, prefix },
  );
  const shard = (sha256(new TextEncoder().encode(prefix))[0] ?? 0) % PERIMETER_SHARDS;
  const shards = placed(gateway.env.PERIMETER, gateway.env);
  const perimeter = shards.get(shards.idFromName(`perimeter/${shard}`));
  try {
    await perimeter.denied({ reason, status, prefix, connection, record: commit(record, fillRandom, sha256) });
  } catch {
    // The 401 has left; a perimeter that cannot be reached must not become the caller's trouble.
  }
}

/** What is no connection's is recorded as it came. */
function askedOf(
  url: string,
  { hostForm, console: own }: Config,
): { readonly connection: string; readonly path: string; readonly query: string } {
  const origin = originOf(url);
  if (origin === own?.origin) return { connection: CONSOLE, ...rawTarget(url) };
  const at = hostForm === null ? null : connectionAt(origin.slice(origin.indexOf("//") + 2), hostForm);
  if (at !== null) {
    const target = parseHostTarget(url, at);
    return { connection: at, ...(target.ok ? target.value : rawTarget(url)) };
  }
  const spelling = spellingOf(url, origin.length);
  const target = spelling === null ? null : parseTarget(url, spelling.prefix);
  if (spelling === null || target?.ok !== true) return { connection: "none", ...rawTarget(url) };
  const { connection, path, query } = target.value;
  return { connection, path: spelling.below + path, query };
}

/** /24 of an IPv4 address, /48 of an IPv6 one: what one holder usually has. */
function addressPrefix(address: string | null): string {
  if (address === null) return "unknown";
  if (!address.includes(":")) return `${address.split(".").slice(0, 3).join(".")}.0/24`;
  return `${address.split(":").slice(0, 3).join(":")}::/48`;
}
