"""What unmodified ccxt parses from our answers, judged by its own checkers of structure, and against what was done."""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable
from typing import Any, Final

from tests.api.house import House
from tests.clients.test_ccxt import BTC, ask, bot

ETH: Final = "ETH/USDT"
NO_SKIPS: Final[dict[str, Any]] = {}
NO_NETWORK: Final = {"allowNull": ["withdraw", "deposit", "precision", "limits"]}
"""What ccxt takes from a coin's networks; the house of these tests has none."""

NO_TIME: Final = {"allowNull": ["timestamp", "datetime"]}
"""A book has no time in the dialect: with one, ccxt.pro would drop it."""

ASLEEP: Final = {"timestamp": True, "datetime": True}
"""While an order sleeps the dialect's `workingTime` is -1, which ccxt takes for the time."""


def judge(kind: str, *args: Any, skips: dict[str, Any] = NO_SKIPS) -> None:
    """Ask the checker of that kind, which ccxt's wheel brings along; `args` are the exchange, the method, the entry."""
    check: Callable[..., None] = getattr(
        importlib.import_module(f"ccxt.test.exchange.base.test_{kind}"), f"test_{kind}"
    )
    exchange, *rest = args
    check(exchange, skips, *rest)


def now() -> int:
    """A moment from now, in milliseconds: nothing may be later."""
    return int(time.time() * 1000) + 1_000


async def test_markets_currencies_fees_and_the_account_are_as_ccxt_has_them(house: House) -> None:
    alice = bot(house, house.alice)
    markets = await ask(alice.fetch_markets)
    await ask(alice.load_markets)
    for market in markets:
        judge("market", alice, "fetchMarkets", market)
    assert sorted(market["symbol"] for market in markets) == [BTC, ETH]
    currencies = await ask(alice.fetch_currencies)
    for currency in currencies.values():
        judge("currency", alice, "fetchCurrencies", currency, skips=NO_NETWORK)
    assert sorted(currencies) == ["BTC", "ETH", "USDT"]
    fees = await ask(alice.fetch_trading_fees)
    for fee in (one := await ask(lambda: alice.fetch_trading_fee(BTC)), *fees.values()):
        judge("trading_fee", alice, "fetchTradingFees", fee["symbol"], fee)
    assert (fees[BTC]["maker"], fees[BTC]["taker"]) == (one["maker"], one["taker"])
    judge("status", alice, "fetchStatus", status := await ask(alice.fetch_status), now())
    assert status["status"] == "ok"
    judge("balance", alice, "fetchBalance", balance := await ask(alice.fetch_balance))
    assert balance["USDT"] == {"free": 10_000_000.0, "used": 0.0, "total": 10_000_000.0}
    assert abs(await ask(alice.fetch_time) - now()) < 60_000


async def test_the_market_after_trades_is_as_ccxt_has_it(house: House) -> None:
    """Bob sells 0.4 and 0.2 to alice's bid of 1 at 30,000; she offers 0.5 at 30,010."""
    alice, bob = bot(house, house.alice), bot(house, house.bob)
    await ask(lambda: alice.create_order(BTC, "limit", "buy", 1, 30_000))
    await ask(lambda: alice.create_order(BTC, "limit", "sell", 0.5, 30_010))
    for amount in (0.4, 0.2):
        await ask(lambda amount=amount: bob.create_order(BTC, "market", "sell", amount))  # type: ignore[misc]
    book = await ask(lambda: bob.fetch_order_book(BTC))
    judge("order_book", bob, "fetchOrderBook", book, BTC, skips=NO_TIME)
    assert (book["bids"], book["asks"]) == ([[30_000.0, 0.4]], [[30_010.0, 0.5]])
    tickers = await ask(lambda: bob.fetch_tickers([BTC]))
    best = await ask(lambda: bob.fetch_bids_asks([BTC]))
    for method, ticker in (("fetchTicker", await ask(lambda: bob.fetch_ticker(BTC))), ("fetchTickers", tickers[BTC])):
        judge("ticker", bob, method, ticker, BTC)
        assert (ticker["last"], ticker["bid"], ticker["ask"]) == (30_000.0, 30_000.0, 30_010.0)
        assert (ticker["baseVolume"], ticker["quoteVolume"], ticker["vwap"]) == (0.6, 18_000.0, 30_000.0)
    judge("ticker", bob, "fetchBidsAsks", best[BTC], BTC)
    assert (best[BTC]["bidVolume"], best[BTC]["askVolume"]) == (0.4, 0.5)
    judge("last_price", bob, "fetchLastPrices", last := (await ask(bob.fetch_last_prices))[BTC], BTC)
    assert last["price"] == 30_000.0
    candles = await ask(lambda: bob.fetch_ohlcv(BTC, "1m"))
    for candle in candles:
        judge("ohlcv", bob, "fetchOHLCV", candle, BTC, now())
    assert round(sum(candle[5] for candle in candles), 8) == 0.6
    trades = await ask(lambda: bob.fetch_trades(BTC))
    for trade in trades:
        judge("trade", bob, "fetchTrades", trade, BTC, now(), True)
    assert [(one["side"], one["price"], one["amount"], one["cost"]) for one in trades] == [
        ("sell", 30_000.0, 0.4, 12_000.0),
        ("sell", 30_000.0, 0.2, 6_000.0),
    ]


