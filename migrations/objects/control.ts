// The control object's own tables: the authority. D1 keeps a copy as history.

export const CONTROL_MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE policy (
    hash       TEXT PRIMARY KEY,
    text       TEXT NOT NULL,
    first_seen INTEGER NOT NULL
  ) WITHOUT ROWID;
  CREATE TRIGGER policy_no_update BEFORE UPDATE ON policy BEGIN SELECT RAISE(ABORT, 'append-only'); END;
  CREATE TRIGGER policy_no_delete BEFORE DELETE ON policy BEGIN SELECT RAISE(ABORT, 'append-only'); END;
  CREATE TRIGGER policy_no_replace BEFORE INSERT ON policy
    WHEN EXISTS (SELECT 1 FROM policy WHERE hash = NEW.hash) BEGIN SELECT RAISE(ABORT, 'append-only'); END;

  -- Either token_id, or issuer with subject and issued_before.
  CREATE TABLE revocation (
    no            INTEGER PRIMARY KEY,
    token_id      TEXT,
    issuer        TEXT,
    subject       TEXT,
    issued_before INTEGER,
    command       TEXT NOT NULL,
    reason        TEXT NOT NULL,
    time          INTEGER NOT NULL
  );
  CREATE TRIGGER revocation_no_update BEFORE UPDATE ON revocation BEGIN SELECT RAISE(ABORT, 'append-only'); END;
  CREATE TRIGGER revocation_no_delete BEFORE DELETE ON revocation BEGIN SELECT RAISE(ABORT, 'append-only'); END;
  CREATE TRIGGER revocation_no_replace BEFORE INSERT ON revocation
    WHEN EXISTS (SELECT 1 FROM revocation WHERE no = NEW.no) BEGIN SELECT RAISE(ABORT, 'append-only'); END;

  -- Bookkeeping: what D1 has not taken yet.
  CREATE TABLE history_outbox (no INTEGER PRIMARY KEY, kind TEXT NOT NULL, key TEXT NOT NULL);
  `,
];
