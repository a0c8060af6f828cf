"""What everybody may see of the markets: book, trades, candles. Tickers are next door."""

from __future__ import annotations

import msgspec

from exchange.api import errors, wire_market
from exchange.api.auth import Caller
from exchange.api.endpoints.orders import OneMarket, page
from exchange.api.errors import Refused
from exchange.api.parameters import Count, Symbol, Symbols, SymbolStatus, Zone
from exchange.api.rooms import Rooms
from exchange.api.wire_market import (
    AggregateTrade,
    AveragePrice,
    ExecutionRules,
    Kline,
    PublicTrade,
    SymbolRules,
)
from exchange.core.units import Micros, TradeId
from exchange.market_data.intervals import Interval
from exchange.market_data.printing import average_text
from exchange.market_data.ticker import AVERAGE_MINUTES

MAX_LEVELS = 5_000


class DepthRequest(msgspec.Struct, frozen=True, rename="camel"):
    symbol: Symbol
    limit: Count = Count(100)
    symbol_status: SymbolStatus | None = None


class TradesRequest(msgspec.Struct, frozen=True):
    symbol: Symbol
    limit: Count = Count(500)


class HistoryRequest(msgspec.Struct, frozen=True, rename="camel"):
    symbol: Symbol
    limit: Count = Count(500)
    from_id: Count | None = None


class BlockTradesRequest(msgspec.Struct, frozen=True, rename="camel"):
    symbol: Symbol
    from_id: Count
    limit: Count = Count(500)


class RulesRequest(msgspec.Struct, frozen=True, rename="camel"):
    symbol: Symbol | None = None
    symbols: Symbols | None = None
    symbol_status: SymbolStatus | None = None


class CalculationRequest(msgspec.Struct, frozen=True, rename="camel"):
    symbol: Symbol
    symbol_status: SymbolStatus | None = None


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
    time_zone: Zone | None = None
    limit: Count = Count(500)


async def depth(rooms: Rooms, caller: Caller | None, request: DepthRequest) -> wire_market.Depth:
    """The book from the best prices on, as of the last commit."""
    market = rooms.catalogue.find_in(request.symbol, request.symbol_status)
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


async def block_trades(rooms: Rooms, caller: Caller | None, request: BlockTradesRequest) -> list[PublicTrade]:
    """Trades arranged off the book: none, for there is no such desk."""
    rooms.catalogue.find(request.symbol)
    page(request.limit)
    return []


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
    """Candles without gaps from the market's first trade on; they begin by the clocks of `timeZone`."""
    market = rooms.catalogue.find(request.symbol)
    interval, limit = request.interval.in_zone(request.time_zone or 0), page(request.limit)
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
        average_text(market, lots, atoms, rooms.hub.last_price(market.id)),
        last[0].time // 1000 if last else 0,
    )


async def execution_rules(rooms: Rooms, caller: Caller | None, request: RulesRequest) -> ExecutionRules:
    """Rules of execution beside the filters, market by market: none."""
    sent = [request.symbol, request.symbols, request.symbol_status]
    if sum(one is not None for one in sent) > 1:
        raise Refused(errors.BAD_COMBINATION)
    chosen = rooms.catalogue.select(request.symbol, request.symbols, request.symbol_status)
    return ExecutionRules([SymbolRules(market.symbol) for market in chosen])


async def reference_price(rooms: Rooms, caller: Caller | None, request: OneMarket) -> None:
    """A price that the market is held to: refused (-2043), for no market has one."""
    rooms.catalogue.find(request.symbol)
    raise Refused(errors.NO_REFERENCE_PRICE)


async def reference_calculation(rooms: Rooms, caller: Caller | None, request: CalculationRequest) -> None:
    """How that price is reached: refused (-2043), for no market has one."""
    rooms.catalogue.find_in(request.symbol, request.symbol_status)
    raise Refused(errors.NO_REFERENCE_PRICE)
