"""What ccxt makes of our replies is what its own fixtures say that it makes of such replies, brought about here."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import pytest

from exchange.core import commands as co
from exchange.core.orders import Side
from exchange.core.transfers import DepositState
from exchange.core.units import AccountId, Amount, Micros
from exchange.furnish import list_presets
from exchange.office.keys import Scope
from tests.api.custody.test_wallet import outside
from tests.api.house import House, Person, SetClock, running_house
from tests.api.vaults import deposited, open_ways
from tests.clients.ccxt_fixtures import responses as told
from tests.clients.ccxt_fixtures.market import PRESETS, rest, trade
from tests.clients.ccxt_fixtures.responses import Fixture
from tests.clients.test_ccxt import ask, bot

_TIMES: Final = ("timestamp", "datetime", "lastTradeTimestamp", "lastUpdateTimestamp")
CHANCE: Final = frozenset({"id", "clientOrderId", "order", "txid", "address", "addressTo", "nonce", *_TIMES})
"""What is another each time; it must be of the same kind."""

SINCE: Final = 1_699_999_000_000
_DAY: Final = 86_400_000_000
_DAY_END: Final = 1_710_328_245_391_000


def judge(fixture: Fixture, parsed: Any, **ours: Any) -> None:
    """`parsed` is what the fixture says, but for `ours`, and the reply that it was made of has all its fields."""
    assert set(fixture.fields.split()) - set(parsed["info"]) == set(), fixture.words
    assert pinned(parsed) == pinned(fixture.parsed | ours), fixture.words


def pinned(parsed: dict[str, Any]) -> dict[str, Any]:
    """What can be compared: of what chance decides, the kind."""
    kept = {name: value for name, value in parsed.items() if name != "info"}
    return {name: type(value) if name in CHANCE else value for name, value in kept.items()}


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with running_house(tmp_path) as running:
        await list_presets(running.rooms.sequencer, PRESETS)
        yield running


async def holder(house: House, name: str, **units: int) -> Any:
    """A bot of a new account that has so many atoms of each asset, with a key that may do everything."""
    sequencer = house.rooms.sequencer
    account = AccountId((await sequencer.call(co.OpenAccount(name))).events[0].account)  # type: ignore[union-attr]
    assets = {asset.code: asset.id for asset in sequencer.state.assets.values()}
    for code, atoms in units.items():
        await sequencer.call(co.Credit(account, assets[code], Amount(atoms), f"{name} {code}"))
    key = house.rooms.keyring.create(account, frozenset(Scope), "hmac", addresses=("127.0.0.1",))
    return bot(house, Person(name, account, key))


def stranger(house: House) -> Any:
    """A bot without a key, which signs nothing and so may live in another time than the house."""
    exchange = bot(house, house.alice)
    exchange.apiKey = exchange.secret = None
    return exchange


async def test_orders_of_every_fate(house: House) -> None:
    carol = await holder(house, "carol", LTC=10**8, USDT=1_000 * 10**8)
    await rest(house, house.bob, "LTCUSDT", Side.BUY, 90_80, 100)
    sold = await ask(lambda: carol.create_order("LTC/USDT", "market", "sell", 0.1))
    judge(told.CLOSED_ORDER, await ask(lambda: carol.fetch_order(sold["id"], "LTC/USDT")))
    gone = await ask(lambda: carol.create_order("LTC/USDT", "limit", "buy", 0.1, 50))
    await ask(lambda: carol.cancel_order(gone["id"], "LTC/USDT"))
    judge(told.CANCELED_ORDER, (await ask(lambda: carol.fetch_orders("LTC/USDT", None, 1)))[0])
    await ask(lambda: carol.create_order("LTC/USDT", "limit", "buy", 0.2, 50, {"postOnly": True}))
    judge(told.OPEN_ORDER, (await ask(lambda: carol.fetch_open_orders("LTC/USDT", None, 1)))[0])
    more = {"selfTradePrevention": "expire_maker", "icebergAmount": 0.03}
    judge(told.ICEBERG, await ask(lambda: carol.create_order("SOL/USDT", "limit", "buy", 0.05, 241, more)))


async def test_trades_with_their_fees(house: House) -> None:
    carol = await holder(house, "carol", LTC=10**8)
    await rest(house, house.bob, "LTCUSDT", Side.BUY, 69_63, 200)
    await ask(lambda: carol.create_order("LTC/USDT", "market", "sell", 0.2))
    judge(told.MY_TRADE, (await ask(lambda: carol.fetch_my_trades("LTC/USDT", None, 1)))[0])
    await trade(house, "BTCUSDT", 73_238_70, 109)
    judge(told.TRADE, (await ask(lambda: carol.fetch_trades("BTC/USDT", None, 1)))[0])


async def test_the_ticker(tmp_path: Path) -> None:
    """The same prices, the day before's close among them; what was traded is less."""
    clock = SetClock(_DAY_END - 2 * _DAY)
    async with running_house(tmp_path, clock) as house:
        await trade(house, "BTCUSDT", 72_180_93, 1_000)
        clock.time = Micros(_DAY_END)
        for ticks, lots in ((72_181_09, 100_000), (73_650_25, 50_000), (68_620_82, 50_000), (73_369_84, 100_000)):
            await trade(house, "BTCUSDT", ticks, lots)
        await rest(house, house.bob, "BTCUSDT", Side.BUY, 73_369_83, 627_086)
        await rest(house, house.alice, "BTCUSDT", Side.SELL, 73_369_84, 3_321)
        traded = {"vwap": 72228.82166667, "baseVolume": 3, "quoteVolume": 216686.465}
        judge(told.TICKER, await ask(lambda: stranger(house).fetch_ticker("BTC/USDT")), **traded)


