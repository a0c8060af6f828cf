-- Money that leaves: what was asked for, who approved it, which transactions pay it, and what those use up.

-- Withdrawals. The ledger holds the money; here stands where it goes, and how far it has come. Every change of `state`
-- names the state it was in before, so that of two workers one loses. The ledger follows: `told` is what it knows.
CREATE TABLE withdrawals (
    id         TEXT    PRIMARY KEY,           -- the ledger's key, and what approvals are bound to
    account    INTEGER NOT NULL,
    asset      INTEGER NOT NULL,
    chain      TEXT    NOT NULL,
    contract   TEXT    NOT NULL,
    address    TEXT    NOT NULL,
    amount     TEXT    NOT NULL,              -- what the address gets, in the chain's unit
    atoms      INTEGER NOT NULL,              -- what the account pays, fee included
    fee        INTEGER NOT NULL,              -- of that, what the house keeps
    client_id  TEXT    NOT NULL,              -- the account's own name for it; '': none
    inside     INTEGER,                       -- the account that gets it, where the address is one of ours
    state      INTEGER NOT NULL,              -- core.transfers.WithdrawalState; 0: the ledger has not said yes
    told       INTEGER NOT NULL DEFAULT 0,    -- the state that the ledger has
    needs      INTEGER NOT NULL DEFAULT 0,    -- operators who must approve it
    why        TEXT    NOT NULL DEFAULT '',   -- why it is held, waits or ended
    payout     INTEGER REFERENCES payouts,    -- what pays it
    alone      INTEGER NOT NULL DEFAULT 0,    -- 1: with no other in one transaction
    not_before INTEGER NOT NULL DEFAULT 0,    -- it is not planned before this time
    asked      INTEGER NOT NULL,
    changed    INTEGER NOT NULL
) STRICT;

CREATE UNIQUE INDEX withdrawals_by_client_id ON withdrawals (account, client_id) WHERE client_id <> '';
CREATE INDEX withdrawals_by_account ON withdrawals (account, asked);
CREATE INDEX withdrawals_by_asset ON withdrawals (asset, asked);
CREATE INDEX withdrawals_by_address ON withdrawals (account, chain, address);
CREATE INDEX withdrawals_alive ON withdrawals (state, chain) WHERE state < 8;
CREATE INDEX withdrawals_untold ON withdrawals (id) WHERE told <> state;
CREATE INDEX withdrawals_by_payout ON withdrawals (payout) WHERE payout IS NOT NULL;

-- An operator's word for one withdrawal: an Ed25519 signature over signing.digest.
CREATE TABLE approvals (
    withdrawal TEXT    NOT NULL REFERENCES withdrawals,
    operator   TEXT    NOT NULL,
    approver   BLOB    NOT NULL CHECK (length(approver) = 32),
    signature  BLOB    NOT NULL CHECK (length(signature) = 64),
    given      INTEGER NOT NULL,
    PRIMARY KEY (withdrawal, operator),
    UNIQUE (withdrawal, approver)
) STRICT;

-- A payout is one or more transactions of which only one can be mined: each shares a claim with every other.
CREATE TABLE payouts (
    number   INTEGER PRIMARY KEY,
    chain    TEXT    NOT NULL,
    state    INTEGER NOT NULL,                -- 4 planned, 5 signed, 6 sent, 7 confirmed, 8 final, 10 given up, 11 failed
    winner   TEXT    NOT NULL DEFAULT '',     -- the attempt that was mined
    height   INTEGER NOT NULL DEFAULT 0,      -- of its block
    conflict INTEGER NOT NULL DEFAULT 0,      -- tip at which a claim was first seen used by nobody we know
    cost     TEXT    NOT NULL DEFAULT '0',    -- what the network got, in the chain's own coin
    note     TEXT    NOT NULL DEFAULT '',     -- what it waits for
    made     INTEGER NOT NULL,
    changed  INTEGER NOT NULL
) STRICT;

CREATE INDEX payouts_open ON payouts (chain, number) WHERE state < 8;

-- Every transaction that was ever drafted, kept for good. Whatever has bytes may be mined.
CREATE TABLE attempts (
    id         TEXT    PRIMARY KEY,           -- the draft's: the signer answers it with the same bytes always
    payout     INTEGER NOT NULL REFERENCES payouts,
    number     INTEGER NOT NULL,              -- from 1, in the order of their fees
    state      INTEGER NOT NULL,              -- 1 drafted, 2 the signer was asked, 3 signed, 4 handed out, 5 refused
    draft      BLOB    NOT NULL,              -- port.Draft as MessagePack
    raw        BLOB,                          -- on disk before any node sees it
    txid       TEXT,
    handed     INTEGER NOT NULL DEFAULT 0,    -- when it was first handed out, written before
    handed_at  INTEGER NOT NULL DEFAULT 0,    -- the tip's height then
    made       INTEGER NOT NULL,
    UNIQUE (payout, number),
    CHECK ((raw IS NULL) = (txid IS NULL)),
    CHECK (state NOT IN (3, 4) OR raw IS NOT NULL)
) STRICT;

CREATE INDEX attempts_by_txid ON attempts (txid) WHERE txid IS NOT NULL;

-- What attempts use up: outpoints, or `sender:nonce`. A claim has one payout, until that is given up.
CREATE TABLE claims (
    chain  TEXT    NOT NULL,
    claim  TEXT    NOT NULL,
    payout INTEGER NOT NULL REFERENCES payouts,
    PRIMARY KEY (chain, claim)
) STRICT;

CREATE INDEX claims_by_payout ON claims (payout);

-- Below `first` all nonces of an address of ours are used up for good: by final payouts, or before this file began.
CREATE TABLE nonces (
    chain  TEXT    NOT NULL,
    sender TEXT    NOT NULL,
    first  INTEGER NOT NULL,
    PRIMARY KEY (chain, sender)
) STRICT;

-- Chains whose payouts stand still until an operator says otherwise, and why.
CREATE TABLE payout_stops (
    chain TEXT    PRIMARY KEY,
    why   TEXT    NOT NULL,
    since INTEGER NOT NULL
) STRICT;

-- How much may leave, in atoms: a breach stops all payouts of the asset's chain. 0: no limit.
CREATE TABLE velocities (
    asset        INTEGER PRIMARY KEY,
    hour         INTEGER NOT NULL,
    day          INTEGER NOT NULL,
    account_hour INTEGER NOT NULL,
    account_day  INTEGER NOT NULL
) STRICT;
