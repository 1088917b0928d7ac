// The search database of a region (binding SEARCH): one row a command, to find it by. No evidence and
// not append-only. The SQL in migrations/search is written by hand, because drizzle knows no table
// WITHOUT ROWID; test/durable/search.test.ts checks that both have the same columns and indexes.

import { isNotNull } from "drizzle-orm";
import { index, integer, sqliteTable, text } from "drizzle-orm/sqlite-core";

export const command = sqliteTable(
  "command",
  {
    id: text("id").primaryKey(),
    sid: text("sid").notNull(),
    seq: integer("seq").notNull(),
    time: integer("time").notNull(),
    issuer: text("issuer").notNull(),
    subject: text("subject").notNull(),
    actor: text("actor"),
    connection: text("connection").notNull(),
    protocol: text("protocol").notNull(),
    method: text("method").notNull(),
    path: text("path").notNull(),
    query: text("query"),
    rule: text("rule"),
    policy: text("policy"),
    effect: text("effect"),
    outcome: text("outcome").notNull(),
    reason: text("reason"),
    status: integer("status"),
    ms: integer("ms"),
    req_bytes: integer("req_bytes"),
    resp_bytes: integer("resp_bytes"),
    ended: integer("ended"),
    /** Place of the last record that the row tells of. */
    upto: integer("upto").notNull(),
  },
  (table) => [
    index("command_by_subject").on(table.subject, table.id),
    index("command_by_actor").on(table.actor, table.id).where(isNotNull(table.actor)),
    index("command_by_connection").on(table.connection, table.id),
    index("command_by_outcome").on(table.outcome, table.id),
  ],
);
