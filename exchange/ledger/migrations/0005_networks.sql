-- The ways in and out: over which networks assets travel, what tiers may withdraw, what is shut; see
-- exchange/core/networks.py.

-- Of `amount` the house keeps `fee`, the rest leaves over `network`; what was asked for before there were networks has
-- '', 0 and 0.
ALTER TABLE withdrawals ADD COLUMN network TEXT NOT NULL DEFAULT '';
ALTER TABLE withdrawals ADD COLUMN fee INTEGER NOT NULL DEFAULT 0;
ALTER TABLE withdrawals ADD COLUMN requested INTEGER NOT NULL DEFAULT 0;
-- What is still underway.
CREATE INDEX withdrawals_open ON withdrawals (state, requested) WHERE state < 8;
CREATE INDEX withdrawals_by_account ON withdrawals (account, requested);

CREATE TABLE networks (
    asset INTEGER NOT NULL,
    name  TEXT    NOT NULL,
    terms TEXT    NOT NULL,       -- JSON
    PRIMARY KEY (asset, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE tier_limits (
    tier  INTEGER NOT NULL,
    asset INTEGER NOT NULL,
    day   INTEGER NOT NULL,       -- atoms in any 24 hours
    month INTEGER NOT NULL,       -- and in any 30 days
    PRIMARY KEY (tier, asset)
) STRICT, WITHOUT ROWID;

-- Assets (0: all) whose payouts are shut, and why.
CREATE TABLE payouts_shut (
    asset  INTEGER PRIMARY KEY,
    reason TEXT    NOT NULL
) STRICT;

-- What the house paid to networks, out of its fees.
CREATE TABLE network_costs (
    key    TEXT    PRIMARY KEY,
    asset  INTEGER NOT NULL,
    amount INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Each time that the ledger went on from a restored copy; seq is the event. The first epoch is 1 and has no row.
CREATE TABLE epochs (
    number INTEGER PRIMARY KEY,
    seq    INTEGER NOT NULL,
    reason TEXT    NOT NULL
) STRICT;
