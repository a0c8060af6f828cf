"""The markets that ccxt's fixtures speak of, with some trade and something in each book."""

from __future__ import annotations

from typing import Final

from exchange.core import commands as co
from exchange.core.listing import AssetPreset, Presets
from exchange.core.orders import OrderType, Side, TimeInForce
from exchange.core.units import Amount, MarketId, Price, Quantity
from exchange.furnish import list_presets
from exchange.sequencer import Sequencer
from tests.api.house import House, Person, in_usdt

LAST: Final = {
    "LTCUSDT": 69_63,
    "SOLUSDT": 241_00,
    "XRPUSDT": 60,
    "ADAUSDT": 50,
    "BTCUSDT": 60_000_00,
    "ETHUSDT": 3_000_00,
}
"""The last price of each market, in ticks of 0.01."""


PRESETS: Final = Presets(
    asset=tuple(AssetPreset(code, 8) for code in ("LTC", "SOL", "XRP", "ADA", "USDC", "BUSD", "ASR", "EUR")),
    market=(
        in_usdt("LTC", "0.001", "70", 1_000),
        in_usdt("SOL", "0.001", "240", 1_000),
        in_usdt("XRP", "0.1", "0.6", 1_000),
        in_usdt("ADA", "0.1", "0.5", 1_000),
    ),
)
"""What the houses of our tests do not list, with the steps that ccxt's own copy of the markets has."""


async def furnish(house: House) -> None:
    """List the markets, give both traders goods of each, trade once at `LAST`, leave a bid below and an ask above."""
    sequencer = house.rooms.sequencer
    await list_presets(sequencer, PRESETS)
    assets = {asset.code: asset.id for asset in sequencer.state.assets.values()}
    for person in (house.alice, house.bob):
        for market in PRESETS.market:
            give = co.Credit(person.account, assets[market.base], Amount(1_000 * 10**8), f"{person.name} {market.base}")
            assert (await sequencer.call(give)).reject is None
    for symbol, last in LAST.items():
        await trade(house, symbol, last, 1_000)
        await rest(house, house.bob, symbol, Side.SELL, last + 1, 10_000)
        await rest(house, house.bob, symbol, Side.BUY, last - 1, 10_000)


async def trade(house: House, symbol: str, ticks: int, lots: int) -> None:
    """Bob buys from alice."""
    await rest(house, house.alice, symbol, Side.SELL, ticks, lots)
    await rest(house, house.bob, symbol, Side.BUY, ticks, lots, TimeInForce.IOC)


async def rest(
    house: House,
    person: Person,
    symbol: str,
    side: Side,
    ticks: int,
    lots: int,
    time_in_force: TimeInForce = TimeInForce.GTC,
) -> None:
    """A limit order; taken on, or the test fails."""
    order = co.PlaceOrder(
        person.account,
        market_of(house.rooms.sequencer, symbol),
        side,
        OrderType.LIMIT,
        Quantity(lots),
        Price(ticks),
        time_in_force=time_in_force,
    )
    outcome = await house.rooms.sequencer.call(order)
    assert outcome.reject is None, outcome


def market_of(sequencer: Sequencer, symbol: str) -> MarketId:
    """The number of a market."""
    return sequencer.state.symbols[symbol]
