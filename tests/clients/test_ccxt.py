"""ccxt's `binance` class, unmodified but for its URLs, against the main door; synchronous, so it runs in a thread."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import ccxt
import pytest
import trio

from tests.api.house import House, Person

T = TypeVar("T")
BTC = "BTC/USDT"


def bot(house: House, person: Person) -> Any:
    """A bot of that person's, pointed at this house."""
    exchange = ccxt.binance({"apiKey": person.key.api_key, "secret": person.key.secret})
    exchange.session.trust_env = False
    exchange.urls["api"] = {
        name: re.sub(r"^https://[^/]+", house.url, url) for name, url in exchange.urls["api"].items()
    }
    return exchange


async def ask(question: Callable[[], T]) -> T:
    """Ask in a thread, so that the house can answer."""
    return await trio.to_thread.run_sync(question)


async def test_load_markets_knows_symbols_steps_and_limits(house: House) -> None:
    alice = bot(house, house.alice)
    markets = await ask(alice.load_markets)
    market = markets[BTC]
    assert set(markets) == {BTC, "ETH/USDT"}
    assert (market["spot"], market["active"]) == (True, True)
    assert market["precision"] == {"amount": 1e-05, "price": 0.01, "base": 1e-08, "quote": 1e-08}
    assert market["limits"]["cost"] == {"min": 5.0, "max": 9_000_000.0}


async def test_fetch_order_book_shows_what_rests(house: House) -> None:
    alice = bot(house, house.alice)
    await ask(lambda: alice.create_order(BTC, "limit", "buy", 0.5, 29_999.99))
    await ask(lambda: alice.create_order(BTC, "limit", "sell", 0.25, 30_000.01))
    book = await ask(lambda: alice.fetch_order_book(BTC))
    assert (book["bids"], book["asks"]) == ([[29_999.99, 0.5]], [[30_000.01, 0.25]])


async def test_a_trade_shows_in_candles_tickers_and_trades(house: House) -> None:
    alice, bob = bot(house, house.alice), bot(house, house.bob)
    await ask(lambda: alice.create_order(BTC, "limit", "buy", 1, 30_000))
    await ask(lambda: bob.create_order(BTC, "market", "sell", 0.4))
    candle = (await ask(lambda: bob.fetch_ohlcv(BTC, "1m")))[-1]
    assert candle[1:] == [30_000.0, 30_000.0, 30_000.0, 30_000.0, 0.4]
    ticker = await ask(lambda: bob.fetch_ticker(BTC))
    assert (ticker["last"], ticker["bid"], ticker["baseVolume"]) == (30_000.0, 30_000.0, 0.4)
    tickers = await ask(bob.fetch_tickers)
    assert tickers[BTC]["quoteVolume"] == 12_000.0
    trade = (await ask(lambda: bob.fetch_trades(BTC)))[-1]
    assert (trade["side"], trade["price"], trade["amount"]) == ("sell", 30_000.0, 0.4)
    best = await ask(lambda: bob.fetch_bids_asks([BTC]))
    assert best[BTC]["bidVolume"] == 0.6


RESTING: list[tuple[str, str, float | None, dict[str, Any], str]] = [
    ("limit", "buy", 29_000, {}, "LIMIT"),
    ("limit", "sell", 31_000, {"postOnly": True}, "LIMIT_MAKER"),
    ("STOP_LOSS", "sell", None, {"stopPrice": 29_000}, "STOP_LOSS"),
    ("market", "buy", None, {"stopLossPrice": 31_000}, "STOP_LOSS"),
    ("limit", "sell", 28_900, {"stopLossPrice": 29_000}, "STOP_LOSS_LIMIT"),
    ("market", "sell", None, {"takeProfitPrice": 31_000}, "TAKE_PROFIT"),
    ("limit", "buy", 28_900, {"takeProfitPrice": 29_000}, "TAKE_PROFIT_LIMIT"),
]


