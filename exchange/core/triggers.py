"""Sleeping orders and what wakes them: the last traded price reaching an order's stop price.

A stop-loss buys when the price has risen to its stop price and sells when it has fallen to it; a take-profit the
other way round. A trailing stop's own stop price, if it has one, only sets it off to follow the price, see `trailing`.
A trade makes due whom its price reaches, even if the next trade moves the price away before they have woken; the due
wake one after the other, the nearest stop price first and at one stop price the oldest.
"""

from __future__ import annotations

from collections import Counter, deque
from typing import Final

from sortedcontainers import SortedList

from exchange.core.orders import SLEEPING_TYPES, Order, OrderType, Side
from exchange.core.trailing import BIPS, Trail, mark
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


def woken_at(order: Order) -> Price:
    """The price that woke a due order, or would wake it: its stop price, or the best price less (more) its delta.

    Of a trailing order to the tick on the better side for it, which is nearer to the price it followed.
    """
    if not order.trailing_delta:
        return order.stop_price
    exact = mark(order.side, order.trailed, order.trailing_delta)
    return Price(exact // BIPS if order.side == 1 else -(-exact // BIPS))


def nearness(order: Order) -> int:
    """What the due of one trade wake in the order of: the nearest of the prices that they waited for comes first."""
    exact = order.stop_price * BIPS
    rising = wakes_rising(order.type, order.side)
    if order.trailing_delta:
        exact, rising = mark(order.side, order.trailed, order.trailing_delta), order.side == 1
    return exact if rising else -exact


class Reached:
    """What a trade did to sleepers: who follows the price from now on, and who is due, with the price it trailed."""

    __slots__ = ("due", "following")

    def __init__(self) -> None:
        """Nobody was concerned."""
        self.following: list[Order] = []
        self.due: list[tuple[Order, Price]] = []


class Triggers:
    """The sleeping orders of one market, those next to wake first.

    `_queue` has the due in order of waking; whoever is cancelled in it leaves `_due` at once and the queue later.
    """

    __slots__ = ("_by_account", "_due", "_expected", "_falling", "_queue", "_rising", "asleep", "highest", "lowest")

    def __init__(self) -> None:
        """Nobody asleep. Sells trail the `highest` price, buys the `lowest`."""
        self._rising: SortedList[tuple[int, OrderId, Order]] = SortedList()
        self._falling: SortedList[tuple[int, OrderId, Order]] = SortedList()
        self.highest, self.lowest = Trail(1), Trail(-1)
        self._by_account: Counter[AccountId] = Counter()
        self._due: set[OrderId] = set()
        self._queue: deque[OrderId] = deque()
        self._expected: Counter[AccountId] = Counter()
        self.asleep = 0

    def __len__(self) -> int:
        """How many orders sleep."""
        return self.asleep

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

    def add(self, order: Order, trailed: Price = Price(0)) -> None:  # noqa: B008
        """Put an order to sleep, at the end of those who are due if it is; one that follows the price has `trailed`."""
        self._by_account[order.account] += 1
        self.asleep += 1
        if order.due:
            self._due.add(order.id)
            self._queue.append(order.id)
        elif order.trailing_time:
            self._trail(order).add(order, trailed)
        else:
            waiting, key = self._waiting(order)
            waiting.add((key, order.id, order))

    def remove(self, order: Order) -> None:
        """Take an order out: it woke, or was cancelled in its sleep."""
        self._by_account[order.account] -= 1
        if not self._by_account[order.account]:
            del self._by_account[order.account]
        self.asleep -= 1
        if order.id in self._due:
            self._due.remove(order.id)
            while self._queue and self._queue[0] not in self._due:
                self._queue.popleft()
        elif order.trailing_time:
            self._trail(order).remove(order)
        else:
            waiting, key = self._waiting(order)
            waiting.remove((key, order.id, order))

    def reach(self, price: Price) -> Reached:
        """There was a trade at `price`: whoever waited for it is due, or follows it from here on.

        Whoever follows from here on is to be added to its trail by `follow`, once its fields tell so.
        """
        told, due = Reached(), list[tuple[int, OrderId, Order, Price]]()
        for waiting, key in ((self._rising, price), (self._falling, -price)):
            while waiting and waiting[0][0] <= key:
                near, number, order = waiting.pop(0)
                if order.trailing_delta:
                    told.following.append(order)
                else:
                    due.append((near * BIPS, number, order, Price(0)))
        for trail in (self.lowest, self.highest):
            if trail:
                due += trail.reach(price)
        for _, number, order, trailed in sorted(due, key=lambda one: one[:2]):
            self._due.add(number)
            self._queue.append(number)
            told.due.append((order, trailed))
        return told

    def follow(self, order: Order, price: Price) -> None:
        """An order that `reach` named follows the price from here on."""
        self._trail(order).add(order, price)

    def due(self) -> OrderId | None:
        """The next order to wake, or None."""
        return self._queue[0] if self._queue else None

    def _waiting(self, order: Order) -> tuple[SortedList[tuple[int, OrderId, Order]], int]:
        if wakes_rising(order.type, order.side):
            return self._rising, order.stop_price
        return self._falling, -order.stop_price

    def _trail(self, order: Order) -> Trail:
        return self.lowest if order.side == 1 else self.highest
