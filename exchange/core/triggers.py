"""Sleeping orders and what wakes them: the last traded price reaching an order's stop price.

A stop-loss buys when the price has risen to its stop price and sells when it has fallen to it; a take-profit the
other way round. A trade makes due whom its price reaches, even if the next trade moves the price away before they
have woken; the due wake one after the other, the nearest stop price first and at one stop price the oldest.
"""

from __future__ import annotations

from collections import Counter, deque
from typing import Final

from sortedcontainers import SortedList

from exchange.core.orders import SLEEPING_TYPES, Order, OrderType, Side
from exchange.core.units import AccountId, OrderId, Price

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
    """The sleeping orders of one market, those next to wake first.

    `_queue` has the due in order of waking; whoever is cancelled in it leaves `_due` at once and the queue later.
    """

    __slots__ = ("_asleep", "_by_account", "_due", "_expected", "_falling", "_queue", "_rising")

    def __init__(self) -> None:
        """Nobody asleep."""
        self._rising: SortedList[tuple[int, OrderId]] = SortedList()
        self._falling: SortedList[tuple[int, OrderId]] = SortedList()
        self._by_account: Counter[AccountId] = Counter()
        self._due: set[OrderId] = set()
        self._queue: deque[OrderId] = deque()
        self._asleep = 0
        self._expected: Counter[AccountId] = Counter()

    def __len__(self) -> int:
        """How many orders sleep."""
        return self._asleep

    def of(self, account: AccountId) -> int:
        """How many orders of this account sleep, or will when the working order of their list is filled."""
        return self._by_account[account] + self._expected[account]

    def expect(self, order: Order) -> None:
        """A pending order is to sleep one day, if it is of such a type."""
        if order.type in SLEEPING_TYPES:
            self._expected[order.account] += 1

    def expect_no_more(self, order: Order) -> None:
        """A pending order is placed, or has ended."""
        if order.type in SLEEPING_TYPES:
            self._expected[order.account] -= 1
            if not self._expected[order.account]:
                del self._expected[order.account]

    def add(self, order: Order) -> None:
        """Put an order to sleep."""
        self._by_account[order.account] += 1
        self._asleep += 1
        if wakes_rising(order.type, order.side):
            self._rising.add((order.stop_price, order.id))
        else:
            self._falling.add((-order.stop_price, order.id))

    def remove(self, order: Order) -> None:
        """Take an order out: it woke, or was cancelled in its sleep."""
        self._by_account[order.account] -= 1
        if not self._by_account[order.account]:
            del self._by_account[order.account]
        self._asleep -= 1
        if order.id in self._due:
            self._due.remove(order.id)
            while self._queue and self._queue[0] not in self._due:
                self._queue.popleft()
        elif wakes_rising(order.type, order.side):
            self._rising.remove((order.stop_price, order.id))
        else:
            self._falling.remove((-order.stop_price, order.id))

    def reach(self, price: Price) -> None:
        """There was a trade at `price`: whoever waited for it is due."""
        if not self._asleep:
            return
        for waiting, mark in ((self._rising, price), (self._falling, -price)):
            while waiting and waiting[0][0] <= mark:
                order = waiting.pop(0)[1]
                self._due.add(order)
                self._queue.append(order)

    def due(self) -> OrderId | None:
        """The next order to wake, or None."""
        return self._queue[0] if self._queue else None
