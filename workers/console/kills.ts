// Ending a session.

import * as v from "valibot";
import type { Actor } from "../../core/auth/principal.ts";
import { actorsText } from "../../core/auth/revocation.ts";
import type { StoredRecord } from "../../core/record/record.ts";
import { controlOf } from "../control_client.ts";
import { problem } from "../problem.ts";
import { changeText, json, maskedWords } from "./answers.ts";
import { JSON_BODY_LIMIT, Reason } from "./revocations.ts";
import { type Route, route } from "./route.ts";
import { CommandIdText, Sid } from "./schemas.ts";
import { findEntry, isOwn, sessionObject } from "./session_reader.ts";

const killSession = route({
  id: "session-kill",
  method: "POST",
  path: "/api/v1/sessions/{sid}/kill",
  who: "anyone",
  summary: "End a session",
  description:
    "An admin any, everybody their own. It takes no further command, what runs in it is cut within a second, and its caller's tokens from before no longer count on that connection: who logs in again begins a new session.",
  body: {
    mediaType: "application/json",
    limit: JSON_BODY_LIMIT,
    schema: v.strictObject({ reason: Reason }),
    description: "Why",
  },
  refusals: ["not_found", "role_needed"],
  answers: {
    202: {
      description: "It ends, or had ended by itself",
      content: {
        "application/json": v.object({
          sid: Sid,
          state: v.picklist(["killed", "closed"]),
          command: CommandIdText,
        }),
      },
    },
  },
  prepare: async ({ path, caller, exchange, body }) => {
    const { env } = exchange.gateway;
    const entry = await findEntry(env, path.get("sid") ?? "");
    const fields = { change: changeText({ reason: maskedWords(body.reason) }) };
    if (entry === null) return { ok: false, reason: "not_found", fields };
    if (!caller.roles.has("admin") && !isOwn(entry, caller))
      return { ok: false, reason: caller.roles.has("auditor") ? "role_needed" : "not_found", fields };
    const session = sessionObject(env, entry);
    const first = await session.read(entry.sid, 0, 1);
    const actors = actorsOf(first?.records[0] ?? null);
    // Announced to the registry and never begun, or not what a session begins with.
    if (actors === null) return { ok: false, reason: "not_found", fields };
    return { ok: true, value: { fields, data: { entry, session, actors } } };
  },
  answer: async ({ body }, { exchange }, _signal, { entry, session, actors }) => {
    const { sid, object, connection, owner } = entry;
    const { gateway, command } = exchange;
    const reason = maskedWords(body.reason);
    const summary = await session.describe(sid);
    if (summary?.closed !== null) return json({ sid, state: "closed", command }, 202);
    // The tokens first: a crash in between leaves a session that nobody can go on with, and not one that begins anew.
    const before = Math.floor(Date.now() / 1000) + 1;
    await controlOf(gateway.env).kill({
      sid,
      object,
      ...{ issuer: owner.issuer, subject: owner.subject, actors: actorsText(actors), connection },
      before,
      reason,
      command,
    });
    gateway.control.forget();
    const killed = await session.kill(sid, { command, reason });
    return killed.ok ? json({ sid, state: killed.state, command }, 202) : problem("trail_unavailable", null);
  },
});

/** Who acted for the session's principal, as its first record says. */
function actorsOf(record: StoredRecord | null): readonly Actor[] | null {
  if (record === null) return null;
  const fields = JSON.parse(record.disclosure) as readonly (readonly [string, string, string])[];
  const principal = fields.find(([name]) => name === "principal")?.[2];
  const parsed = v.safeParse(Opened, principal === undefined ? null : JSON.parse(principal));
  return parsed.success ? parsed.output.actors : null;
}

const Opened = v.object({ actors: v.array(v.object({ issuer: v.string(), subject: v.string() })) });

export const KILL_ROUTES: readonly Route[] = [killSession];
