// D1 of a region: history for people who search. Never on a command's path; the objects are the
// authority. The triggers that make the tables append-only are in migrations/d1/.

import { integer, sqliteTable, text } from "drizzle-orm/sqlite-core";

/** Every policy that took decisions in this region. */
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