async def test_orders_through_their_lives_are_as_ccxt_has_them(house: House) -> None:
    alice, bob = bot(house, house.alice), bot(house, house.bob)
    seen: list[tuple[str, Any]] = []

    async def told(method: str, question: Callable[[], Any]) -> Any:
        """The answer; every order in it is judged."""
        answer = await ask(question)
        for order in answer if isinstance(answer, list) else [answer]:
            asleep = order["info"].get("workingTime") == -1
            judge("order", alice, method, order, BTC, now(), skips=ASLEEP if asleep else NO_SKIPS)
            seen.append((method, order["id"]))
        return answer

    await ask(alice.load_markets)
    bid = await told("createOrder", lambda: alice.create_order(BTC, "limit", "buy", 1, 30_000))
    stop = await told(
        "createOrder", lambda: alice.create_order(BTC, "limit", "sell", 0.1, 28_000, {"stopLossPrice": 28_500})
    )
    ask_ = await told("createOrder", lambda: alice.create_order(BTC, "limit", "sell", 0.1, 30_100))
    await told("createOrder", lambda: bob.create_order(BTC, "market", "sell", 0.4))
    spent = await told("createMarketBuyOrderWithCost", lambda: bob.create_market_buy_order_with_cost(BTC, 100))
    assert (spent["filled"], spent["cost"], spent["status"]) == (0.00332, 99.932, "closed")
    half = await told("fetchOrder", lambda: alice.fetch_order(bid["id"], BTC))
    assert (half["status"], half["filled"], half["remaining"], half["cost"]) == ("open", 0.4, 0.6, 12_000.0)
    waiting = await told("fetchOpenOrders", lambda: alice.fetch_open_orders(BTC))
    assert [(one["id"], one["triggerPrice"]) for one in waiting] == [
        (bid["id"], None),
        (stop["id"], 28_500.0),
        (ask_["id"], None),
    ]
    moved = await told("editOrder", lambda: alice.edit_order(bid["id"], BTC, "limit", "buy", 0.5, 29_000))
    assert (moved["price"], moved["amount"], moved["status"]) == (29_000.0, 0.5, "open")
    gone = await told("cancelOrder", lambda: alice.cancel_order(stop["id"], BTC))
    assert (gone["status"], gone["filled"]) == ("canceled", 0.0)
    await told("cancelAllOrders", lambda: alice.cancel_all_orders(BTC))
    everything = await told("fetchOrders", lambda: alice.fetch_orders(BTC))
    assert [(one["id"], one["status"]) for one in everything] == [
        (bid["id"], "canceled"),
        (stop["id"], "canceled"),
        (ask_["id"], "canceled"),
        (moved["id"], "canceled"),
    ]
    assert await ask(lambda: alice.fetch_closed_orders(BTC)) == []
    assert len(await told("fetchCanceledOrders", lambda: alice.fetch_canceled_orders(BTC))) == 4
    mine = await ask(lambda: alice.fetch_my_trades(BTC))
    its = await ask(lambda: alice.fetch_order_trades(bid["id"], BTC))
    for method, trades in (("fetchMyTrades", mine), ("fetchOrderTrades", its)):
        for trade in trades:
            judge("trade", alice, method, trade, BTC, now(), False)
    told_of = [(one["order"], one["side"], one["takerOrMaker"], one["amount"], one["cost"]) for one in mine]
    assert told_of == [
        (bid["id"], "buy", "maker", 0.4, 12_000.0),
        (ask_["id"], "sell", "maker", 0.00332, 99.932),
    ]
    assert [one["id"] for one in its] == [mine[0]["id"]]
    assert len({method for method, _ in seen}) == 9
    balance = await ask(alice.fetch_balance)
    judge("balance", alice, "fetchBalance", balance)
    earned = {one["fee"]["currency"]: one["fee"]["cost"] for one in mine}
    assert balance["USDT"]["used"] == 0.0
    assert balance["USDT"]["total"] == round(9_988_099.932 - earned["USDT"], 8)
    assert balance["BTC"]["total"] == round(100.4 - 0.00332 - earned["BTC"], 8)
