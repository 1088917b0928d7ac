// Who am I, which policy was that, and: this token is no longer trusted.

import * as v from "valibot";
import { parseDigest } from "../../core/ids.ts";
import { findMembersProblem } from "../../core/protocol/json_members.ts";
import { controlOf } from "../control_client.ts";
import type { Cleared } from "../http/exchange.ts";
import { problem } from "../problem.ts";
import { json } from "./json.ts";

export function whoami({ caller }: Cleared): Response {
  const { principal, token } = caller.authenticated;
  return json({ principal, roles: [...caller.roles].sort(), expires: token.expires });
}

export async function readPolicy({ exchange }: Cleared, id: string): Promise<Response> {
  const hash = parseDigest(id);
  const { env, config } = exchange.gateway;
  if (hash === null) return problem("not_found", null);
  const text = hash === config.policy.hash ? config.policyText : await controlOf(env).policyText(hash);
  if (text === null) return problem("not_found", null);
  return new Response(text, {
    headers: { "content-type": "application/json", "cache-control": "private, max-age=31536000, immutable" },
  });
}

const Text = v.pipe(v.string(), v.minLength(1), v.maxLength(512));
const Revocation = v.union([
  v.strictObject({ token: Text, reason: Text }),
  v.strictObject({
    issuer: Text,
    subject: Text,
    before: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0))),
    reason: Text,
  }),
]);

/** Takes effect in every isolate of the region within a second. */
export async function revoke({ exchange }: Cleared): Promise<Response> {
  const { request, gateway, command } = exchange;
  const body = await readBody(request);
  if (body === undefined) return problem("request_invalid", null);
  const parsed = v.safeParse(Revocation, body);
  if (!parsed.success) return problem("request_invalid", null);
  const wanted = parsed.output;
  const before = Math.floor(Date.now() / 1000) + 1;
  await controlOf(gateway.env).revoke({
    token: "token" in wanted ? wanted.token : null,
    subject:
      "token" in wanted ? null : { issuer: wanted.issuer, subject: wanted.subject, before: wanted.before ?? before },
    reason: wanted.reason,
    command,
  });
  return json({ revoked: true, command }, 201);
}

const BODY_LIMIT: number = 16 * 1024;

/** Undefined if there is no JSON of at most 16 KiB with distinct members. */
async function readBody(request: Request): Promise<unknown> {
  try {
    const text = await boundedText(request);
    if (text === null) return undefined;
    const value: unknown = JSON.parse(text);
    return findMembersProblem(text) === null ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Reads no further than the limit: a body without a stated length could be endless. Throws on what is not UTF-8. */
async function boundedText({ body }: Request): Promise<string | null> {
  if (body === null) return null;
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  let size = 0;
  let text = "";
  for await (const chunk of body) {
    size += chunk.byteLength;
    if (size > BODY_LIMIT) return null;
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}
