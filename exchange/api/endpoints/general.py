"""Whether anybody is there, what time it is, and what the rules are."""

from __future__ import annotations

import msgspec

from exchange.api import errors
from exchange.api.auth import Caller
from exchange.api.endpoints.account import Nothing
from exchange.api.endpoints.orders import OneMarket
from exchange.api.errors import Refused
from exchange.api.parameters import Permissions, Symbol, Symbols, SymbolStatus
from exchange.api.rooms import Rooms
from exchange.api.wire_info import ExchangeInfo, MyFilters, connection_limits, filters_of, rate_limits, symbol_info
from exchange.api.wire_market import Empty, ServerTime
from exchange.core.market import MarketPhase


class InfoRequest(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    symbol: Symbol | None = None
    symbols: Symbols | None = None
    permissions: Permissions | None = None
    show_permission_sets: bool = True
    symbol_status: SymbolStatus | None = None


async def ping(rooms: Rooms, caller: Caller | None, request: Nothing) -> Empty:
    """Whether the house is open."""
    return Empty()


async def server_time(rooms: Rooms, caller: Caller | None, request: Nothing) -> ServerTime:
    """Our clock, in milliseconds."""
    return ServerTime(rooms.clock.now() // 1000)


async def exchange_info(rooms: Rooms, caller: Caller | None, request: InfoRequest) -> ExchangeInfo:
    """The limits and the rules of one market, some, or all."""
    named = request.symbol is not None or request.symbols is not None
    if named and (request.permissions is not None or request.symbol_status is not None):
        raise Refused(errors.BAD_COMBINATION)
    catalogue = rooms.catalogue
    chosen = catalogue.select(request.symbol, request.symbols)
    if request.permissions is not None and "SPOT" not in request.permissions:
        chosen = []
    return ExchangeInfo(
        server_time=rooms.clock.now() // 1000,
        rate_limits=rate_limits(rooms.limits),
        symbols=[
            symbol_info(
                market,
                catalogue.base_and_quote(market),
                catalogue.status(market),
                post_only=catalogue.phases[market.id] is MarketPhase.POST_ONLY,
                with_sets=request.show_permission_sets,
            )
            for market in chosen
            if request.symbol_status in {None, catalogue.status(market)}
        ],
    )


async def exchange_info_to_sockets(rooms: Rooms, caller: Caller | None, request: InfoRequest) -> ExchangeInfo:
    """The same, and how often one may connect: the dialect tells it here alone; REST clients may not know it."""
    info = await exchange_info(rooms, caller, request)
    return msgspec.structs.replace(info, rate_limits=[*info.rate_limits, *connection_limits(rooms.limits)])


async def my_filters(rooms: Rooms, caller: Caller, request: OneMarket) -> MyFilters:
    """What holds back this account's orders in one market. No account has a limit of its own on an asset."""
    return MyFilters(symbol_filters=filters_of(rooms.catalogue.find(request.symbol)))
