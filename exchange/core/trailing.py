"""Trailing stops: orders that follow the best price and wake once the price has come back from it by their delta.

Sells follow the highest price and wake on a fall, buys the lowest and wake on a rise. Here both read the same: prices
count times `sign` (1 for sells, -1 for buys), so that the best is always the largest.
"""

from __future__ import annotations

from typing import Final

from sortedcontainers import SortedDict, SortedList

from exchange.core.orders import Order
from exchange.core.units import OrderId, Price

BIPS: Final = 10_000
"""Basis points in the whole. Prices that wake are compared in ticks times this, so that nothing is rounded."""


def mark(side: int, trailed: int, delta: int) -> int:
    """The price, in ticks times `BIPS`, that wakes an order which trails `trailed` by `delta` basis points."""
    return trailed * (BIPS + delta if side == 1 else BIPS - delta)


class _Pack:
    """Orders that trail one and the same price, those with the smallest delta first."""

    __slots__ = ("best", "mark", "orders")

    def __init__(self, best: int) -> None:
        """`best` times sign is the price; `mark` is what wakes the first of the orders, times sign."""
        self.best = best
        self.mark = 0
        self.orders: SortedList[tuple[int, OrderId, Order]] = SortedList()


class Trail:
    """The trailing orders of one side of a market that follow the price.

    However many there are, a trade that sets a new best price moves a whole pack at once.
    """

    __slots__ = ("_marks", "_of", "_packs", "sign")

    def __init__(self, sign: int) -> None:
        """Nobody follows."""
        self.sign = sign
        self._packs: SortedDict[int, _Pack] = SortedDict()
        self._marks: SortedList[tuple[int, int]] = SortedList()
        self._of: dict[OrderId, _Pack] = {}

    def __len__(self) -> int:
        """How many follow."""
        return len(self._of)

    def add(self, order: Order, price: int) -> None:
        """`order` follows from `price` on."""
        best = self.sign * price
        pack = self._packs.get(best)
        if pack is None:
            pack = self._packs[best] = _Pack(best)
        else:
            self._marks.remove((-pack.mark, best))
        pack.orders.add((order.trailing_delta, order.id, order))
        self._of[order.id] = pack
        self._note(pack)

    def remove(self, order: Order) -> None:
        """`order` follows no longer."""
        pack = self._of.pop(order.id)
        self._marks.remove((-pack.mark, pack.best))
        pack.orders.remove((order.trailing_delta, order.id, order))
        if pack.orders:
            self._note(pack)
        else:
            del self._packs[pack.best]

    def reach(self, price: int) -> list[tuple[int, OrderId, Order, Price]]:
        """There was a trade at `price`: those it wakes are taken out, as (minus mark, id, order, price trailed)."""
        here = self.sign * price
        self._follow(here)
        woken: list[tuple[int, OrderId, Order, Price]] = []
        while self._marks and -self._marks[0][0] >= here * BIPS:
            pack = self._packs[self._marks[0][1]]
            delta, number, order = pack.orders[0]
            woken.append((-self._mark(pack.best, delta), number, order, Price(self.sign * pack.best)))
            self.remove(order)
        return woken

    def _follow(self, here: int) -> None:
        """Whoever followed a worse price than `here` follows it now; small packs join large ones."""
        joined: _Pack | None = None
        while self._packs and self._packs.peekitem(0)[0] < here:
            _, pack = self._packs.popitem(0)
            self._marks.remove((-pack.mark, pack.best))
            joined = pack if joined is None else self._join(joined, pack)
        if joined is None:
            return
        there = self._packs.get(here)
        if there is not None:
            self._marks.remove((-there.mark, here))
            joined = self._join(joined, there)
        joined.best = here
        self._packs[here] = joined
        self._note(joined)

    def _join(self, one: _Pack, other: _Pack) -> _Pack:
        if len(one.orders) < len(other.orders):
            one, other = other, one
        one.orders.update(other.orders)
        for _, number, _ in other.orders:
            self._of[number] = one
        return one

    def _note(self, pack: _Pack) -> None:
        pack.mark = self._mark(pack.best, pack.orders[0][0])
        self._marks.add((-pack.mark, pack.best))

    def _mark(self, best: int, delta: int) -> int:
        return self.sign * mark(2 if self.sign > 0 else 1, self.sign * best, delta)

    def shown(self) -> list[tuple[int, list[OrderId]]]:
        """Each price followed with the orders that follow it, for those who compare two states."""
        return [(self.sign * best, [number for _, number, _ in pack.orders]) for best, pack in self._packs.items()]
