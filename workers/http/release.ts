// What the caller gets of an answer's head: the headers that are released, without what is the
// upstream's own or the gateway's secret.

import type { Header } from "../../core/mask/mask_headers.ts";
import { responseHeaders } from "../../core/protocol/http/response_headers.ts";
import type { Cleared } from "./exchange.ts";
import type { Forwarded } from "./forward.ts";

export function release(
  { callerMask }: Forwarded,
  response: Response,
  headers: readonly Header[],
  body: Uint8Array | ReadableStream | null,
): Response {
  const released = new Headers();
  for (const [name, value] of headers) released.append(name, value);
  return new Response(body, {
    status: response.status,
    // Free text of the upstream's, which nobody masks.
    ...(callerMask === null ? { statusText: response.statusText } : {}),
    headers: released,
    encodeBody: "manual",
  });
}

export function releasedHeaders({ asked }: Cleared, response: Response): Header[] {
  const { answerer } = asked;
  if (answerer === null || answerer.kind === "local") return [...response.headers];
  const headers = responseHeaders(response.headers, answerer);
  const { secretQuery } = answerer;
  // A redirect often repeats the query it was asked with, and with it the upstream's credential.
  return secretQuery === "" ? headers : headers.map(([name, value]) => [name, withoutSecret(value, secretQuery)]);
}

/** The pair is taken out, so that a redirect leads where it would have without it. */
function withoutSecret(value: string, pair: string): string {
  if (!value.includes(pair)) return value;
  return value
    .replaceAll(`?${pair}&`, "?")
    .replaceAll(`?${pair}`, "")
    .replaceAll(`&${pair}`, "")
    .replaceAll(pair, "[masked:query]");
}
