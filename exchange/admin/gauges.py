"""What the desk measures by itself: the rate of orders, the invariants, open orders by market."""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Final

import structlog
import trio

from exchange.admin import wire
from exchange.admin.house import House
from exchange.admin.methods.markets import count_open
from exchange.clock import Clock
from exchange.core.audit import violations
from exchange.core.book import Book
from exchange.core.units import MarketId, Micros

CHECK_US: Final = 10_000_000
"""Least time between two checks of the invariants."""

CHECK_SHARE: Final = 500
"""A check or count may take one part in this many of the time: it holds up trading while it runs."""

MAX_VIOLATIONS: Final = 20


_log = structlog.get_logger("exchange.admin")


class Rate:
    """Counts, and once a second turns the count into a rate."""

    def __init__(self, clock: Clock) -> None:
        self.count = 0
        self.per_second = 0
        self._clock = clock
        self._since = clock.now()

    def measure(self) -> None:
        now = self._clock.now()
        self.per_second = self.count * 1_000_000 // max(now - self._since, 1)
        self.count, self._since = 0, now


class Check:
    """The invariants, checked again and again: rarely where there is much to check."""

    def __init__(self, house: House) -> None:
        self.time = Micros(0)
        self.found: tuple[str, ...] = ()
        self._house = house

    async def run(self) -> None:
        while True:
            took = await self._house.sequencer.read(lambda state: self._look(violations(state)))
            await trio.sleep(max(CHECK_US, CHECK_SHARE * took) / 1_000_000)

    def _look(self, found: Iterator[str]) -> int:
        """How many microseconds the check took."""
        before = self._house.clock.now()
        try:
            self.found = tuple(wire.clean(sentence) for sentence in islice(found, MAX_VIOLATIONS))
        except Exception as error:  # noqa: BLE001  # a state that cannot even be checked is the worst finding of all
            _log.error("the check of the invariants failed", trace=traceback.format_exc())
            self.found = (f"the check itself failed: {type(error).__name__}",)
        self.time = self._house.clock.now()
        return self.time - before


class OpenOrders:
    """Open orders by market, counted anew whenever that takes a small enough share of the time."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._counts: dict[MarketId, int] = {}
        self._next = 0

    async def counts(self) -> dict[MarketId, int]:
        if self._house.clock.now() >= self._next:
            await self._house.sequencer.read(lambda state: self._look(state.books))
        return self._counts

    def _look(self, books: Mapping[MarketId, Book]) -> None:
        before = self._house.clock.now()
        self._counts = {market: count_open(book) for market, book in books.items()}
        after = self._house.clock.now()
        self._next = after + (after - before) * CHECK_SHARE
