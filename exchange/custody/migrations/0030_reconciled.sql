-- Each comparison of an asset's chains with our books and with the ledger, at one block of each chain.
CREATE TABLE reconciled (
    number  INTEGER PRIMARY KEY,
    asset   INTEGER NOT NULL,
    chain   TEXT    NOT NULL,
    height  INTEGER NOT NULL,
    hash    TEXT    NOT NULL,
    node    TEXT    NOT NULL,                 -- what the node says we have, in the asset's finest unit
    own     TEXT    NOT NULL,                 -- what we must have by custody.db's books
    terms   TEXT    NOT NULL,                 -- JSON: every term by its name
    verdict TEXT    NOT NULL,                 -- '': all agrees; else what does not, with the numbers
    time    INTEGER NOT NULL
) STRICT;

CREATE INDEX reconciled_by_line ON reconciled (asset, chain, number);

-- What an address was ever paid, and what left the cold wallet.
CREATE INDEX incoming_by_address ON incoming (chain, to_key);
CREATE INDEX incoming_cold_spent ON incoming (chain, spent_by) WHERE purpose IN (5, 6);
