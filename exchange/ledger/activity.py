"""What accounts did since a time, as far as their limits ask: the orders that they placed, and which traded first.

Orders that were refused are not in the ledger, so they are not told.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from enum import IntEnum
from typing import NamedTuple

import apsw

from exchange.core.units import AccountId, MarketId, Micros
from exchange.ledger.seeking import first_order_at, first_trade_at


class Deed(IntEnum):
    """An order was placed; it traded for the first time, as it came in or while it rested."""

    PLACED = 1
    TOOK = 2
    MADE = 3


class Done(NamedTuple):
    """One deed of an account; they are told in the order of their times."""

    time: Micros
    deed: Deed
    account: AccountId


def deeds_since(ledger: apsw.Connection, markets: Iterable[MarketId], start: Micros) -> Iterator[Done]:
    """Everybody's deeds from `start` on, in the order in which they were done; of one commit the placements first."""
    first = first_order_at(ledger, start)
    ranges = [(market, first_trade_at(ledger, market, start)) for market in markets]
    placed = ledger.execute("SELECT created, account FROM orders WHERE id >= ? ORDER BY id", (first,))
    placements = (Done(time, Deed.PLACED, account) for time, account in placed)
    traded_before = _traded_before(ledger, ranges, first)
    fills = [_first_fills(ledger, market, low, traded_before) for market, low in ranges]
    return heapq.merge(placements, *fills, key=lambda done: done.time)


def _first_fills(ledger: apsw.Connection, market: MarketId, low: int, seen: set[int]) -> Iterator[Done]:
    """The first trades of orders in one market. An order of one market never trades in another."""
    sides = "maker, maker_order, taker, taker_order"
    for time, maker, maker_order, taker, taker_order in ledger.execute(
        f"SELECT time, {sides} FROM trades WHERE market = ? AND id >= ? ORDER BY id", (market, low)
    ):
        for deed, account, order in ((Deed.TOOK, taker, taker_order), (Deed.MADE, maker, maker_order)):
            if order not in seen:
                seen.add(order)
                yield Done(time, deed, account)


def _traded_before(ledger: apsw.Connection, ranges: list[tuple[MarketId, int]], first: int) -> set[int]:
    """Orders before `first` that traded since, and before as well: they have filled more than they did since."""
    found: set[int] = set()
    for market, low in ranges:
        since = " UNION ALL ".join(
            f"SELECT {side}_order AS id, quantity FROM trades WHERE market = ?1 AND id >= ?2 AND {side}_order < ?3"
            for side in ("maker", "taker")
        )
        rows = ledger.execute(
            f"SELECT orders.id FROM (SELECT id, sum(quantity) AS lots FROM ({since}) GROUP BY id) AS since"
            " JOIN orders ON orders.id = since.id WHERE orders.filled > since.lots",
            (market, low, first),
        )
        found.update(number for (number,) in rows)
    return found
