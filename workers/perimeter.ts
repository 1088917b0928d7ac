// Tells the perimeter of a call without a valid identity. Nobody waits for it.

import { exchangeRecord } from "../core/mask/mask_draft.ts";
import { parseTarget } from "../core/protocol/http/target.ts";
import { commit } from "../core/record/commit.ts";
import { placed } from "../durable/jurisdiction.ts";
import { PERIMETER_SHARDS } from "../durable/perimeter_log.ts";
import { fillRandom, sha256 } from "../durable/sha256.ts";
import type { Call } from "./http/exchange.ts";

export async function recordAtPerimeter(
  { request, gateway, command, address }: Call,
  reason: string,
  status: number,
): Promise<void> {
  const target = parseTarget(request.url, "/c/");
  const prefix = addressPrefix(address);
  const connection = target.ok ? target.value.connection : "none";
  const record = exchangeRecord(
    { kind: "command.denied", command, part: 0, classes: { protocol: "http", reason, status, count: 1 } },
    {
      target: {
        method: request.method,
        path: target.ok ? target.value.path : "",
        query: target.ok ? target.value.query : "",
      },
    },
    { client: JSON.stringify({ address }), connection, prefix },
  );
  const shard = (sha256(new TextEncoder().encode(prefix))[0] ?? 0) % PERIMETER_SHARDS;
  const shards = placed(gateway.env.PERIMETER, gateway.env);
  const perimeter = shards.get(shards.idFromName(`perimeter/${shard}`));
  try {
    await perimeter.denied({ reason, prefix, connection, record: commit(record, fillRandom, sha256) });
  } catch {
    // The 401 has left; a perimeter that cannot be reached must not become the caller's trouble.
  }
}

/** /24 of an IPv4 address, /48 of an IPv6 one: what one holder usually has. */
function addressPrefix(address: string | null): string {
  if (address === null) return "unknown";
  if (!address.includes(":")) return `${address.split(".").slice(0, 3).join(".")}.0/24`;
  return `${address.split(":").slice(0, 3).join(":")}::/48`;
}
