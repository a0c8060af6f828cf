-- Acts that one operator asked for and a second one must confirm. Kept for good; what was asked is never changed.
CREATE TABLE pending_acts (
    number   INTEGER PRIMARY KEY,
    method   TEXT    NOT NULL,                -- the wire's name of the act
    params   TEXT    NOT NULL,                -- JSON, as it was asked
    operator TEXT    NOT NULL,                -- who asked
    uid      INTEGER NOT NULL,
    asked    INTEGER NOT NULL,
    state    TEXT    NOT NULL DEFAULT 'waiting'
             CHECK (state IN ('waiting', 'begun', 'done', 'refused', 'failed', 'withdrawn')),
    second   TEXT    NOT NULL DEFAULT '',     -- who confirmed or withdrew it
    settled  INTEGER NOT NULL DEFAULT 0,
    outcome  TEXT    NOT NULL DEFAULT ''      -- why it was refused
) STRICT;

CREATE INDEX pending_acts_waiting ON pending_acts (number) WHERE state = 'waiting';
