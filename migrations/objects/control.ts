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
  `
  -- One row for each time an admin applied a policy; the last one is in force.
  CREATE TABLE policy_application (
    no       INTEGER PRIMARY KEY,
    hash     TEXT NOT NULL,
    previous TEXT,
    time     INTEGER NOT NULL,
    issuer   TEXT NOT NULL,
    subject  TEXT NOT NULL,
    command  TEXT NOT NULL UNIQUE,
    comment  TEXT NOT NULL
  );
  CREATE TRIGGER policy_application_no_update BEFORE UPDATE ON policy_application
    BEGIN SELECT RAISE(ABORT, 'append-only'); END;
  CREATE TRIGGER policy_application_no_delete BEFORE DELETE ON policy_application
    BEGIN SELECT RAISE(ABORT, 'append-only'); END;
  CREATE TRIGGER policy_application_no_replace BEFORE INSERT ON policy_application
    WHEN EXISTS (SELECT 1 FROM policy_application WHERE no = NEW.no)
      OR EXISTS (SELECT 1 FROM policy_application WHERE command = NEW.command)
    BEGIN SELECT RAISE(ABORT, 'append-only'); END;

  CREATE TABLE kill (
    no            INTEGER PRIMARY KEY,
    sid           TEXT NOT NULL,
    object        TEXT NOT NULL,
    issuer        TEXT NOT NULL,
    subject       TEXT NOT NULL,
    actors        TEXT NOT NULL,
    connection    TEXT NOT NULL,
    issued_before INTEGER NOT NULL,
    reason        TEXT NOT NULL,
    command       TEXT NOT NULL UNIQUE,
    time          INTEGER NOT NULL
  );
  CREATE TRIGGER kill_no_update BEFORE UPDATE ON kill BEGIN SELECT RAISE(ABORT, 'append-only'); END;
  CREATE TRIGGER kill_no_delete BEFORE DELETE ON kill BEGIN SELECT RAISE(ABORT, 'append-only'); END;
  CREATE TRIGGER kill_no_replace BEFORE INSERT ON kill
    WHEN EXISTS (SELECT 1 FROM kill WHERE no = NEW.no)
      OR EXISTS (SELECT 1 FROM kill WHERE command = NEW.command)
    BEGIN SELECT RAISE(ABORT, 'append-only'); END;
  `,
  `
  -- Bookkeeping: what may be used once, and was; forgotten when it could not be used any more anyway.
  CREATE TABLE used_once (id TEXT PRIMARY KEY, until INTEGER NOT NULL) WITHOUT ROWID;
  CREATE INDEX used_once_until ON used_once (until);
  `,
  `
  -- What people sign decisions with. A row stays when its passkey is removed: decisions were signed by it.
  CREATE TABLE passkey (
    no         INTEGER PRIMARY KEY,
    credential TEXT NOT NULL UNIQUE,
    issuer     TEXT NOT NULL,
    subject    TEXT NOT NULL,
    public_key TEXT NOT NULL,
    counter    INTEGER NOT NULL,
    transports TEXT NOT NULL,
    name       TEXT NOT NULL,
    created    INTEGER NOT NULL,
    command    TEXT NOT NULL UNIQUE,
    removed    INTEGER,
    removed_by TEXT
  );
  CREATE INDEX passkey_person ON passkey (issuer, subject);
  CREATE TRIGGER passkey_update BEFORE UPDATE ON passkey
    WHEN OLD.removed IS NOT NULL OR NEW.counter < OLD.counter
      OR NEW.no <> OLD.no OR NEW.credential <> OLD.credential OR NEW.issuer <> OLD.issuer
      OR NEW.subject <> OLD.subject OR NEW.public_key <> OLD.public_key OR NEW.transports <> OLD.transports
      OR NEW.name <> OLD.name OR NEW.created <> OLD.created OR NEW.command <> OLD.command
    BEGIN SELECT RAISE(ABORT, 'append-only'); END;
  CREATE TRIGGER passkey_no_delete BEFORE DELETE ON passkey BEGIN SELECT RAISE(ABORT, 'append-only'); END;
  CREATE TRIGGER passkey_no_replace BEFORE INSERT ON passkey
    WHEN EXISTS (SELECT 1 FROM passkey WHERE no = NEW.no)
      OR EXISTS (SELECT 1 FROM passkey WHERE credential = NEW.credential)
      OR EXISTS (SELECT 1 FROM passkey WHERE command = NEW.command)
    BEGIN SELECT RAISE(ABORT, 'append-only'); END;
  `,
];
