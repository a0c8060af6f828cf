-- What the chains say of our addresses, and how far each was read.
-- Amounts of chains are decimal TEXT in the chain's smallest unit: wei do not fit 63 bits. Ledger amounts are atoms.
-- Hashes and transaction ids are as the chain's own tools print them. Times are microseconds since 1970 (UTC).

-- How far each chain was read. The height moves only in the transaction that has the block's rows.
CREATE TABLE chains (
    name     TEXT    PRIMARY KEY,
    identity TEXT    NOT NULL,                -- genesis hash or chain id: another one is another chain
    first    INTEGER NOT NULL,                -- the first block that was read
    height   INTEGER NOT NULL,                -- the newest block that was read; first - 1 before any
    hash     TEXT    NOT NULL,
    stopped  TEXT    NOT NULL DEFAULT ''      -- why it was stopped, for good until an operator has looked; '': it goes
) STRICT;

-- Account-level public keys. `derived` counts the addresses made of each so far; it never falls.
CREATE TABLE wallets (
    chain   TEXT    NOT NULL,
    purpose INTEGER NOT NULL,                 -- port.Purpose
    xpub    TEXT    NOT NULL,                 -- or one plain address, for what is not on this machine
    derived INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (chain, purpose)
) STRICT;

-- Every address of ours. Those of a deposit wallet are made ahead of need; one is given to one person, for good.
CREATE TABLE addresses (
    chain   TEXT    NOT NULL,
    key     TEXT    NOT NULL,                 -- Chain.key_of(address)
    address TEXT    NOT NULL,
    purpose INTEGER NOT NULL,
    place   INTEGER NOT NULL,                 -- its number in its wallet
    account INTEGER,                          -- whose; NULL: nobody's yet, or the house's
    asset   INTEGER,                          -- for which asset it was asked
    given   INTEGER NOT NULL DEFAULT 0,       -- when; 0: still in the pool
    PRIMARY KEY (chain, key),
    UNIQUE (chain, purpose, place)
) STRICT;

CREATE UNIQUE INDEX addresses_by_owner ON addresses (chain, account, asset) WHERE account IS NOT NULL;
CREATE INDEX addresses_in_pool ON addresses (chain, purpose, place) WHERE given = 0;

-- The best chain as it was read, as far back as a reorg may go.
CREATE TABLE blocks (
    chain  TEXT    NOT NULL,
    height INTEGER NOT NULL,
    hash   TEXT    NOT NULL,
    parent TEXT    NOT NULL,
    time   INTEGER NOT NULL,                  -- seconds, as its miner gave it
    PRIMARY KEY (chain, height)
) STRICT;

-- Every payment to an address of ours, dust and unlisted tokens too. Of Bitcoin's family these are also the coins.
CREATE TABLE incoming (
    chain      TEXT    NOT NULL,
    key        TEXT    NOT NULL,              -- port.Incoming.key: its name for good
    txid       TEXT    NOT NULL,
    to_key     TEXT    NOT NULL,              -- addresses.key
    purpose    INTEGER NOT NULL,
    place      INTEGER NOT NULL,
    account    INTEGER,
    contract   TEXT    NOT NULL,
    amount     TEXT    NOT NULL,
    coinbase   INTEGER NOT NULL,
    sender     TEXT    NOT NULL,
    state      INTEGER NOT NULL,              -- core.transfers.DepositState
    why        TEXT    NOT NULL DEFAULT '',   -- why it is held
    height     INTEGER NOT NULL,              -- of its block; 0: it waits to be mined, or was orphaned
    block      TEXT    NOT NULL DEFAULT '',
    due        INTEGER NOT NULL DEFAULT 0,    -- the height at which it is credited
    finality   INTEGER NOT NULL DEFAULT 0,    -- 1: its block must also be final by the chain's own word
    asset      INTEGER,                       -- what the ledger calls it; NULL: nothing that is listed
    atoms      INTEGER NOT NULL DEFAULT 0,    -- what the ledger gets
    dust       TEXT    NOT NULL DEFAULT '0',  -- what was rounded away, in the chain's unit
    seen       INTEGER NOT NULL,              -- when we first knew of it
    changed    INTEGER NOT NULL,
    spent_by   TEXT    NOT NULL DEFAULT '',   -- the mined transaction that spends it
    spent_at   INTEGER NOT NULL DEFAULT 0,    -- that one's height
    claimed_by TEXT    NOT NULL DEFAULT '',   -- the draft that means to spend it
    PRIMARY KEY (chain, key)
) STRICT;

CREATE INDEX incoming_due ON incoming (chain, due) WHERE state = 2;
CREATE INDEX incoming_unmined ON incoming (chain) WHERE state = 1;
CREATE INDEX incoming_by_height ON incoming (chain, height);
CREATE INDEX incoming_by_spending ON incoming (chain, spent_at) WHERE spent_at > 0;
CREATE INDEX incoming_by_txid ON incoming (txid);
CREATE INDEX incoming_by_account ON incoming (account, seen) WHERE account IS NOT NULL;
CREATE INDEX incoming_coins ON incoming (chain, purpose) WHERE spent_by = '' AND claimed_by = '';

-- What the ledger is to be told, in order: written with the rows that are the reason, marked when it is done.
CREATE TABLE reports (
    number    INTEGER PRIMARY KEY,
    chain     TEXT    NOT NULL,
    key       TEXT    NOT NULL,               -- incoming.key
    reference TEXT    NOT NULL,               -- chain, key and block: the ledger's name for it
    account   INTEGER NOT NULL,
    asset     INTEGER NOT NULL,
    atoms     INTEGER NOT NULL,
    state     INTEGER NOT NULL,               -- CREDITED or ORPHANED
    done      INTEGER NOT NULL DEFAULT 0      -- when the ledger had it on disk
) STRICT;

CREATE INDEX reports_waiting ON reports (number) WHERE done = 0;
CREATE INDEX reports_by_reference ON reports (reference, number);

-- Whole transactions that paid us or were drafted here: whoever spends their outputs shows them to the signer.
CREATE TABLE raw_transactions (
    chain TEXT NOT NULL,
    txid  TEXT NOT NULL,
    raw   BLOB NOT NULL,
    PRIMARY KEY (chain, txid)
) STRICT;

-- What an operator must look at. Kept; `closed` says when somebody did.
CREATE TABLE alarms (
    number INTEGER PRIMARY KEY,
    chain  TEXT    NOT NULL,
    kind   TEXT    NOT NULL,
    text   TEXT    NOT NULL,
    raised INTEGER NOT NULL,
    closed INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE INDEX alarms_open ON alarms (chain) WHERE closed = 0;
