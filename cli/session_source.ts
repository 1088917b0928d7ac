// Where a session's records come from: a file, standard input, or a gateway.

import { createReadStream, existsSync } from "node:fs";
import * as v from "valibot";
import { parseSessionId, type SessionId } from "../core/ids.ts";
import { ok, refuse, type Result } from "../core/result.ts";
import { type Access, accessOf, type AccessOptions } from "./access.ts";
import { call } from "./gateway_client.ts";
import type { Io } from "./io.ts";
import { listed } from "./pages.ts";
import type { CliRefusal } from "./refusal.ts";
import { shown } from "./terminal.ts";

export const NO_SESSION =
  "there is no such session, or it is not yours to read. `sallyport sessions` lists what you can read.";

export async function openSource(
  source: string,
  options: AccessOptions,
  io: Io,
): Promise<Result<AsyncIterable<Uint8Array>, CliRefusal>> {
  if (source === "-") return ok(io.stdin());
  const sid = parseSessionId(source);
  // A file wins over nothing else: an id and `latest` are looked up at the gateway, "./latest" names a file.
  if (sid === null && source !== "latest") {
    if (!existsSync(source))
      return refuse({ reason: "usage", what: `there is no file ${shown(source)}, and it is no session's id.` });
    return ok(createReadStream(source, { highWaterMark: 256 * 1024 }) as AsyncIterable<Uint8Array>);
  }
  const access = await accessOf(options, io);
  if (!access.ok) return access;
  const wanted = sid === null ? await latestSession(access.value) : ok(sid);
  if (!wanted.ok) return wanted;
  const got = await call(access.value, { path: `/api/v1/sessions/${wanted.value}/records`, missing: NO_SESSION });
  if (!got.ok) return got;
  return got.value.body === null
    ? refuse({ reason: "unreachable", what: "the gateway sent nothing. Try again." })
    : ok(got.value.body as AsyncIterable<Uint8Array>);
}

/** The newest session that is not the console's own: reading the trail is itself a session. */
export async function latestSession(access: Access): Promise<Result<SessionId, CliRefusal>> {
  const list = await listed(access, "/api/v1/sessions", {}, Session, 100);
  if (!list.ok) return list;
  const sessions = list.value.items;
  const found = sessions.find(({ connection }) => connection !== "console") ?? sessions[0];
  const sid = found === undefined ? null : parseSessionId(found.sid);
  return sid === null
    ? refuse({ reason: "unreachable", what: "there is no session yet that you can read. Make a call first." })
    : ok(sid);
}

export const Session = v.object({
  sid: v.string(),
  connection: v.string(),
  owner: v.object({ issuer: v.string(), subject: v.string() }),
  opened: v.number(),
  closed: v.nullable(v.number()),
  size: v.optional(v.nullable(v.number()), null),
  reason: v.optional(v.nullable(v.string()), null),
});
export type ListedSession = v.InferOutput<typeof Session>;
