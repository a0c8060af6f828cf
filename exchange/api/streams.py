"""All market streams: their names, who reads them, and the beat of those that speak at intervals."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Final

import trio

from exchange.api import book_feed, feeds, periodic_feeds
from exchange.api.feeds import Feed, Reader
from exchange.api.periodic_feeds import TICKERS
from exchange.clock import Clock
from exchange.core.units import MarketId
from exchange.market_data.hub import Change, Hub
from exchange.market_data.intervals import STREAMED, ZONED_STREAMS, zone_text
from exchange.market_data.view import MarketView

_BEAT: Final = 100_000
_SECOND: Final = 1_000_000
_NAME: Final = re.compile(r"([a-z0-9_.-]{1,20})@([A-Za-z0-9_]{1,20})(@100ms|@1000ms|@\+08:00)?", re.ASCII).fullmatch
_ALL: Final = re.compile(r"!([A-Za-z0-9_]{1,20})@arr(@1000ms|@3000ms)?", re.ASCII).fullmatch
_ZONE: Final = f"@{zone_text(ZONED_STREAMS)}"
_PARTIAL: Final = {"depth5": 5, "depth10": 10, "depth20": 20}


class UnknownStream(Exception):
    """No stream of that name; the message is the name."""


class Streams:
    """The streams that somebody reads. A stream nobody reads costs nothing: it does not exist."""

    def __init__(self, hub: Hub) -> None:
        """Listens to `hub` from here on."""
        self._hub = hub
        self._feeds: dict[str, Feed] = {}
        self._by_market: dict[MarketId, list[Feed]] = {}
        hub.listen(self._changed)

    def check(self, name: str) -> None:
        """Raise `UnknownStream` unless there is a stream of that name."""
        if name not in self._feeds:
            self._make(name)

    def join(self, name: str, reader: Reader) -> None:
        """Let `reader` have what the stream says from here on. Raises `UnknownStream`."""
        feed = self._feeds.get(name)
        if feed is None:
            feed = self._feeds[name] = self._make(name)
            if isinstance(feed, feeds.MarketFeed):
                self._by_market.setdefault(feed.view.rules.id, []).append(feed)
        feed.join(reader)

    def leave(self, name: str, reader: Reader) -> None:
        """Stop; a stream without readers goes."""
        feed = self._feeds[name]
        feed.leave(reader)
        if not feed.readers:
            del self._feeds[name]
            if isinstance(feed, feeds.MarketFeed):
                self._by_market[feed.view.rules.id].remove(feed)

    def _changed(self, change: Change) -> None:
        for feed in self._by_market.get(change.view.rules.id, ()):
            feed.changed(change)

    async def run(self, clock: Clock, settled: Callable[[], Awaitable[object]]) -> None:
        """Beat ten times a second, for ever.

        `settled` returns once all that was decided before it was called has been committed and told: so a candle's
        last word never lacks a trade that was still on its way to the disk.
        """
        while True:
            if self._feeds:
                now = clock.now()
                await settled()
                for feed in list(self._feeds.values()):
                    feed.beat(now)
            await trio.sleep((_BEAT - clock.now() % _BEAT) / _SECOND)

    def _make(self, name: str) -> Feed:
        """The stream of that name. Raises `UnknownStream`."""
        if name.startswith("!"):
            all_of = _ALL(name)
            if all_of is None or all_of.group(1) not in TICKERS:
                raise UnknownStream(name)
            period = 3 * _SECOND if all_of.group(2) == "@3000ms" else _SECOND
            return periodic_feeds.AllTickersFeed(name, self._hub, period, all_of.group(1))
        match = _NAME(name)
        market = self._hub.symbols.get(match.group(1).upper()) if match else None
        if match is None or market is None:
            raise UnknownStream(name)
        feed = _market_feed(name, self._hub.views[market], match.group(2), match.group(3))
        if feed is None:
            raise UnknownStream(name)
        return feed


def _market_feed(name: str, view: MarketView, kind: str, speed: str | None) -> Feed | None:
    """The stream of that kind of one market; only books come at two speeds, only candles in two zones."""
    period = _BEAT if speed == "@100ms" else _SECOND
    if kind == "depth" and speed != _ZONE:
        return periodic_feeds.DiffFeed(name, view, period)
    if kind in _PARTIAL and speed != _ZONE:
        return periodic_feeds.PartialFeed(name, view, period, _PARTIAL[kind])
    if kind.startswith("kline_"):
        interval = STREAMED.get(kind.removeprefix("kline_") + (speed or ""))
        slow = _SECOND if kind == "kline_1s" else 2 * _SECOND
        return periodic_feeds.KlineFeed(name, view, slow, interval) if interval else None
    if speed is not None:
        return None
    if kind in TICKERS:
        return periodic_feeds.TickerFeed(name, view, _SECOND, kind)
    match kind:
        case "trade":
            return feeds.TradeFeed(name, view)
        case "aggTrade":
            return feeds.AggregateFeed(name, view)
        case "bookTicker":
            return feeds.BookTickerFeed(name, view)
        case "book":
            return book_feed.BookFeed(name, view)
        case "avgPrice":
            return periodic_feeds.AverageFeed(name, view, _SECOND)
        case _:
            return None
