"""Market streams that speak at intervals: books, candles, tickers, averages."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Final

import msgspec

from exchange.api import stream_messages as messages
from exchange.api.feeds import Feed, MarketFeed, Reader
from exchange.api.stream_wire import DiffMessage
from exchange.core.orders import Side
from exchange.core.units import Micros, Price
from exchange.market_data.bars import Bar
from exchange.market_data.depth import Best, DepthSnapshot
from exchange.market_data.hub import Change, Hub
from exchange.market_data.intervals import Interval
from exchange.market_data.ticker import WINDOWS, Ticker
from exchange.market_data.view import MarketView

TICKERS: Final = frozenset({"ticker", "miniTicker", *(f"ticker_{window}" for window in WINDOWS)})
"""Kinds of tickers that are streamed."""

_MAX_QUIET_CANDLES: Final = 60
"""How many candles without a trade one beat may catch up on."""


class PeriodicFeed(MarketFeed, ABC):
    """A stream that speaks at most once in `period` microseconds."""

    def __init__(self, name: str, view: MarketView, period: int) -> None:
        super().__init__(name, view)
        self._period = period
        self._due = 0

    def beat(self, now: Micros) -> None:
        if now >= self._due:
            self._due = now - now % self._period + self._period
            self.speak(now)

    @abstractmethod
    def speak(self, now: Micros) -> None:
        """Say what there is to say, if anything."""


class Greeter(Feed, ABC):
    """A stream that tells new readers at the next beat how things stand, and them alone.

    Were all told again because one came, whoever comes and goes without end could have everybody told at each beat.
    """

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._fresh: list[Reader] = []

    def join(self, reader: Reader) -> None:
        """A new reader is told at the next beat."""
        super().join(reader)
        self._fresh.append(reader)

    def leave(self, reader: Reader) -> None:
        super().leave(reader)
        if reader in self._fresh:
            self._fresh.remove(reader)

    def say(self, content: object) -> None:
        """Offer one message to all who know how things stood before it."""
        self.tell(self.readers.difference(self._fresh), content)

    def greet(self, now: Micros) -> None:
        """Tell the new ones. To be called at each beat, behind all else."""
        if self._fresh:
            standing = self.standing(now)
            if standing is not None:
                self.tell(self._fresh, standing)
            self._fresh.clear()

    @abstractmethod
    def standing(self, now: Micros) -> object | None:
        """The message that says how things stand; None: there is nothing to say yet."""


class PeriodicGreeter(PeriodicFeed, Greeter):
    """Both."""

    def beat(self, now: Micros) -> None:
        super().beat(now)
        self.greet(now)


class DiffFeed(PeriodicFeed):
    """`@depth`: the levels that changed. `U` follows on the `u` before it without a gap."""

    def __init__(self, name: str, view: MarketView, period: int) -> None:
        super().__init__(name, view, period)
        self._told = view.depth.last_update_id
        self._touched: dict[tuple[Side, Price], None] = {}

    def changed(self, change: Change) -> None:
        for level in change.levels:
            self._touched[level.side, level.price] = None

    def speak(self, now: Micros) -> None:
        if not self._touched:
            return
        depth, rules = self.view.depth, self.view.rules
        sides: dict[Side, list[tuple[int, int]]] = {Side.BUY: [], Side.SELL: []}
        for side, price in self._touched:
            sides[side].append((price, depth.at(side, price)))
        self._touched = {}
        first, self._told = self._told + 1, depth.last_update_id
        bids, asks = messages.pairs(rules, sides[Side.BUY]), messages.pairs(rules, sides[Side.SELL])
        time = messages.milliseconds(now)
        self.say(DiffMessage("depthUpdate", time, rules.symbol, first, self._told, bids, asks))


class PartialFeed(PeriodicGreeter):
    """`@depth5`, `@depth10`, `@depth20`: the best levels, when one of them changed."""

    def __init__(self, name: str, view: MarketView, period: int, levels: int) -> None:
        super().__init__(name, view, period)
        self._levels = levels
        self._last: DepthSnapshot | None = None

    def standing(self, now: Micros) -> object:  # noqa: ARG002  # the message carries no time
        return messages.partial_message(self.view.rules, self.view.depth.snapshot(self._levels))

    def speak(self, now: Micros) -> None:  # noqa: ARG002
        snapshot = self.view.depth.snapshot(self._levels)
        if self._last is None or snapshot.last_update_id != self._last.last_update_id:
            self._last = snapshot
            self.say(messages.partial_message(self.view.rules, snapshot))


class KlineFeed(PeriodicGreeter):
    """`@kline_…`: the candle as it grows, and once more, with `x`, when it is over."""

    def __init__(self, name: str, view: MarketView, period: int, interval: Interval) -> None:
        super().__init__(name, view, period)
        self._interval = interval
        self._last: Bar | None = None
        self._start: Micros | None = None

    def beat(self, now: Micros) -> None:
        self._finish(now)
        super().beat(now)

    def _finish(self, now: Micros) -> None:
        """Say the last word on each candle that has ended since the last beat."""
        current = self._interval.start(now)
        start, self._start = self._start, current
        for _ in range(_MAX_QUIET_CANDLES):
            if start is None or start >= current:
                return
            bar = self.view.candles.starting(self._interval, start)
            if bar is not None:
                self.say(messages.kline_message(self.view.rules, self._interval, bar, now, over=True))
            start = self._interval.end(start)

    def _growing(self, now: Micros) -> Bar | None:
        return self.view.candles.starting(self._interval, self._interval.start(now))

    def standing(self, now: Micros) -> object | None:
        bar = self._growing(now)
        if bar is None:
            return None
        return messages.kline_message(self.view.rules, self._interval, bar, now, over=False)

    def speak(self, now: Micros) -> None:
        bar = self._growing(now)
        if bar is not None and bar != self._last:
            self._last = msgspec.structs.replace(bar)
            self.say(messages.kline_message(self.view.rules, self._interval, bar, now, over=False))


class TickerFeed(PeriodicGreeter):
    """`@ticker`, `@miniTicker`, `@ticker_1h` and so on: a window of time, when anything in it changed."""

    def __init__(self, name: str, view: MarketView, period: int, kind: str) -> None:
        super().__init__(name, view, period)
        self._watch = TickerWatch(view, kind)

    def standing(self, now: Micros) -> object:
        return self._watch.message(now)

    def speak(self, now: Micros) -> None:
        news = self._watch.news(now)
        if news is not None:
            self.say(news)


class AverageFeed(PeriodicFeed):
    """`@avgPrice`: the mean price of the last five minutes."""

    def speak(self, now: Micros) -> None:
        if self.view.tape:
            quantity, notional = self.view.average(now)
            self.say(messages.average_message(self.view.rules, quantity, notional, self.view.tape[-1], now))


class TickerWatch:
    """One market's ticker of some kind, and whether it has changed since it was last looked at."""

    def __init__(self, view: MarketView, kind: str) -> None:
        """`kind` is one of `TICKERS`."""
        self._view = view
        self._kind = kind
        self._window = kind.removeprefix("ticker_") if kind.startswith("ticker_") else None
        self._last: tuple[Ticker, Best | None] | None = None

    def message(self, now: Micros) -> object:
        """The message that says how it stands."""
        return self._message(*self._look(now))

    def news(self, now: Micros) -> object | None:
        """The message that says what changed; None when nothing did but the time."""
        ticker, best = self._look(now)
        timeless = (msgspec.structs.replace(ticker, opened=Micros(0), closed=Micros(0)), best)
        if timeless == self._last:
            return None
        self._last = timeless
        return self._message(ticker, best)

    def _look(self, now: Micros) -> tuple[Ticker, Best | None]:
        view, window = self._view, self._window
        ticker = view.ticker(now) if window is None else view.window(window, now)
        return ticker, view.depth.best() if self._kind == "ticker" else None

    def _message(self, ticker: Ticker, best: Best | None) -> object:
        view, window = self._view, self._window
        if window is not None:
            return messages.window_message(view.rules, window, ticker)
        if best is None:
            return messages.mini_ticker_message(view.rules, ticker)
        return messages.ticker_message(view.rules, ticker, best, view.tape[-1].quantity if view.tape else 0)


class AllTickersFeed(Greeter):
    """`!ticker@arr`, `!miniTicker@arr`, `!ticker_1h@arr` and so on: once a second, those tickers that changed."""

    def __init__(self, name: str, hub: Hub, period: int, kind: str) -> None:
        super().__init__(name)
        self._hub = hub
        self._period = period
        self._kind = kind
        self._due = 0
        self._watches: dict[int, TickerWatch] = {}

    def beat(self, now: Micros) -> None:
        if now >= self._due:
            self._due = now - now % self._period + self._period
            self._speak(now)
        self.greet(now)

    def standing(self, now: Micros) -> object | None:
        """All markets, and not only those that changed."""
        return [TickerWatch(view, self._kind).message(now) for view in self._hub.views.values()] or None

    def _speak(self, now: Micros) -> None:
        for market, view in self._hub.views.items():
            if market not in self._watches:
                self._watches[market] = TickerWatch(view, self._kind)
        news = [message for watch in self._watches.values() if (message := watch.news(now)) is not None]
        if news:
            self.say(news)
