-- Transactions that the cold wallet signed, refills among them, as blocks tell of them: what the network took for each.
-- The house pays that like its own payouts' costs; it is booked once the transaction is deep enough.
CREATE TABLE cold_spendings (
    number      INTEGER PRIMARY KEY,
    chain       TEXT    NOT NULL,
    txid        TEXT    NOT NULL,
    height      INTEGER NOT NULL,             -- of its block; 0: that was orphaned
    cost        TEXT    NOT NULL,             -- what the network got, in the chain's own coin
    cost_atoms  INTEGER,                      -- as in payouts
    cost_booked INTEGER NOT NULL DEFAULT 0,
    UNIQUE (chain, txid)
) STRICT;

CREATE INDEX cold_spendings_unbooked ON cold_spendings (number) WHERE cost_booked = 0;
