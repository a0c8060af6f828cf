"""What everybody may see of the markets: book, trades, candles, tickers."""

from __future__ import annotations

import msgspec

from exchange.api import errors, wire_market
from exchange.api.amounts import average_text, price_text
from exchange.api.auth import Caller
from exchange.api.endpoints.orders import OneMarket, page
from exchange.api.errors import Refused
from exchange.api.parameters import Count, Symbol, Symbols, TickerType
from exchange.api.rooms import Rooms
from exchange.api.wire_market import (
    AggregateTrade,
    AveragePrice,
    BookTicker,
    DayTicker,
    Kline,
    MiniTicker,
    PriceTicker,
    PublicTrade,
)
from exchange.core.market import Market
from exchange.core.units import Micros, TradeId
from exchange.market_data.intervals import Interval
from exchange.market_data.ticker import AVERAGE_MINUTES

MAX_LEVELS = 5_000


class DepthRequest(msgspec.Struct, frozen=True):
    symbol: Symbol
    limit: Count = Count(100)


class TradesRequest(msgspec.Struct, frozen=True):
    symbol: Symbol
    limit: Count = Count(500)


class HistoryRequest(msgspec.Struct, frozen=True, rename="camel"):
    symbol: Symbol
    limit: Count = Count(500)
    from_id: Count | None = None


class AggregateRequest(msgspec.Struct, frozen=True, rename="camel"):
    symbol: Symbol
    from_id: Count | None = None
    start_time: Micros | None = None
    end_time: Micros | None = None
    limit: Count = Count(500)


class KlineRequest(msgspec.Struct, frozen=True, rename="camel"):
    symbol: Symbol
    interval: Interval
    start_time: Micros | None = None
    end_time: Micros | None = None
    time_zone: str = "0"
    limit: Count = Count(500)


class TickerRequest(msgspec.Struct, frozen=True):
    symbol: Symbol | None = None
    symbols: Symbols | None = None


class DayRequest(TickerRequest, frozen=True):
    type: TickerType = TickerType.FULL


async def depth(rooms: Rooms, caller: Caller | None, request: DepthRequest) -> wire_market.Depth:
    """The book from the best prices on, as of the last commit."""
    market = rooms.catalogue.find(request.symbol)
    if not request.limit:
        raise Refused(errors.invalid("limit"))
    return wire_market.depth(market, rooms.hub.depth(market.id, min(request.limit, MAX_LEVELS)))


async def trades(rooms: Rooms, caller: Caller | None, request: TradesRequest) -> list[PublicTrade]:
    """The newest trades, oldest first."""
    market = rooms.catalogue.find(request.symbol)
    return [wire_market.public_trade(market, row) for row in rooms.hub.last_trades(market.id, page(request.limit))]


async def old_trades(rooms: Rooms, caller: Caller | None, request: HistoryRequest) -> list[PublicTrade]:
    """Trades from an id on, or the newest."""
    market, limit = rooms.catalogue.find(request.symbol), page(request.limit)
    from_id = TradeId(request.from_id) if request.from_id is not None else None
    queries = rooms.queries
    rows = await queries.run(lambda: queries.trades(market.id, from_id=from_id, limit=limit))
    return [wire_market.public_trade(market, row) for row in rows]


async def aggregates(rooms: Rooms, caller: Caller | None, request: AggregateRequest) -> list[AggregateTrade]:
    """Trades added up by taker and price."""
    market, limit = rooms.catalogue.find(request.symbol), page(request.limit)
    if request.from_id is not None and (request.start_time is not None or request.end_time is not None):
        raise Refused(errors.BAD_COMBINATION)
    queries = rooms.queries
    rows = await queries.run(
        lambda: queries.aggregates(market.id, request.from_id, request.start_time, request.end_time, limit)
    )
    return [wire_market.aggregate_trade(market, row) for row in rows]


async def klines(rooms: Rooms, caller: Caller | None, request: KlineRequest) -> list[Kline]:
    """Candles without gaps from the market's first trade on; days and weeks begin in UTC."""
    market = rooms.catalogue.find(request.symbol)
    if request.time_zone not in {"0", "0:00", "00:00"}:
        raise Refused(errors.invalid("timeZone"))
    interval, limit = request.interval, page(request.limit)
    now = rooms.clock.now()
    bars = await rooms.hub.klines(market.id, interval, now, request.start_time, request.end_time, limit)
    return [wire_market.kline(market, bar, interval.end(bar.start)) for bar in bars]


async def average_price(rooms: Rooms, caller: Caller | None, request: OneMarket) -> AveragePrice:
    """The mean price of the last five minutes; the last price when nobody traded."""
    market = rooms.catalogue.find(request.symbol)
    lots, atoms = rooms.hub.average(market.id, rooms.clock.now())
    last = rooms.hub.last_trades(market.id, 1)
    return AveragePrice(
        AVERAGE_MINUTES,
        average_text(market, atoms, lots, rooms.hub.last_price(market.id)),
        last[0].time // 1000 if last else 0,
    )


async def prices(rooms: Rooms, caller: Caller | None, request: TickerRequest) -> PriceTicker | list[PriceTicker]:
    """The last price; 0 before the first trade."""
    tickers = [
        PriceTicker(market.symbol, price_text(market, rooms.hub.last_price(market.id)))
        for market in _chosen(rooms, request)
    ]
    return tickers[0] if request.symbol is not None else tickers


async def book_tickers(rooms: Rooms, caller: Caller | None, request: TickerRequest) -> BookTicker | list[BookTicker]:
    """The best prices."""
    tickers = [wire_market.book_ticker(market, rooms.hub.best(market.id)) for market in _chosen(rooms, request)]
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
        return wire_market.mini_ticker(market, day)
    last = rooms.hub.last_trades(market.id, 1)
    return wire_market.day_ticker(market, day, rooms.hub.best(market.id), last[0].quantity if last else 0)


def _chosen(rooms: Rooms, request: TickerRequest) -> list[Market]:
    return rooms.catalogue.select(request.symbol, request.symbols)
