-- Operators of role treasury approve withdrawals, each with a key of his own whose private half never comes here.

-- SQLite cannot change a CHECK: the table is made anew, with the same rows.
CREATE TABLE operators_anew (
    name       TEXT    PRIMARY KEY,
    uid        INTEGER NOT NULL CHECK (uid >= 0),
    role       TEXT    NOT NULL CHECK (role IN ('operations', 'auditor', 'treasury')),
    totp       BLOB,                          -- sealed; erased when the operator is removed
    last_step  INTEGER NOT NULL DEFAULT 0,    -- the newest 30-second step whose code was used
    wrong      INTEGER NOT NULL DEFAULT 0,    -- wrong codes since the last right one
    wait_until INTEGER NOT NULL DEFAULT 0,    -- no code is looked at before
    created    INTEGER NOT NULL,
    removed    INTEGER NOT NULL DEFAULT 0     -- 0: may attach
) STRICT;

INSERT INTO operators_anew
SELECT name, uid, role, totp, last_step, wrong, wait_until, created, removed FROM operators;

DROP TABLE operators;
ALTER TABLE operators_anew RENAME TO operators;

-- One living operator per uid: the kernel vouches for the uid, so it must name one person.
CREATE UNIQUE INDEX operators_by_uid ON operators (uid) WHERE removed = 0;

-- Ed25519 public keys, kept for good: an approval must stay checkable. A key is one operator's and never another's.
CREATE TABLE approver_keys (
    public_key BLOB    PRIMARY KEY CHECK (length(public_key) = 32),
    operator   TEXT    NOT NULL,
    created    INTEGER NOT NULL,
    revoked    INTEGER NOT NULL DEFAULT 0     -- 0: it approves
) STRICT;

CREATE UNIQUE INDEX approver_keys_living ON approver_keys (operator) WHERE revoked = 0;
