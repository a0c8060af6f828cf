-- Order lists (OCO, OTO, OTOCO), see exchange/core/order_lists.py; which list an order belongs to stands in `orders`.
CREATE TABLE order_lists (
    id        INTEGER PRIMARY KEY,
    account   INTEGER NOT NULL,
    market    INTEGER NOT NULL,
    kind      INTEGER NOT NULL,
    status    INTEGER NOT NULL,
    client_id TEXT    NOT NULL,
    orders    TEXT    NOT NULL,   -- ids of its orders, separated by commas
    names     TEXT    NOT NULL,   -- their client ids, likewise
    created   INTEGER NOT NULL,
    updated   INTEGER NOT NULL
) STRICT;

CREATE INDEX order_lists_by_account ON order_lists (account);
CREATE INDEX order_lists_by_client ON order_lists (account, client_id);
-- What start-up reads.
CREATE INDEX order_lists_open ON order_lists (id) WHERE status = 1;
