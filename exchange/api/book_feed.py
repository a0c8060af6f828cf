"""`@book`, beyond the dialect: the whole book first, then numbered changes, each with a checksum of the best levels."""

from __future__ import annotations

import zlib
from typing import Final

import msgspec

from exchange.api import stream_messages as messages
from exchange.api.feeds import MarketFeed, Message, Reader
from exchange.core.market import Market
from exchange.core.orders import Side
from exchange.core.units import Micros, Price
from exchange.market_data.depth import DepthSnapshot
from exchange.market_data.hub import Change
from exchange.market_data.view import MarketView

SUFFIX: Final = "@book"
"""How the stream's names end."""
WEIGHT: Final = 50
"""What it weighs to subscribe: the snapshot of a deep book takes tens of milliseconds, in which nobody trades."""

SNAPSHOT_LEVELS: Final = 5_000
CHECKED_LEVELS: Final = 25
_encode: Final = msgspec.json.Encoder().encode
Pairs = list[tuple[str, str]]


class BookMessage(msgspec.Struct, frozen=True, gc=False):
    """A `bookSnapshot`, with every level up to 5,000 a side, or a `bookChange`: the levels that changed; 0: gone.

    `id` numbers the state of the book, `previous` the one that the change follows on (of a snapshot: 0). `crc` is the
    CRC-32 of the best 25 levels of each side as they then stand.
    """

    e: str
    s: str
    id: int
    previous: int
    b: Pairs
    a: Pairs
    crc: int


def checksum(bids: Pairs, asks: Pairs) -> int:
    """CRC-32 of `price:quantity` of the best 25 bids, then of the best 25 asks, joined by `|`."""
    levels = [*bids[:CHECKED_LEVELS], *asks[:CHECKED_LEVELS]]
    return zlib.crc32("|".join(f"{price}:{quantity}" for price, quantity in levels).encode())


class BookFeed(MarketFeed):
    """Speaks at each beat in which the book changed; a new reader has the snapshot at the next beat."""

    def __init__(self, name: str, view: MarketView) -> None:
        super().__init__(name, view)
        self._told = int(view.depth.last_update_id)
        self._touched: dict[tuple[Side, Price], None] = {}
        self._fresh: list[Reader] = []

    def join(self, reader: Reader) -> None:
        """Not told of changes before it has the snapshot that they follow on."""
        super().join(reader)
        self._fresh.append(reader)

    def leave(self, reader: Reader) -> None:
        super().leave(reader)
        if reader in self._fresh:
            self._fresh.remove(reader)

    def changed(self, change: Change) -> None:
        for level in change.levels:
            self._touched[level.side, level.price] = None

    def beat(self, now: Micros) -> None:  # noqa: ARG002  # a state of the book has a number, not a time
        if self._touched:
            self._change()
        if self._fresh:
            depth, rules = self.view.depth, self.view.rules
            snapshot = _pairs(rules, depth.snapshot(SNAPSHOT_LEVELS))
            content = BookMessage("bookSnapshot", rules.symbol, self._told, 0, *snapshot, checksum(*snapshot))
            message = Message(self.name, _encode(content))
            for reader in self._fresh:
                reader.offer(message)
            self._fresh.clear()

    def _change(self) -> None:
        depth, rules = self.view.depth, self.view.rules
        sides: dict[Side, list[tuple[int, int]]] = {Side.BUY: [], Side.SELL: []}
        for side, price in self._touched:
            sides[side].append((price, depth.at(side, price)))
        self._touched.clear()
        previous, self._told = self._told, int(depth.last_update_id)
        bids, asks = messages.pairs(rules, sides[Side.BUY]), messages.pairs(rules, sides[Side.SELL])
        crc = checksum(*_pairs(rules, depth.snapshot(CHECKED_LEVELS)))
        content = BookMessage("bookChange", rules.symbol, self._told, previous, bids, asks, crc)
        message = Message(self.name, _encode(content))
        for reader in self.readers.difference(self._fresh):
            reader.offer(message)


def _pairs(rules: Market, snapshot: DepthSnapshot) -> tuple[Pairs, Pairs]:
    return messages.pairs(rules, snapshot.bids), messages.pairs(rules, snapshot.asks)  # type: ignore[arg-type]
