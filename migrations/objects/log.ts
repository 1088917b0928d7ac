// Tables of every object that keeps a chained log: sessions, registry shards, perimeter shards.
// Edited history is refused by the runner: add a new string, never change one.
//
// `INSERT OR REPLACE` fires no DELETE trigger, so each unique key has a BEFORE INSERT guard as well.

export const LOG_TABLES = `
  CREATE TABLE session (
    no     INTEGER PRIMARY KEY,
    sid    TEXT NOT NULL UNIQUE,
    opened INTEGER NOT NULL
  );
  CREATE TRIGGER session_no_update BEFORE UPDATE ON session BEGIN SELECT RAISE(ABORT, 'append-only'); END;
  CREATE TRIGGER session_no_delete BEFORE DELETE ON session BEGIN SELECT RAISE(ABORT, 'append-only'); END;
  CREATE TRIGGER session_no_replace BEFORE INSERT ON session
    WHEN EXISTS (SELECT 1 FROM session WHERE no = NEW.no) OR EXISTS (SELECT 1 FROM session WHERE sid = NEW.sid)
    BEGIN SELECT RAISE(ABORT, 'append-only'); END;

  -- id = session.no * 2^32 + seq: one key for order, range scans and uniqueness.
  CREATE TABLE record (
    id         INTEGER PRIMARY KEY,
    cmd        TEXT,
    kind       TEXT NOT NULL,
    part       INTEGER NOT NULL,
    leaf       TEXT NOT NULL,
    disclosure TEXT NOT NULL
  );
  CREATE UNIQUE INDEX record_once ON record (cmd, kind, part) WHERE cmd IS NOT NULL;
  CREATE TRIGGER record_no_update BEFORE UPDATE ON record BEGIN SELECT RAISE(ABORT, 'append-only'); END;
  CREATE TRIGGER record_no_delete BEFORE DELETE ON record BEGIN SELECT RAISE(ABORT, 'append-only'); END;
  CREATE TRIGGER record_no_replace BEFORE INSERT ON record
    WHEN EXISTS (SELECT 1 FROM record WHERE id = NEW.id)
      OR EXISTS (SELECT 1 FROM record WHERE cmd = NEW.cmd AND kind = NEW.kind AND part = NEW.part)
    BEGIN SELECT RAISE(ABORT, 'append-only'); END;

  -- Bookkeeping, not evidence: rows come and go.
  CREATE TABLE live_session (no INTEGER PRIMARY KEY);
  CREATE TABLE open_intent (cmd TEXT PRIMARY KEY, no INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE registry_outbox (sid TEXT PRIMARY KEY, entry TEXT NOT NULL) WITHOUT ROWID;
  `;

/** A command begins once: `command.requested` and `command.denied` exclude each other, and come before all else of it. */
export const LOG_ONE_BEGINNING = `
  CREATE TRIGGER record_one_beginning BEFORE INSERT ON record
    WHEN NEW.kind IN ('command.requested', 'command.denied') AND EXISTS (SELECT 1 FROM record WHERE cmd = NEW.cmd)
    BEGIN SELECT RAISE(ABORT, 'append-only'); END;
  `;

/** When an open command's lease ends at the earliest: see durable/session_log.ts. What is open already has a fresh one. */
export const LOG_LEASES = `
  ALTER TABLE open_intent ADD COLUMN lease INTEGER NOT NULL DEFAULT 0;
  UPDATE open_intent SET lease = unixepoch() * 1000;
  `;

/** Live sessions that an admin has ended, and by which command, until they are closed. Bookkeeping. */
export const LOG_KILLS = `
  CREATE TABLE killed (no INTEGER PRIMARY KEY, by TEXT NOT NULL);
  `;

/**
 * What the search database has of sessions, as a number of their first records; no row: nothing of a live
 * session, all of a closed one. Bookkeeping, see durable/command_index.ts.
 */
export const LOG_INDEXED = `
  CREATE TABLE indexed (no INTEGER PRIMARY KEY, size INTEGER NOT NULL);
  `;

