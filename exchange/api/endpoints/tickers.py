"""Tickers: the last price, the best prices, and what happened in a window of time."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from exchange.api import errors, wire_tickers
from exchange.api.amounts import price_text
from exchange.api.auth import Caller
from exchange.api.errors import Refused
from exchange.api.parameters import MAX_SYMBOLS, Symbol, Symbols, SymbolStatus, TickerType, Window, Zone
from exchange.api.rooms import Rooms
from exchange.api.wire_tickers import BookTicker, DayTicker, MiniTicker, PriceTicker, WindowTicker
from exchange.core.market import Market
from exchange.core.units import Micros
from exchange.market_data.bars import MINUTE
from exchange.market_data.intervals import INTERVALS
from exchange.market_data.ticker import DAY, Ticker

Windows = WindowTicker | MiniTicker | list[WindowTicker | MiniTicker]


class TickerRequest(msgspec.Struct, frozen=True, rename="camel"):
    symbol: Symbol | None = None
    symbols: Symbols | None = None
    symbol_status: SymbolStatus | None = None


class DayRequest(TickerRequest, frozen=True, rename="camel"):
    type: TickerType = TickerType.FULL


class WindowRequest(DayRequest, frozen=True, rename="camel"):
    window_size: Window | None = None


class TradingDayRequest(DayRequest, frozen=True, rename="camel"):
    time_zone: Zone | None = None


async def prices(rooms: Rooms, caller: Caller | None, request: TickerRequest) -> PriceTicker | list[PriceTicker]:
    """The last price; 0 before the first trade."""
    tickers = [
        PriceTicker(market.symbol, price_text(market, rooms.hub.last_price(market.id)))
        for market in _chosen(rooms, request)
    ]
    return tickers[0] if request.symbol is not None else tickers


async def book_tickers(rooms: Rooms, caller: Caller | None, request: TickerRequest) -> BookTicker | list[BookTicker]:
    """The best prices."""
    tickers = [wire_tickers.book_ticker(market, rooms.hub.best(market.id)) for market in _chosen(rooms, request)]
    return tickers[0] if request.symbol is not None else tickers


async def day_tickers(
    rooms: Rooms, caller: Caller | None, request: DayRequest
) -> DayTicker | MiniTicker | list[DayTicker | MiniTicker]:
    """The last 24 hours."""
    tickers = [_day(rooms, market, request.type) for market in _chosen(rooms, request)]
    return tickers[0] if request.symbol is not None else tickers


def _day(rooms: Rooms, market: Market, wanted: TickerType) -> DayTicker | MiniTicker:
    day = rooms.hub.ticker(market.id, rooms.clock.now())
    if wanted is TickerType.MINI:
        return wire_tickers.mini_ticker(market, day)
    last = rooms.hub.last_trades(market.id, 1)
    return wire_tickers.day_ticker(market, day, rooms.hub.best(market.id), last[0].quantity if last else 0)


async def windows(rooms: Rooms, caller: Caller | None, request: WindowRequest) -> Windows:
    """The last `windowSize`, from the minute in which it began up to now."""
    chosen, now = _named(rooms, request), rooms.clock.now()
    opened = now - (request.window_size or DAY)
    return await _windows(rooms, chosen, request, Micros(opened - opened % MINUTE), now)


async def trading_days(rooms: Rooms, caller: Caller | None, request: TradingDayRequest) -> Windows:
    """The day that it is by the clocks of `timeZone`."""
    chosen = _named(rooms, request)
    day = INTERVALS["1d"].in_zone(request.time_zone or 0)
    opened = day.start(rooms.clock.now())
    return await _windows(rooms, chosen, request, opened, Micros(day.end(opened) - 1_000))


async def _windows(
    rooms: Rooms, chosen: Iterable[Market], request: DayRequest, opened: Micros, closed: Micros
) -> Windows:
    """What the ledger has from `opened` on. One market after another, so that others have their turn."""
    tickers = []
    for market in chosen:
        window = await rooms.hub.window(market.id, opened, rooms.clock.now())
        tickers.append(_worded(market, msgspec.structs.replace(window, closed=closed), request.type))
    return tickers[0] if request.symbol is not None else tickers


def _worded(market: Market, window: Ticker, wanted: TickerType) -> WindowTicker | MiniTicker:
    mini = wanted is TickerType.MINI
    return wire_tickers.mini_ticker(market, window) if mini else wire_tickers.window_ticker(market, window)


def _named(rooms: Rooms, request: TickerRequest) -> list[Market]:
    """The markets asked for; refused when none is named, or too many are."""
    if request.symbol is None and request.symbols is None:
        raise Refused(errors.neither("symbol", "symbols"))
    if request.symbols is not None and len(request.symbols) > MAX_SYMBOLS:
        raise Refused(errors.TOO_MANY_SYMBOLS)
    return _chosen(rooms, request)


def _chosen(rooms: Rooms, request: TickerRequest) -> list[Market]:
    return rooms.catalogue.select(request.symbol, request.symbols, request.symbol_status)
