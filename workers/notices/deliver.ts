// Sends one notice, once, and says what became of it. A receiver is a stranger: what it answers is not
// read beyond its status, and nothing of it is kept.

import { Webhook } from "standardwebhooks";
import type { Delivery, DeliveryFailure, Sending } from "../../durable/notice_rpc.ts";
import type { Config } from "../config.ts";
import { addressProblem } from "../own_hosts.ts";
import { VERSION } from "../version.ts";
import { chatText, noticeOf } from "./message.ts";

/** From the call to the head of its answer. */
const TIMEOUT_MS = 10_000;
/** What the specification gives a signing secret: 24 to 64 bytes. */
const SECRET_BYTES = { least: 24, most: 64 } as const;

/** Never rejects. */
export async function deliver(
  sending: Sending,
  config: Config,
  fetch: (request: Request) => Promise<Response>,
  now: number,
): Promise<Delivery> {
  const { format, url, secret } = sending.target;
  const value = secret === null ? null : config.notifySecret(secret);
  if (secret !== null && value === null) return failed("secret_missing");
  const address = url ?? value ?? "";
  // The policy was checked when it was applied; a secret that is an address, and the configuration, may have changed since.
  if (addressProblem(address, config) !== null) return failed("address_refused", true);
  const headers = new Headers({ "content-type": "application/json", "user-agent": `Sallyport/${VERSION}` });
  const notice = noticeOf(sending, config);
  let body = JSON.stringify({ text: chatText(notice) });
  if (format === "webhook") {
    const key = readSecret(value ?? "");
    if (key === null) return failed("secret_invalid");
    body = JSON.stringify(notice);
    const at = new Date(now);
    headers.set("webhook-id", sending.id);
    headers.set("webhook-timestamp", String(Math.floor(now / 1000)));
    headers.set("webhook-signature", key.sign(sending.id, at, body));
  }
  return send(new Request(address, { method: "POST", headers, body, redirect: "manual" }), fetch, now);
}

/** Null if it is no signing secret: `whsec_` and base64. */
function readSecret(text: string): Webhook | null {
  const base64 = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(text)?.[1];
  if (base64 === undefined) return null;
  try {
    const { length } = atob(base64);
    return length >= SECRET_BYTES.least && length <= SECRET_BYTES.most ? new Webhook(text) : null;
  } catch {
    return null;
  }
}

async function send(request: Request, fetch: (request: Request) => Promise<Response>, now: number): Promise<Delivery> {
  const late = AbortSignal.timeout(TIMEOUT_MS);
  let answer: Response;
  try {
    answer = await fetch(new Request(request, { signal: late }));
  } catch {
    return failed(late.aborted ? "timeout" : "unreachable");
  }
  // A body without end would cost us, and nobody reads it. Not awaited: a receiver must not hold us by it.
  void answer.body?.cancel().catch(() => undefined);
  if (answer.status >= 200 && answer.status < 300) return { ok: true };
  // 410: whoever was there does not want to hear of it any more (Standard Webhooks).
  return { ...failed(`status_${answer.status}`, answer.status === 410), retryAfterMs: retryAfterOf(answer, now) };
}

function failed(failure: DeliveryFailure, isFinal = false): Extract<Delivery, { ok: false }> {
  return { ok: false, failure, isFinal, retryAfterMs: null };
}

/** RFC 9110 §10.2.3: seconds, or a date. Null if it is neither. */
function retryAfterOf({ headers }: Response, now: number): number | null {
  const stated = headers.get("retry-after")?.trim() ?? "";
  if (/^\d{1,9}$/.test(stated)) return Number(stated) * 1000;
  const time = /^[A-Z][a-z]{2}, /.test(stated) ? Date.parse(stated) : NaN;
  return Number.isNaN(time) ? null : Math.max(0, time - now);
}
