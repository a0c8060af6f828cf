-- What orders other than plain ones need, see `OrderRow` in exchange/core/orders.py; 0 is what a plain order has.
ALTER TABLE orders ADD COLUMN order_list INTEGER NOT NULL DEFAULT 0;
ALTER TABLE orders ADD COLUMN worked INTEGER NOT NULL DEFAULT 0;
ALTER TABLE orders ADD COLUMN iceberg INTEGER NOT NULL DEFAULT 0;
ALTER TABLE orders ADD COLUMN shown INTEGER NOT NULL DEFAULT 0;
ALTER TABLE orders ADD COLUMN prevented INTEGER NOT NULL DEFAULT 0;
ALTER TABLE orders ADD COLUMN prevented_match INTEGER NOT NULL DEFAULT 0;
ALTER TABLE orders ADD COLUMN amendments INTEGER NOT NULL DEFAULT 0;
ALTER TABLE orders ADD COLUMN trailing_delta INTEGER NOT NULL DEFAULT 0;
ALTER TABLE orders ADD COLUMN trailing_time INTEGER NOT NULL DEFAULT 0;
ALTER TABLE orders ADD COLUMN trailing_trade INTEGER NOT NULL DEFAULT 0;
ALTER TABLE orders ADD COLUMN trailed INTEGER NOT NULL DEFAULT 0;
ALTER TABLE orders ADD COLUMN due INTEGER NOT NULL DEFAULT 0;
ALTER TABLE orders ADD COLUMN strategy_id INTEGER NOT NULL DEFAULT 0;
ALTER TABLE orders ADD COLUMN strategy_type INTEGER NOT NULL DEFAULT 0;

-- Self-trades that were prevented; id counts them in their market, seq is the event.
CREATE TABLE prevented_matches (
    seq         INTEGER PRIMARY KEY,
    market      INTEGER NOT NULL,
    id          INTEGER NOT NULL,
    time        INTEGER NOT NULL,
    account     INTEGER NOT NULL,
    mode        INTEGER NOT NULL,
    price       INTEGER NOT NULL,
    maker_order INTEGER NOT NULL,
    taker_order INTEGER NOT NULL,
    maker_lots  INTEGER NOT NULL,
    taker_lots  INTEGER NOT NULL
) STRICT;

CREATE UNIQUE INDEX prevented_by_id ON prevented_matches (market, id);
CREATE INDEX prevented_by_maker ON prevented_matches (maker_order, id);
CREATE INDEX prevented_by_taker ON prevented_matches (taker_order, id);

-- Orders that were made smaller and kept their place; seq is the event.
CREATE TABLE amendments (
    seq         INTEGER PRIMARY KEY,
    order_id    INTEGER NOT NULL,
    time        INTEGER NOT NULL,
    before      INTEGER NOT NULL,
    quantity    INTEGER NOT NULL,
    name_before TEXT    NOT NULL,
    client_id   TEXT    NOT NULL
) STRICT;

CREATE INDEX amendments_by_order ON amendments (order_id, seq);
