"""The candles that are still growing, one of every length, and the one before each."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import Final

from exchange.core.units import Micros
from exchange.ledger.rows import TradeRow
from exchange.market_data.bars import SECOND, Bar, bar_of_trade, quiet
from exchange.market_data.intervals import LIVE, Interval

KEPT_SECONDS: Final = 3_600
"""How many one-second candles with trades are kept for quick answers."""


class Candles:
    """One market's live candles.

    Trades are first added up by second; `settle` then adds that second to the candle of every length, so that a
    burst of trades costs one addition each and not two dozen. Times never run backwards: the sequencer sees to that.
    """

    __slots__ = ("_current", "_ends", "_minute_over", "_pending", "_previous", "seconds", "seconds_since")

    def __init__(self, minute_over: Callable[[Bar], None]) -> None:
        """No trade yet; `minute_over` is told of each minute with trades once a later one begins.

        `seconds` are the one-second candles that are over; from `seconds_since` on none with a trade is missing,
        but for those that its length let go.
        """
        self._minute_over = minute_over
        self._pending: Bar | None = None
        self._current: dict[str, Bar] = {}
        self._previous: dict[str, Bar] = {}
        self._ends: dict[str, Micros] = {}
        self.seconds: deque[Bar] = deque(maxlen=KEPT_SECONDS)
        self.seconds_since = Micros(0)

    def trade(self, trade: TradeRow) -> None:
        """Count in the newest trade."""
        second = Micros(trade.time - trade.time % SECOND)
        pending = self._pending
        if pending is not None and pending.start == second:
            pending.add_trade(trade)
            return
        self.settle()
        self._pending = bar_of_trade(trade, second)

    def settle(self) -> None:
        """Bring every candle up to the last trade."""
        if self._pending is not None:
            self.merge(self._pending, LIVE)
            self._pending = None

    def merge(self, bar: Bar, intervals: Iterable[Interval]) -> None:
        """Add a bar, no older than what is there already, to the candles of `intervals`."""
        for interval in intervals:
            name = interval.name
            current = self._current.get(name)
            if current is None:
                self._begin(bar, interval)
            elif bar.start < self._ends[name]:
                current.add(bar)
            else:
                self._over(name, current)
                self._begin(bar, interval)

    def _begin(self, bar: Bar, interval: Interval) -> None:
        start = interval.start(bar.start)
        self._current[interval.name] = bar.starting(start)
        self._ends[interval.name] = interval.end(start)

    def _over(self, name: str, candle: Bar) -> None:
        self._previous[name] = candle
        if name == "1m":
            self._minute_over(candle)
        elif name == "1s":
            if len(self.seconds) == KEPT_SECONDS:
                self.seconds_since = Micros(self.seconds[0].start + SECOND)
            self.seconds.append(candle)

    def youngest(self, name: str) -> Bar | None:
        """The youngest candle with a trade; None before the first trade."""
        self.settle()
        return self._current.get(name)

    def starting(self, interval: Interval, start: Micros) -> Bar | None:
        """The candle that starts at `start`: the youngest, the one before it, or a quiet one after the youngest.

        None for older candles, and before the first trade.
        """
        current = self.youngest(interval.name)
        if current is None or start == current.start:
            return current
        if start > current.start:
            return quiet(start, current.close)
        previous = self._previous.get(interval.name)
        if previous is None or start < previous.start:
            return None
        return previous if start == previous.start else quiet(start, previous.close)
