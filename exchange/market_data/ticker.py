"""The last 24 hours of one market, minute by minute, and the average of the last five minutes."""

from __future__ import annotations

from collections import deque
from typing import Final

import msgspec

from exchange.core.units import Micros, Price, TradeId
from exchange.market_data.bars import MINUTE, NO_TRADE, Bar

DAY: Final = 86_400_000_000
_DAY_MINUTES: Final = 1_440
AVERAGE_MINUTES: Final = 5


class Ticker(msgspec.Struct, frozen=True, gc=False):
    """A market's last 24 hours up to `closed`: prices in ticks, `quantity` in lots, `notional` in quote atoms.

    The window moves in whole minutes: the current one and the 1,439 before it. `before` is the last price before
    the window (0: never traded). Without a trade in the window all four prices are the last price known.
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


class RollingDay:
    """The minutes of the last day that are over; the running one is asked for.

    Sums are kept up to date as minutes come and go; the extremes are looked for anew only when the minute that held
    one leaves.
    """

    __slots__ = ("_before", "_count", "_high", "_low", "_minutes", "_notional", "_quantity")

    def __init__(self) -> None:
        """An empty day."""
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

    def _expire(self, now: Micros) -> None:
        """Let go of the minutes that the window has left behind."""
        first = now - now % MINUTE - (_DAY_MINUTES - 1) * MINUTE
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
        opened = Micros(now - DAY)
        first = now - now % MINUTE - (_DAY_MINUTES - 1) * MINUTE
        whole = self._closed_minutes(opened)
        if running is not None and running.start >= first:
            if whole is None:
                whole = running.starting(opened)
            else:
                whole.add(running)
        if whole is None:
            last = running.close if running is not None else self._before
            return Ticker(opened, now, last, last, last, last, last, 0, 0, 0, NO_TRADE, NO_TRADE)
        return Ticker(
            opened,
            now,
            whole.open,
            whole.high,
            whole.low,
            whole.close,
            self._before,
            whole.quantity,
            whole.notional,
            whole.count,
            whole.first_trade,
            whole.last_trade,
        )

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
