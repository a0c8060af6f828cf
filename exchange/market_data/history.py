"""Candles of any length and age, added up from the ledger's minutes (one-second candles: from its trades)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from exchange.core.units import MarketId, Micros, TradeId
from exchange.ledger.queries import Queries
from exchange.market_data.bars import MINUTE, SECOND, Bar, bar_of_row, bar_of_trade, quiet
from exchange.market_data.intervals import Interval
from exchange.market_data.view import MarketView

_QUARTER: Final = 15 * MINUTE
_HOUR: Final = 60 * MINUTE
_CHUNK: Final = 24 * _HOUR
KEPT_CHUNKS: Final = 2_000
"""How many days of quarters or hours are kept for quick answers, over all markets: 192,000 bars at the most."""
_PAGE: Final = 1_000
_MOST_TRADES: Final = 20_000
"""How many trades one question for one-second candles may read."""


class History:
    """Answers for candles. Days that are over are kept as quarters or hours: long candles need no minutes twice."""

    def __init__(self, queries: Queries) -> None:
        """Reads through `queries`, a page at a time, so that other questions find their turn in between."""
        self._queries = queries
        self._days: dict[tuple[MarketId, Micros, int], list[Bar]] = {}

    async def klines(
        self,
        view: MarketView,
        interval: Interval,
        now: Micros,
        start: Micros | None,
        end: Micros | None,
        limit: int,
    ) -> list[Bar]:
        """See `Hub.klines`."""
        if limit <= 0 or not view.tape:
            return []
        market = view.rules.id
        last = interval.start(now if end is None else Micros(min(now, end)))
        first = interval.before(last, limit - 1) if start is None else _first_from(interval, start)
        before = await self.last_before(market, first)
        if before is None:
            oldest = await self._queries.run(lambda: self._queries.bars(market, first // MINUTE, now // MINUTE + 1, 1))
            if not oldest:
                return []
            first = max(first, interval.start(Micros(oldest[0].minute * MINUTE)))
        if start is not None:
            last = min(last, _step(interval, first, limit - 1))
        if first > last:
            return []
        stop = interval.end(last)
        if interval.name == "1s":
            bars, stop = await self._seconds(view, first, stop)
        else:
            unit = next((unit for unit in (_HOUR, _QUARTER) if interval.falls_on(unit)), MINUTE)
            bars = await self._bars(market, first, Micros(min(stop, now + 1)), now, unit)
        return list(_gapless(bars, interval, first, stop, before))

    async def since(self, market: MarketId, first: Micros, now: Micros) -> list[Bar]:
        """All from `first` on, which begins a minute: minutes up to the first full hour, hours from there on."""
        hour = Micros(-(-first // _HOUR) * _HOUR)
        minutes = await self._minutes(market, first, hour)
        return minutes + await self._days_of(market, hour, Micros(now + MINUTE), now, _HOUR)

    async def last_before(self, market: MarketId, time: Micros) -> Bar | None:
        """The last candle or minute with a trade before `time`, for its closing price; None when there is none."""
        if time % MINUTE:
            end = Micros(time - 1)
            rows = await self._queries.run(lambda: self._queries.trades(market, end=end, limit=1))
            return bar_of_trade(rows[0], rows[0].time) if rows else None
        row = await self._queries.run(lambda: self._queries.newest_bar_before(market, time // MINUTE))
        return bar_of_row(row) if row is not None else None

    async def _bars(self, market: MarketId, first: Micros, stop: Micros, now: Micros, unit: int) -> list[Bar]:
        """Bars of length `unit` from `first` up to and without `stop`; only those with trades."""
        if unit == MINUTE:
            return await self._minutes(market, first, Micros(-(-stop // MINUTE) * MINUTE))
        return await self._days_of(market, first, stop, now, unit)

    async def _minutes(self, market: MarketId, first: Micros, stop: Micros) -> list[Bar]:
        """The minutes from `first` up to and without `stop`."""
        minute, end = first // MINUTE, stop // MINUTE
        bars: list[Bar] = []
        while minute < end:
            at = minute
            rows = await self._queries.run(lambda at=at: self._queries.bars(market, at, end, _PAGE))  # type: ignore[misc]
            bars += [bar_of_row(row) for row in rows]
            if len(rows) < _PAGE:
                break
            minute = rows[-1].minute + 1
        return bars

    async def _days_of(self, market: MarketId, first: Micros, stop: Micros, now: Micros, unit: int) -> list[Bar]:
        """Bars of length `unit` from `first` up to and without `stop`; days over for an hour are kept."""
        bars: list[Bar] = []
        day: Micros | None = Micros(first - first % _CHUNK)
        while day is not None and day < stop:
            found = await self._day(market, day, unit, over=day + _CHUNK + _HOUR <= now)
            bars += found
            day = Micros(day + _CHUNK)
            if not found:
                day = await self._next_day(market, day, stop)
        return [bar for bar in bars if first <= bar.start < stop]

    async def _next_day(self, market: MarketId, day: Micros, stop: Micros) -> Micros | None:
        """The first day with a trade from `day` on, before `stop`; None when there is none."""
        rows = await self._queries.run(lambda: self._queries.bars(market, day // MINUTE, stop // MINUTE + 1, 1))
        return Micros(rows[0].minute * MINUTE // _CHUNK * _CHUNK) if rows else None

    async def _day(self, market: MarketId, day: Micros, unit: int, *, over: bool) -> list[Bar]:
        """One day's bars of length `unit` that had trades."""
        known = self._days.get((market, day, unit))
        if known is not None:
            return known
        bars: list[Bar] = []
        for minute in await self._minutes(market, day, Micros(day + _CHUNK)):
            start = Micros(minute.start - minute.start % unit)
            if bars and bars[-1].start == start:
                bars[-1].add(minute)
            else:
                bars.append(minute.starting(start))
        if over:
            if len(self._days) >= KEPT_CHUNKS:
                del self._days[next(iter(self._days))]
            self._days[(market, day, unit)] = bars
        return bars

    async def _seconds(self, view: MarketView, first: Micros, stop: Micros) -> tuple[list[Bar], Micros]:
        """The seconds from `first` on, and up to where they are complete: `stop`, unless there are too many trades."""
        running = view.candles.youngest("1s")
        if first >= view.candles.seconds_since:
            kept = [*view.candles.seconds, *([running] if running is not None else [])]
            return [bar.starting(bar.start) for bar in kept if first <= bar.start < stop], stop
        market, queries = view.rules.id, self._queries
        bars: list[Bar] = []
        next_id, read = TradeId(0), 0
        while read < _MOST_TRADES:
            at = next_id
            rows = await queries.run(
                lambda at=at: queries.trades(market, from_id=at, start=first, end=Micros(stop - 1), limit=_PAGE),  # type: ignore[misc]
            )
            for row in rows:
                second = Micros(row.time - row.time % SECOND)
                if bars and bars[-1].start == second:
                    bars[-1].add_trade(row)
                else:
                    bars.append(bar_of_trade(row, second))
            if len(rows) < _PAGE:
                return bars, stop
            next_id, read = TradeId(rows[-1].id + 1), read + len(rows)
        incomplete = bars.pop()
        return bars, incomplete.start


def _first_from(interval: Interval, time: Micros) -> Micros:
    """When the first candle that does not begin before `time` begins."""
    start = interval.start(time)
    return start if start == time else interval.end(start)


def _step(interval: Interval, first: Micros, count: int) -> Micros:
    """When the candle `count` candles after the one at `first` begins."""
    if interval.micros:
        return Micros(first + count * interval.micros)
    for _ in range(count):
        first = interval.end(first)
    return first


def _gapless(
    bars: list[Bar],
    interval: Interval,
    first: Micros,
    stop: Micros,
    before: Bar | None,
) -> Iterator[Bar]:
    """The candles of `interval` from `first` up to and without `stop`, quiet ones where there was no trade.

    They begin at `first` if there was a trade before it, else with the first trade.
    """
    left = iter(bars)
    bar = next(left, None)
    close = before.close if before is not None else None
    start = first
    while start < stop:
        end = interval.end(start)
        candle: Bar | None = None
        while bar is not None and bar.start < end:
            if candle is None:
                candle = bar.starting(start)
            else:
                candle.add(bar)
            bar = next(left, None)
        if candle is not None:
            close = candle.close
            yield candle
        elif close is not None:
            yield quiet(start, close)
        start = end