/**
 * Bytes of payload too many for a field of their record, by that record's id. The record's field
 * `payload_digest` commits to them.
 */
export const LOG_PAYLOADS = `
  CREATE TABLE payload (id INTEGER PRIMARY KEY, bytes BLOB NOT NULL);
  CREATE TRIGGER payload_no_update BEFORE UPDATE ON payload BEGIN SELECT RAISE(ABORT, 'append-only'); END;
  CREATE TRIGGER payload_no_delete BEFORE DELETE ON payload BEGIN SELECT RAISE(ABORT, 'append-only'); END;
  CREATE TRIGGER payload_no_replace BEFORE INSERT ON payload
    WHEN EXISTS (SELECT 1 FROM payload WHERE id = NEW.id) BEGIN SELECT RAISE(ABORT, 'append-only'); END;
  CREATE TRIGGER payload_has_record BEFORE INSERT ON payload
    WHEN NOT EXISTS (SELECT 1 FROM record WHERE id = NEW.id) BEGIN SELECT RAISE(ABORT, 'no such record'); END;
  `;

/**
 * What people have to approve. `approval` has the newest state of each, of which the records tell how it
 * came about; `due` is when time changes it next, null once nothing can. `grant_use` has open commands
 * that run under a grant, `approval_outbox` what the registry has not been told of: news since the version
 * that it has. All of it bookkeeping.
 *
 * A command that asked for an approval begins with that, and goes on by an intent that names it.
 */
export const LOG_APPROVALS = `
  CREATE TABLE approval (
    id       TEXT PRIMARY KEY,
    no       INTEGER NOT NULL,
    version  INTEGER NOT NULL,
    changed  INTEGER NOT NULL,
    due      INTEGER,
    title    TEXT NOT NULL,
    notices  TEXT NOT NULL,
    approval TEXT NOT NULL
  );
  CREATE INDEX approval_due ON approval (due) WHERE due IS NOT NULL;
  CREATE TABLE grant_use (cmd TEXT PRIMARY KEY, approval TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE approval_outbox (id TEXT PRIMARY KEY, version INTEGER NOT NULL, news TEXT NOT NULL) WITHOUT ROWID;

  DROP TRIGGER record_one_beginning;
  CREATE TRIGGER record_one_beginning BEFORE INSERT ON record
    WHEN NEW.kind IN ('command.requested', 'command.denied', 'approval.requested') AND EXISTS (
      SELECT 1 FROM record WHERE cmd = NEW.cmd AND NOT (
        NEW.kind = 'command.requested' AND instr(NEW.leaf, '"approval":"' || NEW.cmd || '"') > 0
          AND kind IN ('approval.requested', 'stream.chunk', 'approval.decided', 'approval.expired')))
    BEGIN SELECT RAISE(ABORT, 'append-only'); END;
  `;

/** How long a session lasts, and is idle, at most, in milliseconds. Those that are there already had 8 hours and 15 minutes. */
export const LOG_SESSION_TIMES = `
  ALTER TABLE session ADD COLUMN max_ms INTEGER NOT NULL DEFAULT 28800000;
  ALTER TABLE session ADD COLUMN idle_ms INTEGER NOT NULL DEFAULT 900000;
  `;

/** Over which socket a message came that people have to approve: with the socket it is over. Null of everything else. */
export const LOG_SOCKET_APPROVALS = `
  ALTER TABLE approval ADD COLUMN socket TEXT;
  `;

/** Session and perimeter objects. What is added here is added at the end of REGISTRY_MIGRATIONS, too. */
export const LOG_MIGRATIONS: readonly string[] = [
  LOG_TABLES,
  LOG_ONE_BEGINNING,
  LOG_LEASES,
  LOG_KILLS,
  LOG_INDEXED,
  LOG_PAYLOADS,
  LOG_APPROVALS,
  LOG_SESSION_TIMES,
  LOG_SOCKET_APPROVALS,
];
