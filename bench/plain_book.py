"""The peer: as plain and quick a book as Python gives. Linked queues, levels in two dicts, best price by search.

It knows orders, prices and depth and nothing else: no accounts, no ledger, no rules.
"""

from __future__ import annotations


class PlainOrder:
    """A resting order, linked to its neighbours in the queue of its price."""

    __slots__ = ("ahead", "behind", "left", "level", "order")

    def __init__(self, order: int, left: int, level: PlainLevel) -> None:
        """Not yet in the queue."""
        self.order = order
        self.left = left
        self.level = level
        self.ahead: PlainOrder | None = None
        self.behind: PlainOrder | None = None


class PlainLevel:
    """One price: its total and its queue."""

    __slots__ = ("first", "last", "lots", "price", "side")

    def __init__(self, side: int, price: int) -> None:
        """Nobody here yet."""
        self.side = side
        self.price = price
        self.lots = 0
        self.first: PlainOrder | None = None
        self.last: PlainOrder | None = None


class PlainBook:
    """Bids and asks in price-time priority."""

    __slots__ = ("_best", "orders", "sides")

    def __init__(self) -> None:
        """An empty book."""
        self.orders: dict[int, PlainOrder] = {}
        self.sides: tuple[dict[int, PlainLevel], dict[int, PlainLevel]] = ({}, {})
        self._best: list[int | None] = [None, None]

    def best(self, side: int) -> int | None:
        """The best price of a side (1 bids, 2 asks)."""
        return self._best[side - 1]

    def add(self, order: int, side: int, price: int, lots: int) -> None:
        """Put an order at the end of the queue of its price."""
        levels = self.sides[side - 1]
        level = levels.get(price)
        if level is None:
            level = levels[price] = PlainLevel(side, price)
            best = self._best[side - 1]
            if best is None or (price > best if side == 1 else price < best):
                self._best[side - 1] = price
        made = self.orders[order] = PlainOrder(order, lots, level)
        last = level.last
        if last is None:
            level.first = made
        else:
            last.behind = made
            made.ahead = last
        level.last = made
        level.lots += lots

    def cancel(self, order: int) -> None:
        """Take an order off."""
        found = self.orders.pop(order)
        found.level.lots -= found.left
        self._unlink(found)

    def cross(self, side: int, price: int, lots: int) -> int:
        """Fill `lots` against the other side, no further than `price`; how many fills there were."""
        fills, other = 0, 2 - side
        best = self._best[other]
        while lots and best is not None and (best <= price if side == 1 else best >= price):
            level = self.sides[other][best]
            maker = level.first
            assert maker is not None
            done = min(lots, maker.left)
            lots -= done
            maker.left -= done
            level.lots -= done
            fills += 1
            if not maker.left:
                del self.orders[maker.order]
                self._unlink(maker)
                best = self._best[other]
        return fills

    def _unlink(self, order: PlainOrder) -> None:
        level, ahead, behind = order.level, order.ahead, order.behind
        if ahead is None:
            level.first = behind
        else:
            ahead.behind = behind
        if behind is None:
            level.last = ahead
        else:
            behind.ahead = ahead
        if level.first is None:
            levels = self.sides[level.side - 1]
            del levels[level.price]
            if self._best[level.side - 1] == level.price:
                pick = max if level.side == 1 else min
                self._best[level.side - 1] = pick(levels, default=None)
