// D1 of a region: history for people who search. Never on a command's path; the objects are the
// authority. The triggers that make the tables append-only are in migrations/d1/.

import { integer, sqliteTable, text } from "drizzle-orm/sqlite-core";

/** The text of every policy that was in force in this region. */
export const policyVersion = sqliteTable("policy_version", {
  hash: text("hash").primaryKey(),
  text: text("text").notNull(),
  /** Milliseconds since 1970. */
  firstSeen: integer("first_seen").notNull(),
});

export const revocation = sqliteTable("revocation", {
  no: integer("no").primaryKey(),
  tokenId: text("token_id"),
  issuer: text("issuer"),
  subject: text("subject"),
  /** Seconds since 1970, as in tokens. */
  issuedBefore: integer("issued_before"),
  /** The command by which an admin asked for it. */
  command: text("command").notNull(),
  reason: text("reason").notNull(),
  time: integer("time").notNull(),
});

/** One row for each time an admin applied a policy. */
export const policyApplication = sqliteTable("policy_application", {
  no: integer("no").primaryKey(),
  hash: text("hash").notNull(),
  previous: text("previous"),
  /** Milliseconds since 1970. */
  time: integer("time").notNull(),
  /** The admin, and the command by which it was applied. */
  issuer: text("issuer").notNull(),
  subject: text("subject").notNull(),
  command: text("command").notNull(),
  comment: text("comment").notNull(),
});

/** Sessions that an admin, or their owner, ended. */
export const kill = sqliteTable("kill", {
  no: integer("no").primaryKey(),
  sid: text("sid").notNull(),
  object: text("object").notNull(),
  issuer: text("issuer").notNull(),
  subject: text("subject").notNull(),
  actors: text("actors").notNull(),
  connection: text("connection").notNull(),
  /** Seconds since 1970, as in tokens. */
  issuedBefore: integer("issued_before").notNull(),
  reason: text("reason").notNull(),
  command: text("command").notNull(),
  time: integer("time").notNull(),
});
