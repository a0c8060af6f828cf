"""How each kind of row goes into its table.

Small rows that lie close together go in many at once, by one statement: beginning a statement costs as much as writing
such a row, and gives the interpreter's lock away each time. Rows that are scattered over many pages go in one by one:
SQLite would first copy every page that a statement of many rows may have to undo.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain
from typing import Final

import apsw

from exchange.core.units import MAX_STORED
from exchange.ledger.rows import PLAIN_COLUMNS, Row

_SIZES: Final = (1, 8, 64)
"""Rows that one statement takes. Where fewer are left, the last places stay NULL and are passed over."""

Write = Callable[[apsw.Connection, Sequence[Row]], None]
"""Writes rows within the transaction that is open."""


class Bulk:
    """Rows of so many columns, the first of which is never NULL, many by one statement."""

    __slots__ = ("_columns", "_statements")

    def __init__(self, columns: int, sql: Callable[[str], str]) -> None:
        """`sql` makes the statement, given the rows as a subquery."""
        self._columns = columns
        self._statements = {size: sql(_rows(columns, size)) for size in _SIZES}

    def __call__(self, connection: apsw.Connection, rows: Sequence[Row]) -> None:
        """See `Write`."""
        largest = _SIZES[-1]
        for done in range(0, len(rows), largest):
            part = rows[done : done + largest]
            size = next(size for size in _SIZES if size >= len(part))
            values = tuple(chain.from_iterable(part))
            connection.execute(self._statements[size], values + (None,) * (size * self._columns - len(values)))


def _rows(columns: int, size: int) -> str:
    """So many rows of parameters, less those that are left empty."""
    row = f"({', '.join('?' * columns)})"
    return f"(SELECT * FROM (VALUES {', '.join([row] * size)}) WHERE column1 IS NOT NULL)"


def _each(sql: str) -> Write:
    """Rows one by one."""

    def write(connection: apsw.Connection, rows: Sequence[Row]) -> None:
        connection.executemany(sql, rows)

    return write


def _insert(table: str, columns: int, names: tuple[str, ...] = ()) -> Write:
    named = f" ({', '.join(names)})" if names else ""
    return _each(f"INSERT INTO {table}{named} VALUES ({', '.join('?' * columns)})")


def _upsert(table: str, columns: int, key: str, *assignments: str) -> Write:
    """Insert, or on the same key do `assignments`; a bare column name takes the new value."""
    return _each(f"INSERT INTO {table} VALUES ({', '.join('?' * columns)}) {_on_conflict(key, assignments)}")


def _on_conflict(key: str, assignments: tuple[str, ...]) -> str:
    changes = [one if " = " in one else f"{one} = excluded.{one}" for one in assignments]
    return f"ON CONFLICT ({key}) DO UPDATE SET {', '.join(changes)}"


def _update(table: str, names: tuple[str, ...]) -> Write:
    """Set the named columns; the id comes first."""
    changes = ", ".join(f"{name} = ?{number}" for number, name in enumerate(names, 2))
    return _each(f"UPDATE {table} SET {changes} WHERE id = ?1")


def _delete(table: str, *key: str) -> Write:
    return _each(f"DELETE FROM {table} WHERE {' AND '.join(f'{column} = ?' for column in key)}")


def _added(*columns: str) -> list[str]:
    """Sums that stop at the largest whole number there is, as `bars.capped` does: SQLite would make a float of more."""
    return [
        f"{column} = CASE WHEN {column} > {MAX_STORED} - excluded.{column} THEN {MAX_STORED}"
        f" ELSE {column} + excluded.{column} END"
        for column in columns
    ]


_ORDER_CHANGES: Final = ("status", "filled", "filled_quote", "hold", "working", "booked", "updated")
_SPECIAL_CHANGES: Final = (
    "client_id",
    "quantity",
    "worked",
    "shown",
    "prevented",
    "prevented_match",
    "amendments",
    "trailing_time",
    "trailing_trade",
    "trailed",
    "due",
)

# The fields of `Frozen` that are tables, in the order of writing, and how their rows are written.
STATEMENTS: Final[dict[str, Write]] = {
    "assets": _insert("assets", 3),
    "markets": _upsert("markets", 7, "id", "rules", "phase", "last_price", "next_trade", "next_aggregate"),
    "tier_fees": _upsert("tier_fees", 4, "market, tier", "maker_fee", "taker_fee"),
    "accounts": _insert("accounts", 6),
    "changed_accounts": _update("accounts", ("tier", "frozen", "seq")),
    "credits": _insert("credits", 2),
    "deposits": _upsert("deposits", 5, "key", "state"),
    "withdrawals": _upsert("withdrawals", 8, "key", "state", "fee"),
    "postings": Bulk(4, lambda rows: f"INSERT INTO postings (seq, debit, credit, amount) SELECT * FROM {rows}"),
    "balances": Bulk(2, lambda rows: f"REPLACE INTO balances SELECT * FROM {rows}"),
    "plain_orders": _insert("orders", len(PLAIN_COLUMNS), PLAIN_COLUMNS),
    "fresh_orders": _insert("orders", 34),
    "changed_orders": _update("orders", _ORDER_CHANGES),
    "special_orders": _update("orders", _SPECIAL_CHANGES),
    "order_lists": _upsert("order_lists", 10, "id", "status", "names", "updated"),
    "trades": _insert("trades", 15),
    "prevented_matches": _insert("prevented_matches", 11),
    "amendments": _insert("amendments", 7),
    "bars": _upsert(
        "bars",
        13,
        "market, minute",
        "high = max(high, excluded.high)",
        "low = min(low, excluded.low)",
        *_added("quantity", "notional", "count", "taker_buy_quantity", "taker_buy_notional"),
        "close",
        "last_trade",
    ),
    "account_events": _insert("account_events", 3),
    "balance_marks": _insert("balance_marks", 4),
    "keys_dropped": _delete("idempotency_keys", "account", "key"),
    "keys": _insert("idempotency_keys", 6),
    "countdowns": _upsert("countdowns", 3, "account, market", "due"),
    "countdowns_over": _delete("countdowns", "account", "market"),
    "sessions": _upsert("armed_sessions", 4, "account, session", "since", "markets"),
    "networks": _upsert("networks", 3, "asset, name", "terms"),
    "tier_limits": _upsert("tier_limits", 4, "tier, asset", "day", "month"),
    "payouts_shut": _upsert("payouts_shut", 2, "asset", "reason"),
    "payouts_open": _delete("payouts_shut", "asset"),
    "network_costs": _insert("network_costs", 3),
    "epochs": _insert("epochs", 3),
    "sessions_over": _delete("armed_sessions", "account", "session"),
}