@pytest.mark.parametrize(("kind", "side", "price", "more", "wire"), RESTING)
async def test_each_resting_type_is_placed_found_and_cancelled(
    house: House, kind: str, side: str, price: float | None, more: dict[str, Any], wire: str
) -> None:
    alice = bot(house, house.alice)
    placed = await ask(lambda: alice.create_order(BTC, kind, side, 0.01, price, more))
    found = await ask(lambda: alice.fetch_order(placed["id"], BTC))
    assert (found["info"]["type"], found["status"], found["amount"]) == (wire, "open", 0.01)
    assert [order["id"] for order in await ask(lambda: alice.fetch_open_orders(BTC))] == [placed["id"]]
    cancelled = await ask(lambda: alice.cancel_order(placed["id"], BTC))
    assert cancelled["status"] == "canceled"
    assert (await ask(lambda: alice.fetch_order(placed["id"], BTC)))["status"] == "canceled"


TAKING: list[tuple[str, float | None, float | None, dict[str, Any], tuple[str, float]]] = [
    ("market", 0.3, None, {}, ("closed", 0.3)),
    ("market", 0.3, None, {"cost": 9_000}, ("closed", 0.3)),
    ("limit", 0.3, 30_000, {}, ("closed", 0.3)),
    ("limit", 2.0, 30_000, {"timeInForce": "IOC"}, ("expired", 1.0)),
    ("limit", 2.0, 30_000, {"timeInForce": "FOK"}, ("expired", 0.0)),
    ("limit", 0.7, 30_000, {"timeInForce": "FOK"}, ("closed", 0.7)),
]


@pytest.mark.parametrize(("kind", "amount", "price", "more", "expected"), TAKING)
async def test_each_taking_type_ends_as_it_should(
    house: House, kind: str, amount: float, price: float | None, more: dict[str, Any], expected: tuple[str, float]
) -> None:
    alice, bob = bot(house, house.alice), bot(house, house.bob)
    await ask(lambda: alice.create_order(BTC, "limit", "sell", 1, 30_000))
    order = await ask(lambda: bob.create_order(BTC, kind, "buy", amount, price, more))
    assert (order["status"], order["filled"]) == expected


async def test_cancel_all_leaves_nothing_open(house: House) -> None:
    alice = bot(house, house.alice)
    for price in (29_000, 29_100):
        await ask(partial(alice.create_order, BTC, "limit", "buy", 0.1, price))
    cancelled = await ask(lambda: alice.cancel_all_orders(BTC))
    assert [order["status"] for order in cancelled] == ["canceled", "canceled"]
    assert await ask(lambda: alice.fetch_open_orders(BTC)) == []


async def test_edit_replaces_an_order(house: House) -> None:
    alice = bot(house, house.alice)
    old = await ask(lambda: alice.create_order(BTC, "limit", "buy", 0.1, 29_000))
    new = await ask(lambda: alice.edit_order(old["id"], BTC, "limit", "buy", 0.2, 29_500))
    assert (new["status"], new["price"], new["amount"]) == ("open", 29_500.0, 0.2)
    assert (await ask(lambda: alice.fetch_order(old["id"], BTC)))["status"] == "canceled"


async def test_open_closed_and_all_orders_are_told_apart(house: House) -> None:
    alice, bob = bot(house, house.alice), bot(house, house.bob)
    done = await ask(lambda: alice.create_order(BTC, "limit", "buy", 0.1, 30_000))
    await ask(lambda: bob.create_order(BTC, "market", "sell", 0.1))
    gone = await ask(lambda: alice.create_order(BTC, "limit", "buy", 0.1, 29_000))
    await ask(lambda: alice.cancel_order(gone["id"], BTC))
    left = await ask(lambda: alice.create_order(BTC, "limit", "buy", 0.1, 28_000))
    ids = [order["id"] for order in await ask(lambda: alice.fetch_orders(BTC))]
    assert ids == [done["id"], gone["id"], left["id"]]
    assert [order["id"] for order in await ask(lambda: alice.fetch_closed_orders(BTC))] == [done["id"]]
    assert [order["id"] for order in await ask(lambda: alice.fetch_open_orders(BTC))] == [left["id"]]


