// What of this command an approval of it is bound to, keyed.

import { type BodyFacts, httpText, keyedDigest, targetText } from "../../../core/approval/digest.ts";
import type { Digest } from "../../../core/ids.ts";
import type { Asked, Exchange } from "../exchange.ts";

export interface CommandDigests {
  readonly command: Digest;
  readonly target: Digest;
}

/** `sent` of what is asked is what will be forwarded. */
export function digestsOf(
  { gateway, request }: Exchange,
  { connection, method, sent }: Asked,
  content: BodyFacts,
): CommandDigests {
  const { path, query } = sent.target;
  const target = query === "" ? path : `${path}?${query}`;
  const command = { connection, method, target, headers: sent.headers, body: request.body === null ? null : content };
  const mac = gateway.pseudonyms.approvals(connection);
  return { command: keyedDigest(httpText(command), mac), target: keyedDigest(targetText(command), mac) };
}