async def test_the_book(house: House) -> None:
    carol = await holder(house, "carol")
    for ticks, lots in ((42_574_30, 1_070), (42_574_20, 646)):
        await rest(house, house.bob, "BTCUSDT", Side.BUY, ticks, lots)
    for ticks, lots in ((42_574_31, 870), (42_574_80, 893)):
        await rest(house, house.alice, "BTCUSDT", Side.SELL, ticks, lots)
    book = await ask(lambda: carol.fetch_order_book("BTC/USDT", 2))
    assert pinned(book) == pinned(told.BOOK.parsed)


async def test_the_balance(house: House) -> None:
    """All assets of the house are listed; these two are what is owned."""
    carol = await holder(house, "carol", LTC=91_974_100, ETH=2_229_833)
    balance = await ask(carol.fetch_balance)
    owned = {code: total for code, total in balance["total"].items() if total}
    assert owned == told.BALANCE.parsed["total"]
    for code in set(balance["total"]) - set(owned):
        assert balance.pop(code) == {"free": 0, "used": 0, "total": 0}
    for part in ("free", "used", "total"):
        balance[part] = {code: balance[part][code] for code in owned}
    judge(told.BALANCE, balance)


async def test_candles(tmp_path: Path) -> None:
    """Each hour's four prices are traded within it, at the middle of a quarter of it each."""
    clock = SetClock(1706628191000_000)
    async with running_house(tmp_path, clock) as house:
        for start, *prices, volume in told.CANDLES:
            opened, high, low, close = (round(price * 100) for price in prices)
            lots = round(volume * 100_000)
            for quarter, (ticks, part) in enumerate(zip((opened, high, low, close), _split(lots), strict=True)):
                clock.time = Micros(int(start) * 1_000 + quarter * 900_000_000 + 450_000_000)
                await trade(house, "BTCUSDT", ticks, part)
        candles = await ask(lambda: stranger(house).fetch_ohlcv("BTC/USDT", "1h", 1706628191000, 3))
    assert candles == told.CANDLES


def _split(lots: int) -> tuple[int, int, int, int]:
    """Four parts of it."""
    return lots // 2, lots // 4, lots // 8, lots - lots // 2 - lots // 4 - lots // 8


async def test_the_wallet(house: House) -> None:
    """Half a bitcoin comes and goes over the network of Bitcoin, where the fixtures have USDT over another."""
    await open_ways(house.rooms.desk, house.rooms.sequencer)
    carol, shop = await holder(house, "carol", BTC=10**8), outside(house)
    mine = await ask(lambda: carol.fetch_deposit_address("BTC"))
    judge(told.DEPOSIT_ADDRESS, mine, currency="BTC", network="BTC")
    await deposited(house.rooms.desk, mine["address"], "aa", DepositState.CREDITED)
    (came,) = await ask(lambda: carol.fetch_deposits("BTC", SINCE))
    judge(told.DEPOSIT, came, network="BTC", currency="BTC", amount=0.5)
    judge(told.WITHDRAWN, await ask(lambda: carol.withdraw("BTC", 0.5, shop, {"network": "BTC"})), currency="BTC")
    (goes,) = await ask(carol.fetch_withdrawals)
    fee = {"currency": "BTC", "cost": 0.0001}
    judge(
        told.WITHDRAWAL,
        goes,
        network="BTC",
        currency="BTC",
        amount=0.4999,
        fee=fee,
        status="pending",
        txid=goes["txid"],
    )
