// Puts a policy in force as an admin would: through the gateway's API, recorded like any other command.

import { createHash } from "node:crypto";
import { request } from "node:http";
import { text as textOf } from "node:stream/consumers";

export interface Admin {
  /** `http://127.0.0.1:<port>`, without a slash at the end. */
  readonly gateway: string;
  readonly token: string;
  /** The host that the gateway answers to, where its address is another: `fetch` cannot say it. */
  readonly host?: string;
}

interface Answer {
  readonly status: number;
  readonly tag: string | null;
  readonly text: string;
}

/** Does nothing if the text is in force already. Throws with what the gateway says if it is refused. */
export async function applyPolicy(admin: Admin, text: string): Promise<void> {
  const inForce = await call(admin, "GET", {}, null);
  if (inForce.status !== 200 || inForce.tag === null)
    throw new Error(`the policy in force cannot be read: ${inForce.status} ${inForce.text}`);
  if (inForce.tag === `"${createHash("sha256").update(text).digest("hex")}"`) return;
  const applied = await call(admin, "PUT", { "content-type": "application/yaml", "if-match": inForce.tag }, text);
  if (applied.status !== 200) throw new Error(`the policy is not applied: ${applied.status} ${applied.text}`);
}

function call(
  { gateway, token, host }: Admin,
  method: string,
  more: Readonly<Record<string, string>>,
  body: string | null,
): Promise<Answer> {
  const headers = { authorization: `Bearer ${token}`, ...(host === undefined ? {} : { host }), ...more };
  return new Promise((resolve, reject) => {
    const sent = request(`${gateway}/api/v1/policy`, { method, headers }, (answer) => {
      const tag = answer.headers.etag ?? null;
      textOf(answer).then((text) => resolve({ status: answer.statusCode ?? 0, tag, text }), reject);
    });
    sent.on("error", reject);
    sent.end(body ?? undefined);
  });
}
