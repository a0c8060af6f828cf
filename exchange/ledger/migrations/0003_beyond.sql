-- What the dialect has not: one's own events by number, one's own ledger, idempotency keys, dead man's switches.

-- Where an account's own events lie in the journal: one row per account and batch. `last` is the account's last event
-- number in the batch that begins with event `batch`. Filled in for older journals when the ledger is opened.
CREATE TABLE account_events (
    account INTEGER NOT NULL,
    last    INTEGER NOT NULL,
    batch   INTEGER NOT NULL,
    PRIMARY KEY (account, last)
) STRICT, WITHOUT ROWID;

-- An account's balances right after the batch that begins with event `batch`, now and then (every 64 events of its
-- own), so that the balance after any posting can be told without adding up all that came before.
CREATE TABLE balance_marks (
    account  INTEGER NOT NULL,
    last     INTEGER NOT NULL,
    batch    INTEGER NOT NULL,
    balances BLOB    NOT NULL,           -- MessagePack array of [balance key, amount], those that are not 0
    PRIMARY KEY (account, last)
) STRICT, WITHOUT ROWID;

-- Idempotency keys that live; see exchange/core/keys.py.
CREATE TABLE idempotency_keys (
    account INTEGER NOT NULL,
    key     TEXT    NOT NULL,
    seq     INTEGER NOT NULL,            -- the event that remembers it
    time    INTEGER NOT NULL,
    digest  BLOB    NOT NULL,            -- of all that was asked under it
    answer  BLOB    NOT NULL,            -- MessagePack, see exchange/core/keys.py
    PRIMARY KEY (account, key)
) STRICT, WITHOUT ROWID;

-- Open orders that are cancelled at a time, unless it is set anew.
CREATE TABLE countdowns (
    account INTEGER NOT NULL,
    market  INTEGER NOT NULL,
    due     INTEGER NOT NULL,
    PRIMARY KEY (account, market)
) STRICT, WITHOUT ROWID;

-- Connections whose end cancels their account's orders.
CREATE TABLE armed_sessions (
    account INTEGER NOT NULL,
    session TEXT    NOT NULL,
    since   INTEGER NOT NULL,
    markets TEXT    NOT NULL,            -- JSON array of markets; empty: all
    PRIMARY KEY (account, session)
) STRICT, WITHOUT ROWID;
