-- What the session objects' records say of each command, to find it by. No evidence: rows are written
-- over, and all of it can be dropped and built again. migrations/search_schema.ts has the same shape.
CREATE TABLE command (
  id         TEXT PRIMARY KEY NOT NULL,
  sid        TEXT NOT NULL,
  seq        INTEGER NOT NULL,
  time       INTEGER NOT NULL,
  issuer     TEXT NOT NULL,
  subject    TEXT NOT NULL,
  actor      TEXT,
  connection TEXT NOT NULL,
  protocol   TEXT NOT NULL,
  method     TEXT NOT NULL,
  path       TEXT NOT NULL,
  query      TEXT,
  rule       TEXT,
  policy     TEXT,
  effect     TEXT,
  outcome    TEXT NOT NULL,
  reason     TEXT,
  status     INTEGER,
  ms         INTEGER,
  req_bytes  INTEGER,
  resp_bytes INTEGER,
  ended      INTEGER,
  upto       INTEGER NOT NULL
) WITHOUT ROWID;
--> statement-breakpoint
-- Ids are UUIDv7, so each list is newest first by the end of its index.
CREATE INDEX command_by_subject ON command (subject, id);
--> statement-breakpoint
CREATE INDEX command_by_actor ON command (actor, id) WHERE actor IS NOT NULL;
--> statement-breakpoint
CREATE INDEX command_by_connection ON command (connection, id);
--> statement-breakpoint
CREATE INDEX command_by_outcome ON command (outcome, id);
