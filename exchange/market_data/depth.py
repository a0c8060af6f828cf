"""The book as the public may see it: how many lots stand at each price, as of the last commit."""

from __future__ import annotations

from itertools import islice

import msgspec
from sortedcontainers import SortedDict

from exchange.core.orders import Side
from exchange.core.units import Price, Quantity, Seq

PriceLevel = tuple[Price, int]
"""(price in ticks, quantity in lots)."""


class DepthSnapshot(msgspec.Struct, frozen=True):
    """Both sides from the best price on, as of event `last_update_id`."""

    last_update_id: Seq
    bids: list[PriceLevel]
    asks: list[PriceLevel]


class Best(msgspec.Struct, frozen=True, gc=False):
    """The best price of each side and what stands there; 0 and 0 where a side is empty."""

    bid: Price = Price(0)
    bid_quantity: int = 0
    ask: Price = Price(0)
    ask_quantity: int = 0


class Depth:
    """One market's levels. `last_update_id` is the journal number of the last commit that changed one."""

    __slots__ = ("_asks", "_bids", "last_update_id")

    def __init__(self, last_update_id: Seq) -> None:
        """Empty, as of that event."""
        self.last_update_id = last_update_id
        self._bids: SortedDict[int, int] = SortedDict()  # by minus price, so that the best stands first
        self._asks: SortedDict[int, int] = SortedDict()

    def put(self, side: Side, price: Price, quantity: int) -> None:
        """From here on `quantity` lots stand at `price`; 0: none."""
        half, key = (self._bids, -price) if side == Side.BUY else (self._asks, int(price))
        if quantity:
            half[key] = quantity
        else:
            half.pop(key, None)

    def at(self, side: Side, price: Price) -> int:
        """How many lots stand at `price`."""
        return self._bids.get(-price, 0) if side == Side.BUY else self._asks.get(price, 0)

    def best(self) -> Best:
        """The best bid and the best ask."""
        bid, bid_quantity = self._bids.peekitem(0) if self._bids else (0, 0)
        ask, ask_quantity = self._asks.peekitem(0) if self._asks else (0, 0)
        return Best(Price(-bid), Quantity(bid_quantity), Price(ask), Quantity(ask_quantity))

    def snapshot(self, limit: int) -> DepthSnapshot:
        """The best `limit` levels of each side."""
        bids = [(Price(-key), quantity) for key, quantity in islice(self._bids.items(), limit)]
        asks = [(Price(key), quantity) for key, quantity in islice(self._asks.items(), limit)]
        return DepthSnapshot(self.last_update_id, bids, asks)
