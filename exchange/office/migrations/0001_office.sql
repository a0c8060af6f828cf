-- The office: API keys, operators, and the trail of what operators did.
-- Times are microseconds since 1970 (UTC). Sealed columns are envelopes of office/vault.py: without the master key
-- they are noise, and an envelope moved to another row does not open there.

-- One row per API key, living or revoked. The account's id is the ledger's.
CREATE TABLE api_keys (
    api_key    TEXT    PRIMARY KEY,
    account    INTEGER NOT NULL,
    kind       TEXT    NOT NULL CHECK (kind IN ('hmac', 'ed25519')),
    scopes     TEXT    NOT NULL,              -- words with a space between them
    label      TEXT    NOT NULL,
    secret     BLOB,                          -- hmac: sealed; erased when the key is revoked
    public_key BLOB CHECK (length(public_key) = 32),
    created    INTEGER NOT NULL,
    revoked    INTEGER NOT NULL DEFAULT 0,    -- 0: it lives
    CHECK ((kind = 'hmac') = (public_key IS NULL)),
    CHECK (revoked OR kind = 'ed25519' OR secret IS NOT NULL)
) STRICT;

CREATE INDEX api_keys_by_account ON api_keys (account);

-- One row per operator who ever was. A name is never used twice, so that the trail stays readable.
CREATE TABLE operators (
    name       TEXT    PRIMARY KEY,
    uid        INTEGER NOT NULL CHECK (uid >= 0),
    role       TEXT    NOT NULL CHECK (role IN ('operations', 'auditor')),
    totp       BLOB,                          -- sealed; erased when the operator is removed
    last_step  INTEGER NOT NULL DEFAULT 0,    -- the newest 30-second step whose code was used
    wrong      INTEGER NOT NULL DEFAULT 0,    -- wrong codes since the last right one
    wait_until INTEGER NOT NULL DEFAULT 0,    -- no code is looked at before
    created    INTEGER NOT NULL,
    removed    INTEGER NOT NULL DEFAULT 0     -- 0: may attach
) STRICT;

-- One living operator per uid: the kernel vouches for the uid, so it must name one person.
CREATE UNIQUE INDEX operators_by_uid ON operators (uid) WHERE removed = 0;

-- What operators did, or tried: one row before the act ('asked') and one after it, with the first one's number.
-- hash = SHA-256 over the hash of the row before and all other columns, see office/trail.py.
CREATE TABLE trail (
    seq      INTEGER PRIMARY KEY,             -- from 1, without gaps
    time     INTEGER NOT NULL,
    operator TEXT    NOT NULL,
    uid      INTEGER NOT NULL,
    act      INTEGER NOT NULL,                -- the number of its 'asked' row; 0 where this is one
    stage    TEXT    NOT NULL CHECK (stage IN ('asked', 'done', 'refused', 'failed')),
    method   TEXT    NOT NULL,
    detail   TEXT    NOT NULL,                -- JSON: parameters, or what came of it; never a secret
    hash     BLOB    NOT NULL CHECK (length(hash) = 32)
) STRICT;
