"""Where a time begins among rows whose ids count from 1 without gaps, and whose times ascend with them."""

from __future__ import annotations

import apsw

from exchange.core.units import MarketId, Micros


def first_trade_at(ledger: apsw.Connection, market: MarketId, time: Micros) -> int:
    """The id of the market's first trade at or after `time`, or the next one's if there is none."""
    newest = _number(ledger, "SELECT coalesce(max(id), 0) FROM trades WHERE market = ?", market)
    return _bisect(ledger, time, newest, "SELECT time FROM trades WHERE id = ? AND market = ?", market)


def first_order_at(ledger: apsw.Connection, time: Micros) -> int:
    """The id of the first order at or after `time`, or the next one's if there is none."""
    newest = _number(ledger, "SELECT coalesce(max(id), 0) FROM orders")
    return _bisect(ledger, time, newest, "SELECT created FROM orders WHERE id = ?")


def first_list_at(ledger: apsw.Connection, time: Micros) -> int:
    """The id of the first order list at or after `time`, or the next one's if there is none."""
    newest = _number(ledger, "SELECT coalesce(max(id), 0) FROM order_lists")
    return _bisect(ledger, time, newest, "SELECT created FROM order_lists WHERE id = ?")


def _bisect(ledger: apsw.Connection, time: Micros, newest: int, statement: str, *args: int) -> int:
    """The first id whose time is not before `time`."""
    low, high = 1, newest + 1
    while low < high:
        middle = (low + high) // 2
        if _number(ledger, statement, middle, *args) < time:
            low = middle + 1
        else:
            high = middle
    return low


def _number(ledger: apsw.Connection, statement: str, *args: int) -> int:
    row = ledger.execute(statement, args).fetchone()
    assert row is not None, statement
    return int(row[0])
