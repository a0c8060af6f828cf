-- The ledger: an append-only, hash-chained journal, and beside it the current rows that follow from it.
-- Every commit writes one journal row and all rows that its events changed, in one transaction.
-- Units: prices in ticks, quantities in lots, amounts in atoms, times in microseconds since 1970 (UTC).

-- One row per commit. hash = SHA-256(hash of the row before, first_seq, last_seq, time, events).
CREATE TABLE journal (
    first_seq INTEGER PRIMARY KEY,
    last_seq  INTEGER NOT NULL,
    time      INTEGER NOT NULL,
    events    BLOB    NOT NULL,   -- MessagePack array of events, see exchange/core/events.py
    hash      BLOB    NOT NULL
) STRICT;

-- Double entry: one row per movement, so that an unbalanced entry cannot be written.
-- debit and credit are balance keys: account * 65536 + asset * 16 + bucket.
CREATE TABLE postings (
    id     INTEGER PRIMARY KEY,
    seq    INTEGER NOT NULL,      -- the event that caused it
    debit  INTEGER NOT NULL,
    credit INTEGER NOT NULL,
    amount INTEGER NOT NULL CHECK (amount > 0)
) STRICT;

CREATE TABLE balances (
    key    INTEGER PRIMARY KEY,
    amount INTEGER NOT NULL
) STRICT;

-- The same two for human eyes: bucket 0 available, 1 held, 2 receivable; accounts below 100 are the house's.
CREATE VIEW balance_sheet AS
SELECT key >> 16 AS account, (key >> 4) & 4095 AS asset, key & 15 AS bucket, amount FROM balances;

CREATE VIEW posting_sheet AS
SELECT id, seq, (debit >> 4) & 4095 AS asset,
       debit >> 16 AS debit_account, debit & 15 AS debit_bucket,
       credit >> 16 AS credit_account, credit & 15 AS credit_bucket, amount
FROM postings;

CREATE TABLE assets (
    id       INTEGER PRIMARY KEY,
    code     TEXT    NOT NULL UNIQUE,
    decimals INTEGER NOT NULL
) STRICT;

CREATE TABLE markets (
    id             INTEGER PRIMARY KEY,
    symbol         TEXT    NOT NULL UNIQUE,
    rules          TEXT    NOT NULL,     -- JSON, see exchange/core/market.py
    phase          INTEGER NOT NULL,
    last_price     INTEGER NOT NULL,
    next_trade     INTEGER NOT NULL,
    next_aggregate INTEGER NOT NULL
) STRICT;

CREATE TABLE tier_fees (
    market    INTEGER NOT NULL,
    tier      INTEGER NOT NULL,
    maker_fee INTEGER NOT NULL,          -- ppm
    taker_fee INTEGER NOT NULL,
    PRIMARY KEY (market, tier)
) STRICT, WITHOUT ROWID;

CREATE TABLE accounts (
    id      INTEGER PRIMARY KEY,
    name    TEXT    NOT NULL UNIQUE,
    tier    INTEGER NOT NULL,
    frozen  INTEGER NOT NULL,
    seq     INTEGER NOT NULL,            -- the account's own last event number
    created INTEGER NOT NULL
) STRICT;

CREATE TABLE credits (
    reference TEXT    PRIMARY KEY,
    seq       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE deposits (
    key     TEXT    PRIMARY KEY,
    account INTEGER NOT NULL,
    asset   INTEGER NOT NULL,
    amount  INTEGER NOT NULL,
    state   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE withdrawals (
    key     TEXT    PRIMARY KEY,
    account INTEGER NOT NULL,
    asset   INTEGER NOT NULL,
    amount  INTEGER NOT NULL,
    state   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE orders (
    id             INTEGER PRIMARY KEY,
    account        INTEGER NOT NULL,
    market         INTEGER NOT NULL,
    side           INTEGER NOT NULL,
    type           INTEGER NOT NULL,
    time_in_force  INTEGER NOT NULL,
    self_trade     INTEGER NOT NULL,
    status         INTEGER NOT NULL,
    price          INTEGER NOT NULL,
    stop_price     INTEGER NOT NULL,
    quantity       INTEGER NOT NULL,
    filled         INTEGER NOT NULL,
    filled_quote   INTEGER NOT NULL,
    quote_quantity INTEGER NOT NULL,
    hold           INTEGER NOT NULL,
    working        INTEGER NOT NULL,
    booked         INTEGER NOT NULL,
    created        INTEGER NOT NULL,
    updated        INTEGER NOT NULL,
    client_id      TEXT    NOT NULL
) STRICT;

CREATE INDEX orders_by_account ON orders (account, market);
CREATE INDEX orders_by_client ON orders (account, client_id);
-- What start-up reads.
CREATE INDEX orders_open ON orders (id) WHERE status <= 2;

CREATE TABLE trades (
    market      INTEGER NOT NULL,
    id          INTEGER NOT NULL,
    seq         INTEGER NOT NULL,
    time        INTEGER NOT NULL,
    price       INTEGER NOT NULL,
    quantity    INTEGER NOT NULL,
    notional    INTEGER NOT NULL,
    taker_side  INTEGER NOT NULL,
    maker_order INTEGER NOT NULL,
    taker_order INTEGER NOT NULL,
    maker       INTEGER NOT NULL,
    taker       INTEGER NOT NULL,
    maker_fee   INTEGER NOT NULL,
    taker_fee   INTEGER NOT NULL,
    aggregate   INTEGER NOT NULL,
    PRIMARY KEY (market, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX trades_by_maker ON trades (maker, market, id);
CREATE INDEX trades_by_taker ON trades (taker, market, id);
CREATE INDEX trades_by_aggregate ON trades (market, aggregate);

-- One row per market and minute with trades: what candles and tickers of any length are added up from.
CREATE TABLE bars (
    market             INTEGER NOT NULL,
    minute             INTEGER NOT NULL,     -- minutes since 1970
    open               INTEGER NOT NULL,
    high               INTEGER NOT NULL,
    low                INTEGER NOT NULL,
    close              INTEGER NOT NULL,
    quantity           INTEGER NOT NULL,
    notional           INTEGER NOT NULL,
    count              INTEGER NOT NULL,
    taker_buy_quantity INTEGER NOT NULL,
    taker_buy_notional INTEGER NOT NULL,
    first_trade        INTEGER NOT NULL,
    last_trade         INTEGER NOT NULL,
    PRIMARY KEY (market, minute)
) STRICT, WITHOUT ROWID;
