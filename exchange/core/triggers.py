"""Sleeping orders and what wakes them: the last traded price reaching an order's stop price.

A stop-loss buys when the price has risen to its stop price and sells when it has fallen to it; a take-profit the
other way round. Orders with the same stop price wake in the order in which they were placed.
"""

from __future__ import annotations

from typing import Final

from sortedcontainers import SortedList

from exchange.core.orders import Order, OrderType, Side
from exchange.core.units import OrderId, Price

_STOPS: Final = frozenset({OrderType.STOP_LOSS, OrderType.STOP_LOSS_LIMIT})


def wakes_rising(order_type: OrderType, side: Side) -> bool:
    """Whether such an order waits for the price to rise (else to fall)."""
    return (order_type in _STOPS) == (side == Side.BUY)


def reached(order_type: OrderType, side: Side, stop_price: Price, last_price: Price) -> bool:
    """Whether `last_price` would wake such an order at once."""
    if wakes_rising(order_type, side):
        return last_price >= stop_price
    return last_price <= stop_price


class Triggers:
    """The sleeping orders of one market, those next to wake first."""

    __slots__ = ("_falling", "_rising")

    def __init__(self) -> None:
        """Nobody asleep."""
        self._rising: SortedList[tuple[int, OrderId]] = SortedList()
        self._falling: SortedList[tuple[int, OrderId]] = SortedList()

    def __len__(self) -> int:
        """How many orders sleep."""
        return len(self._rising) + len(self._falling)

    def add(self, order: Order) -> None:
        """Put an order to sleep."""
        if wakes_rising(order.type, order.side):
            self._rising.add((order.stop_price, order.id))
        else:
            self._falling.add((-order.stop_price, order.id))

    def remove(self, order: Order) -> None:
        """Take an order out: it woke, or was cancelled in its sleep."""
        if wakes_rising(order.type, order.side):
            self._rising.remove((order.stop_price, order.id))
        else:
            self._falling.remove((-order.stop_price, order.id))

    def due(self, last_price: Price) -> OrderId | None:
        """The next order that `last_price` wakes, the longest asleep of all that it wakes, or None."""
        due = [
            order
            for waiting, price in ((self._rising, last_price), (self._falling, -last_price))
            if waiting and waiting[0][0] <= price
            for order in (waiting[0][1],)
        ]
        return min(due) if due else None
