// Registry shards keep a chained log (migrations/objects/log.ts) and, beside it, what lists need.
// Both are append-only; the log is the evidence, these tables only find things in it.

import {
  LOG_APPROVALS,
  LOG_INDEXED,
  LOG_KILLS,
  LOG_LEASES,
  LOG_ONE_BEGINNING,
  LOG_PAYLOADS,
  LOG_SESSION_TIMES,
  LOG_SOCKET_APPROVALS,
  LOG_TABLES,
} from "./log.ts";

const REGISTRY_TABLES = `
  CREATE TABLE opened (
    sid        TEXT PRIMARY KEY,
    object     TEXT NOT NULL,
    connection TEXT NOT NULL,
    issuer     TEXT NOT NULL,
    subject    TEXT NOT NULL,
    time       INTEGER NOT NULL
  ) WITHOUT ROWID;
  CREATE INDEX opened_by_owner ON opened (issuer, subject, sid);
  CREATE TRIGGER opened_no_update BEFORE UPDATE ON opened BEGIN SELECT RAISE(ABORT, 'append-only'); END;
  CREATE TRIGGER opened_no_delete BEFORE DELETE ON opened BEGIN SELECT RAISE(ABORT, 'append-only'); END;
  CREATE TRIGGER opened_no_replace BEFORE INSERT ON opened
    WHEN EXISTS (SELECT 1 FROM opened WHERE sid = NEW.sid) BEGIN SELECT RAISE(ABORT, 'append-only'); END;

  CREATE TABLE closed (
    sid  TEXT PRIMARY KEY,
    time INTEGER NOT NULL,
    size INTEGER NOT NULL
  ) WITHOUT ROWID;
  CREATE TRIGGER closed_no_update BEFORE UPDATE ON closed BEGIN SELECT RAISE(ABORT, 'append-only'); END;
  CREATE TRIGGER closed_no_delete BEFORE DELETE ON closed BEGIN SELECT RAISE(ABORT, 'append-only'); END;
  CREATE TRIGGER closed_no_replace BEFORE INSERT ON closed
    WHEN EXISTS (SELECT 1 FROM closed WHERE sid = NEW.sid) BEGIN SELECT RAISE(ABORT, 'append-only'); END;
  `;

/** Why it was closed; null for one that was closed before this column was. */
const REGISTRY_REASONS = `
  ALTER TABLE closed ADD COLUMN reason TEXT;
  `;

/** For lists that are narrowed to a connection. */
const REGISTRY_BY_CONNECTION = `
  CREATE INDEX opened_by_connection ON opened (connection, sid);
  `;

/**
 * Approvals as lists find them, the newest state of each: the session objects are the authority, and their
 * logs the evidence. `change` counts the shard's changes. Rows of `notice_outbox` come with the change that
 * they tell of and go once they are sent.
 */
const REGISTRY_APPROVALS = `
  CREATE TABLE approval_entry (
    no         INTEGER PRIMARY KEY,
    id         TEXT NOT NULL UNIQUE,
    version    INTEGER NOT NULL,
    change     INTEGER NOT NULL UNIQUE,
    state      TEXT NOT NULL,
    review     TEXT,
    connection TEXT NOT NULL,
    issuer     TEXT NOT NULL,
    subject    TEXT NOT NULL,
    digest     TEXT NOT NULL,
    entry      TEXT NOT NULL
  );
  CREATE INDEX approval_entry_by_state ON approval_entry (state, id);
  CREATE INDEX approval_entry_by_review ON approval_entry (review, id) WHERE review IS NOT NULL;
  CREATE INDEX approval_entry_by_requester ON approval_entry (issuer, subject, id);
  CREATE INDEX approval_entry_by_connection ON approval_entry (connection, id);
  CREATE INDEX approval_entry_by_digest ON approval_entry (digest, id);

  CREATE TABLE approval_decider (
    issuer  TEXT NOT NULL,
    subject TEXT NOT NULL,
    id      TEXT NOT NULL,
    PRIMARY KEY (issuer, subject, id)
  ) WITHOUT ROWID;

  CREATE TABLE notice_outbox (
    no       INTEGER PRIMARY KEY,
    approval TEXT NOT NULL,
    target   TEXT NOT NULL,
    event    TEXT NOT NULL,
    tries    INTEGER NOT NULL,
    due      INTEGER NOT NULL
  );
  CREATE INDEX notice_outbox_due ON notice_outbox (due);
  `;

/**
 * With an id that stays the same however often one is sent, and with those that nobody took: `due` is null
 * from when they were given up. What waited in the table before had no sender.
 */
const REGISTRY_NOTICES = `
  DROP TABLE notice_outbox;
  CREATE TABLE notice_outbox (
    id       TEXT PRIMARY KEY,
    approval TEXT NOT NULL,
    target   TEXT NOT NULL,
    event    TEXT NOT NULL,
    time     INTEGER NOT NULL,
    tries    INTEGER NOT NULL,
    due      INTEGER,
    tried    INTEGER,
    failure  TEXT
  ) WITHOUT ROWID;
  CREATE INDEX notice_outbox_due ON notice_outbox (target, due) WHERE due IS NOT NULL;
  CREATE INDEX notice_outbox_dead ON notice_outbox (tried) WHERE due IS NULL;
  `;

/** In the order in which they were written, whichever table they are about: an object keeps each by its place. */
export const REGISTRY_MIGRATIONS: readonly string[] = [
  LOG_TABLES,
  REGISTRY_TABLES,
  LOG_ONE_BEGINNING,
  LOG_LEASES,
  LOG_KILLS,
  REGISTRY_REASONS,
  REGISTRY_BY_CONNECTION,
  LOG_INDEXED,
  LOG_PAYLOADS,
  REGISTRY_APPROVALS,
  LOG_APPROVALS,
  LOG_SESSION_TIMES,
  REGISTRY_NOTICES,
  LOG_SOCKET_APPROVALS,
];
