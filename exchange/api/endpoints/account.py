"""One's own account: balances, commissions, trades, what is left of the order limits, listen keys."""

from __future__ import annotations

import msgspec

from exchange.api import errors
from exchange.api.amounts import rate_text
from exchange.api.auth import Caller
from exchange.api.endpoints.orders import OneMarket, check_span, page
from exchange.api.endpoints.reading import holdings
from exchange.api.errors import Refused
from exchange.api.parameters import Count, Symbol
from exchange.api.rooms import Rooms
from exchange.api.wire_account import (
    AccountReply,
    Balance,
    CommissionReply,
    ListenKey,
    OrderCount,
    Rates,
)
from exchange.api.wire_market import Empty
from exchange.api.wire_trades import OwnTrade, own_trades
from exchange.core.decimals import render
from exchange.core.units import Micros, OrderId, Ppm, TradeId
from exchange.office.keys import Scope


class AccountRequest(msgspec.Struct, frozen=True, rename="camel"):
    omit_zero_balances: bool = False


class MyTrades(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    symbol: Symbol
    order_id: Count | None = None
    start_time: Micros | None = None
    end_time: Micros | None = None
    from_id: Count | None = None
    limit: Count = Count(500)


class AllocationsRequest(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    symbol: Symbol
    start_time: Micros | None = None
    end_time: Micros | None = None
    from_allocation_id: Count | None = None
    limit: Count = Count(500)
    order_id: Count | None = None


class Nothing(msgspec.Struct, frozen=True):
    """No parameters."""


class ListenKeyRequest(msgspec.Struct, frozen=True, rename="camel"):
    listen_key: str


async def account(rooms: Rooms, caller: Caller, request: AccountRequest) -> AccountReply:
    """Balances of every listed asset, all as of one moment, and what the account may do."""
    now = rooms.clock.now()
    found = await holdings(rooms, caller.account)
    catalogue, networks = rooms.catalogue, await rooms.desk.networks()
    rates = [catalogue.fees(market, found.tier) for market in catalogue.markets.values()]
    maker = max((rate[0] for rate in rates), default=Ppm(0))
    taker = max((rate[1] for rate in rates), default=Ppm(0))
    assets = [catalogue.assets[asset] for asset in found.balances]
    return AccountReply(
        maker_commission=maker // 100,
        taker_commission=taker // 100,
        commission_rates=Rates(rate_text(maker), rate_text(taker)),
        can_trade=not found.frozen and Scope.TRADE in caller.scopes,
        can_withdraw=not found.frozen and any(one.withdrawals_open for one in networks),
        can_deposit=any(one.deposits_open for one in networks),
        update_time=now // 1000,
        balances=[
            Balance(asset.code, render(free, asset.decimals), render(locked, asset.decimals))
            for asset in assets
            for free, locked in (found.balances[asset.id],)
            if free or locked or not request.omit_zero_balances
        ],
        permissions=["SPOT"],
        uid=caller.account,
    )


async def commission(rooms: Rooms, caller: Caller, request: OneMarket) -> CommissionReply:
    """What this account pays in one market."""
    market = rooms.catalogue.find(request.symbol)
    tier = (await holdings(rooms, caller.account)).tier
    maker, taker = rooms.catalogue.fees(market, tier)
    return CommissionReply(symbol=market.symbol, standard_commission=Rates(rate_text(maker), rate_text(taker)))


async def my_trades(rooms: Rooms, caller: Caller, request: MyTrades) -> list[OwnTrade]:
    """One's own trades in a market by ascending id."""
    market = rooms.catalogue.find(request.symbol)
    check_span(request.start_time, request.end_time)
    timed = request.start_time is not None or request.end_time is not None
    if timed and (request.order_id is not None or request.from_id is not None):
        raise Refused(errors.BAD_COMBINATION)
    order = OrderId(request.order_id) if request.order_id is not None else None
    from_id = TradeId(request.from_id) if request.from_id is not None else None
    queries, limit = rooms.queries, page(request.limit)
    rows = await queries.run(
        lambda: queries.account_trades(
            caller.account, market.id, order, from_id, request.start_time, request.end_time, limit
        )
    )
    orders = {number for row in rows for number in (row.maker_order, row.taker_order)}
    lists = await queries.run(lambda: queries.lists_of(orders))
    codes = rooms.catalogue.base_and_quote(market)
    return [trade for row in rows for trade in own_trades(market, codes, row, caller.account, order, lists)]


async def allocations(rooms: Rooms, caller: Caller, request: AllocationsRequest) -> list[object]:
    """Fills handed out by smart order routing: none, for orders are filled where they stand."""
    rooms.catalogue.find(request.symbol)
    page(request.limit)
    check_span(request.start_time, request.end_time)
    timed = request.start_time is not None or request.end_time is not None
    if timed and (request.order_id is not None or request.from_allocation_id is not None):
        raise Refused(errors.BAD_COMBINATION)
    return []


async def order_counts(rooms: Rooms, caller: Caller, request: Nothing) -> list[OrderCount]:
    """How many orders the account has placed in each interval that is limited."""
    return [
        OrderCount(interval=limit.interval, interval_num=limit.number, limit=limit.limit, count=count)
        for limit, count in rooms.limits.orders(caller.account, rooms.clock.now())
        if limit.limit
    ]


async def open_stream(rooms: Rooms, caller: Caller, request: Nothing) -> ListenKey:
    """A key to one's own event stream."""
    return ListenKey(rooms.listen_keys.create(caller.account, caller.api_key, rooms.clock.now()))


async def keep_stream(rooms: Rooms, caller: Caller, request: ListenKeyRequest) -> Empty:
    """Extend the life of a listen key."""
    if not rooms.listen_keys.keep_alive(caller.account, request.listen_key, rooms.clock.now()):
        raise Refused(errors.BAD_LISTEN_KEY)
    return Empty()


async def close_stream(rooms: Rooms, caller: Caller, request: ListenKeyRequest) -> Empty:
    """End a listen key and the stream on it."""
    if not rooms.listen_keys.close(caller.account, request.listen_key):
        raise Refused(errors.BAD_LISTEN_KEY)
    return Empty()
