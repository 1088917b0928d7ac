// Taking back trust in tokens.

import * as v from "valibot";
import { controlOf } from "../control_client.ts";
import { changeText, json, maskedWords } from "./answers.ts";
import { type Route, route } from "./route.ts";
import { CommandIdText, Count, Issuer, line, Owner, Subject, Time } from "./schemas.ts";
import { numberedList } from "./numbered_list.ts";

/** Bytes of a JSON body. */
export const JSON_BODY_LIMIT: number = 16 * 1024;

export const Reason = line(512, "Why, for those who read it later");
const Revocation = v.union(
  [
    v.strictObject({ token: line(512, "A token's `jti`"), reason: Reason }),
    v.strictObject({
      issuer: Issuer,
      subject: Subject,
      before: v.optional(
        v.pipe(
          v.number("whole seconds since 1970"),
          v.integer("whole seconds since 1970"),
          v.minValue(0, "whole seconds since 1970"),
          v.description("Seconds since 1970: tokens issued before; now, if not given"),
        ),
      ),
      reason: Reason,
    }),
  ],
  "either token and reason, or issuer, subject, reason and perhaps before",
);

const revoke = route({
  id: "revoke",
  method: "POST",
  path: "/api/v1/revocations",
  who: ["admin"],
  summary: "Revoke tokens",
  description:
    "One token by its id, or a subject's tokens that were issued before a time. Counts within a second in all of the region.",
  body: {
    mediaType: "application/json",
    limit: JSON_BODY_LIMIT,
    schema: Revocation,
    description: "What is revoked, and why",
  },
  answers: {
    201: {
      description: "It is revoked",
      content: { "application/json": v.object({ revoked: v.literal(true), command: CommandIdText }) },
    },
  },
  prepare: async ({ body }) => {
    const change = changeText({ ...body, reason: maskedWords(body.reason) });
    return { ok: true, value: { fields: { change }, data: undefined } };
  },
  answer: async ({ body }, { exchange }) => {
    const { command, gateway } = exchange;
    const before = Math.floor(Date.now() / 1000) + 1;
    await controlOf(gateway.env).revoke({
      token: "token" in body ? body.token : null,
      subject: "token" in body ? null : { issuer: body.issuer, subject: body.subject, before: body.before ?? before },
      reason: maskedWords(body.reason),
      command,
    });
    gateway.control.forget();
    return json({ revoked: true, command }, 201);
  },
});

const RevocationItem = v.object({
  no: Count,
  time: Time,
  token: v.nullable(v.string()),
  subject: v.nullable(
    v.object({ ...Owner.entries, before: v.pipe(Count, v.description("Seconds since 1970: tokens issued before")) }),
  ),
  reason: v.string(),
  command: CommandIdText,
});

const listRevocations = numberedList({
  id: "revocations",
  summary: "List revocations",
  description: "Newest first.",
  what: "revocations",
  item: RevocationItem,
  ask: ({ env }, page) => controlOf(env).revocations(page),
  shown: ({ no, time, token, subject, reason, command }) => ({ no, time, token, subject, reason, command }),
});

export const REVOCATION_ROUTES: readonly Route[] = [listRevocations, revoke];
