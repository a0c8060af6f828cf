-- What networks took for payouts, and how much of that the ledger has booked. Chains count finer than the ledger: what
-- is less than an atom is carried over to the next payout, so that the sum is exact.

-- NULL: the ledger is not to book it yet, or there is nothing to book.
ALTER TABLE payouts ADD COLUMN cost_atoms INTEGER;
ALTER TABLE payouts ADD COLUMN cost_booked INTEGER NOT NULL DEFAULT 0;

CREATE INDEX payouts_unbooked ON payouts (number) WHERE state IN (8, 11) AND cost_booked = 0;

-- Units of what was divided into atoms so far, and those atoms.
CREATE TABLE network_costs (
    chain TEXT    PRIMARY KEY,
    units TEXT    NOT NULL,
    atoms INTEGER NOT NULL
) STRICT;