async def test_an_order_is_found_by_its_client_id(house: House) -> None:
    alice = bot(house, house.alice)
    await ask(lambda: alice.create_order(BTC, "limit", "buy", 0.1, 29_000, {"clientOrderId": "x-mine_1"}))
    found = await ask(lambda: alice.fetch_order(None, BTC, {"clientOrderId": "x-mine_1"}))
    assert found["clientOrderId"] == "x-mine_1"


async def test_balances_are_exact_to_the_last_digit_before_and_after(house: House) -> None:
    alice, bob = bot(house, house.alice), bot(house, house.bob)
    before = (await ask(alice.fetch_balance))["info"]["balances"]
    assert {"asset": "BTC", "free": "100.00000000", "locked": "0.00000000"} in before
    # 0.33333 BTC at 29,987.65 cost 9,995.7833745 USDT. The maker pays 0.1 % of the BTC bought (33,333 atoms), the
    # taker 0.15 % of the USDT got (14.99367506175, rounded down to 14.99367506).
    await ask(lambda: alice.create_order(BTC, "limit", "buy", 1, 29_987.65))
    await ask(lambda: bob.create_order(BTC, "market", "sell", 0.33333))
    after = {one["asset"]: one for one in (await ask(alice.fetch_balance))["info"]["balances"]}
    assert after["BTC"] == {"asset": "BTC", "free": "100.33299667", "locked": "0.00000000"}
    assert after["USDT"] == {"asset": "USDT", "free": "9970012.35000000", "locked": "19991.86662550"}
    his = {one["asset"]: one for one in (await ask(bob.fetch_balance))["info"]["balances"]}
    assert his["BTC"] == {"asset": "BTC", "free": "99.66667000", "locked": "0.00000000"}
    assert his["USDT"] == {"asset": "USDT", "free": "10009980.78969944", "locked": "0.00000000"}


async def test_my_trades_carry_the_fees_of_either_side(house: House) -> None:
    alice, bob = bot(house, house.alice), bot(house, house.bob)
    await ask(lambda: alice.create_order(BTC, "limit", "buy", 1, 30_000))
    order = await ask(lambda: bob.create_order(BTC, "market", "sell", 0.5))
    maker = (await ask(lambda: alice.fetch_my_trades(BTC)))[0]
    taker = (await ask(lambda: bob.fetch_my_trades(BTC)))[0]
    assert (maker["takerOrMaker"], maker["side"], maker["fee"]) == ("maker", "buy", {"cost": 0.0005, "currency": "BTC"})
    assert (taker["takerOrMaker"], taker["side"]) == ("taker", "sell")
    assert taker["fee"] == {"cost": 22.5, "currency": "USDT"}
    assert order["fee"] == {"cost": 22.5, "currency": "USDT", "rate": None} or order["fee"]["cost"] == 22.5


async def test_trading_fees_and_currencies_are_told(house: House) -> None:
    alice = bot(house, house.alice)
    fees = await ask(alice.fetch_trading_fees)
    assert (fees[BTC]["maker"], fees[BTC]["taker"]) == (0.001, 0.0015)
    fee = await ask(lambda: alice.fetch_trading_fee(BTC))
    assert fee["taker"] == 0.0015
    currencies = await ask(alice.fetch_currencies)
    assert set(currencies) == {"BTC", "ETH", "USDT"}
    assert (await ask(alice.fetch_status))["status"] == "ok"


async def test_refusals_become_the_bots_own_exceptions(house: House) -> None:
    alice = bot(house, house.alice)
    with pytest.raises(ccxt.InsufficientFunds):
        await ask(lambda: alice.create_order(BTC, "limit", "sell", 200, 30_000))
    with pytest.raises(ccxt.OrderNotFound):
        await ask(lambda: alice.fetch_order("999", BTC))
    with pytest.raises(ccxt.OrderNotFound):
        await ask(lambda: alice.cancel_order("999", BTC))
    await ask(lambda: alice.create_order(BTC, "limit", "buy", 1, 30_000))
    bob = bot(house, house.bob)
    with pytest.raises(ccxt.OrderImmediatelyFillable):
        await ask(lambda: bob.create_order(BTC, "limit", "sell", 1, 30_000, {"postOnly": True}))
    bob.secret = "wrong"
    with pytest.raises(ccxt.AuthenticationError):
        await ask(bob.fetch_balance)
