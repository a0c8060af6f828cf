-- Where accounts may withdraw to: their own allow-lists. An address that is taken off the list begins to wait anew
-- when it is put there again.
CREATE TABLE destinations (
    account INTEGER NOT NULL,
    asset   INTEGER NOT NULL,
    chain   TEXT    NOT NULL,
    address TEXT    NOT NULL,                 -- as the chain writes it
    label   TEXT    NOT NULL,
    added   INTEGER NOT NULL,                 -- microseconds since 1970; it may be used a while after
    PRIMARY KEY (account, asset, chain, address)
) STRICT, WITHOUT ROWID;
