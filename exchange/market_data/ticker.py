"""Windows of one market that end now: the last 24 hours and others, minute by minute, and the mean of five minutes."""

from __future__ import annotations

from collections import deque
from typing import Final

import msgspec

from exchange.core.units import Micros, Price, TradeId
from exchange.market_data.bars import MINUTE, NO_TRADE, Bar

DAY: Final = 86_400_000_000
DAY_MINUTES: Final = 1_440
WINDOWS: Final = {"1h": 60, "4h": 240, "1d": DAY_MINUTES}
"""The windows that are streamed: how many minutes before the current one each has."""
AVERAGE_MINUTES: Final = 5


class Ticker(msgspec.Struct, frozen=True, gc=False):
    """A market from `opened` to `closed`: prices in ticks, `quantity` in lots, `notional` in quote atoms.

    Windows move in whole minutes. `before` is the last price before the window (0: never traded). Without a trade in
    the window all four prices are the last price known.
    """

    opened: Micros
    closed: Micros
    open: Price
    high: Price
    low: Price
    close: Price
    before: Price
    quantity: int
    notional: int
    count: int
    first_trade: TradeId
    last_trade: TradeId


def ticker_of(whole: Bar | None, opened: Micros, closed: Micros, before: Price, last: Price) -> Ticker:
    """The ticker of all that was traded in a window, added up; with None of a quiet one, at the `last` price."""
    if whole is None:
        return Ticker(opened, closed, last, last, last, last, last, 0, 0, 0, NO_TRADE, NO_TRADE)
    return Ticker(
        opened,
        closed,
        whole.open,
        whole.high,
        whole.low,
        whole.close,
        before,
        whole.quantity,
        whole.notional,
        whole.count,
        whole.first_trade,
        whole.last_trade,
    )


class RollingWindow:
    """The minutes of a window that are over; the running one is asked for.

    Sums are kept up to date as minutes come and go; the extremes are looked for anew only when the minute that held
    one leaves.
    """

    __slots__ = ("_before", "_count", "_earlier", "_high", "_length", "_low", "_minutes", "_notional", "_quantity")

    def __init__(self, earlier: int, length: int = 0) -> None:
        """Empty. The window is the current minute and `earlier` before it.

        It is said to have begun `length` before its end; 0: with the first of its minutes.
        """
        self._earlier = earlier * MINUTE
        self._length = length
        self._minutes: deque[Bar] = deque()
        self._before = Price(0)
        self._quantity = self._notional = self._count = 0
        self._high = self._low = Price(0)

    def start_after(self, price: Price) -> None:
        """Say what the last price was before the first minute that is added."""
        self._before = price

    def add(self, minute: Bar) -> None:
        """Count in a minute that is over, later than all others."""
        first = not self._minutes
        self._minutes.append(minute)
        self._quantity += minute.quantity
        self._notional += minute.notional
        self._count += minute.count
        self._high = max(self._high, minute.high)
        self._low = minute.low if first else min(self._low, minute.low)

    def _first(self, now: Micros) -> Micros:
        """When the first minute of the window that ends at `now` begins."""
        return Micros(now - now % MINUTE - self._earlier)

    def _expire(self, now: Micros) -> None:
        """Let go of the minutes that the window has left behind."""
        first = self._first(now)
        minutes, extreme_left = self._minutes, False
        while minutes and minutes[0].start < first:
            gone = minutes.popleft()
            self._before = gone.close
            self._quantity -= gone.quantity
            self._notional -= gone.notional
            self._count -= gone.count
            extreme_left |= gone.high == self._high or gone.low == self._low
        if extreme_left:
            self._high = max((bar.high for bar in minutes), default=Price(0))
            self._low = min((bar.low for bar in minutes), default=Price(0))

    def ticker(self, now: Micros, running: Bar | None) -> Ticker:
        """The window that ends at `now`; `running` is the youngest minute with a trade."""
        self._expire(now)
        first = self._first(now)
        opened = Micros(now - self._length) if self._length else first
        whole = self._closed_minutes(opened)
        if running is not None and running.start >= first:
            if whole is None:
                whole = running.starting(opened)
            else:
                whole.add(running)
        last = running.close if running is not None else self._before
        return ticker_of(whole, opened, now, self._before, last)

    def _closed_minutes(self, opened: Micros) -> Bar | None:
        """The minutes that are over, added up."""
        if not self._minutes:
            return None
        oldest, youngest = self._minutes[0], self._minutes[-1]
        return Bar(
            opened,
            oldest.open,
            self._high,
            self._low,
            youngest.close,
            self._quantity,
            self._notional,
            self._count,
            first_trade=oldest.first_trade,
            last_trade=youngest.last_trade,
        )

    def average(self, now: Micros, running: Bar | None) -> tuple[int, int]:
        """(lots, quote atoms) traded in the current minute and the four before it."""
        first = now - now % MINUTE - (AVERAGE_MINUTES - 1) * MINUTE
        bars = [running] if running is not None else []
        for bar in reversed(self._minutes):
            if bar.start < first:
                break
            bars.append(bar)
        counted = [bar for bar in bars if bar.start >= first]
        return sum(bar.quantity for bar in counted), sum(bar.notional for bar in counted)
