"""What clients of the dialect ask of the wallet and of markets that are not here, before they trade."""

from __future__ import annotations

import msgspec

from exchange.api.amounts import rate_text
from exchange.api.auth import Caller
from exchange.api.endpoints.account import Nothing
from exchange.api.endpoints.reading import holdings
from exchange.api.endpoints.ways import coin_networks, ways_of
from exchange.api.parameters import Symbol
from exchange.api.rooms import Rooms
from exchange.api.wire_account import Coin, EmptyExchange, SystemStatus, TradeFee
from exchange.core.decimals import render


class MaybeSymbol(msgspec.Struct, frozen=True):
    symbol: Symbol | None = None


async def system_status(rooms: Rooms, caller: Caller | None, request: Nothing) -> SystemStatus:
    """Normal, for else nobody would answer."""
    return SystemStatus()


async def coins(rooms: Rooms, caller: Caller, request: Nothing) -> list[Coin]:
    """Every listed asset with one's own balance, and its ways in and out: what they cost, and what your tier may."""
    found, ways = await holdings(rooms, caller.account), await ways_of(rooms, caller.account)
    listed = []
    for number, (free, locked) in found.balances.items():
        asset = rooms.catalogue.assets[number]
        zero, leaving = render(0, asset.decimals), ways.withdrawing.get(number, 0)
        networks = coin_networks(rooms, asset, ways)
        listed.append(
            Coin(
                coin=asset.code,
                name=asset.code,
                free=render(free, asset.decimals),
                locked=render(locked - leaving, asset.decimals),
                deposit_all_enable=any(one.deposit_enable for one in networks),
                withdraw_all_enable=any(one.withdraw_enable for one in networks),
                network_list=networks,
                freeze=zero,
                ipoable=zero,
                ipoing=zero,
                storage=zero,
                withdrawing=render(leaving, asset.decimals),
            )
        )
    return listed


async def trade_fees(rooms: Rooms, caller: Caller, request: MaybeSymbol) -> list[TradeFee]:
    """What this account pays in one market or in all."""
    tier = (await holdings(rooms, caller.account)).tier
    fees = []
    for market in rooms.catalogue.select(request.symbol, None):
        maker, taker = rooms.catalogue.fees(market, tier)
        fees.append(TradeFee(market.symbol, rate_text(maker), rate_text(taker)))
    return fees


async def no_pairs(rooms: Rooms, caller: Caller | None, request: Nothing) -> list[object]:
    """Margin pairs: none."""
    return []


async def no_futures(rooms: Rooms, caller: Caller | None, request: Nothing) -> EmptyExchange:
    """Futures: none."""
    return EmptyExchange(server_time=rooms.clock.now() // 1000)
