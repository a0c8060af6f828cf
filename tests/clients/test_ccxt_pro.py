"""ccxt.pro's `binance` class, unmodified but for its URLs, on the fast door; asyncio, so it runs in a thread."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
import ccxt.pro
import pytest
import trio

from exchange.core import commands as co
from exchange.core.orders import Side
from tests.api.fast import BTC as MARKET
from tests.api.fast import Fast, fast_house
from tests.api.house import Person

T = TypeVar("T")
BTC = "BTC/USDT"


@pytest.fixture
async def fast(tmp_path: Path) -> AsyncIterator[Fast]:
    async with fast_house(tmp_path) as running:
        yield running


def bot(fast: Fast, person: Person) -> Any:
    """A bot of that person's, pointed at this house. ccxt.pro takes a URL for spot only if it says `/stream`."""
    exchange = ccxt.pro.binance({"apiKey": person.key.api_key, "secret": person.key.secret})
    api = exchange.urls["api"]
    ours = {name: re.sub(r"^https://[^/]+", fast.house.url, url) for name, url in api.items() if isinstance(url, str)}
    base = f"ws://127.0.0.1:{fast.port}"
    exchange.urls["api"] = api | ours | {"ws": api["ws"] | {"spot": f"{base}/ws/stream"}}
    exchange.urls["api"]["ws"]["ws-api"] = {"spot": f"{base}/ws-api/v3"}
    return exchange


async def drive(fast: Fast, person: Person, story: Callable[[Any], Awaitable[T]]) -> T:
    """Let a bot live through `story` in a thread of its own."""

    async def live() -> T:
        async with aiohttp.ClientSession(trust_env=False) as session:
            exchange = bot(fast, person)
            exchange.session = session
            try:
                return await asyncio.wait_for(story(exchange), 40)
            finally:
                await exchange.close()

    return await trio.to_thread.run_sync(lambda: asyncio.run(live()))


async def drive_among_traders(fast: Fast, person: Person, story: Callable[[Any], Awaitable[T]]) -> T:
    """The same, while Alice and Bob go on trading."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(go_on_trading, fast)
        told = await drive(fast, person, story)
        nursery.cancel_scope.cancel()
    return told


async def go_on_trading(fast: Fast) -> None:
    """Trades at rising prices, and a book that never stands still."""
    alice, bob, price = fast.house.alice, fast.house.bob, 3_000_000
    while True:
        price += 1
        bid = await fast.limit(alice, Side.BUY, price - 10_000, 60)
        ask = await fast.limit(bob, Side.SELL, price + 10_000, 60)
        await fast.trade(price, 70)
        for placed in (bid, ask):
            order = placed.orders[0]
            if price % 3:
                await fast.house.rooms.sequencer.call(co.CancelOrder(order.account, MARKET, order.id))


async def test_watch_trades(fast: Fast) -> None:
    trades = await drive_among_traders(fast, fast.house.bob, lambda exchange: exchange.watch_trades(BTC))
    assert (trades[0]["amount"], trades[0]["side"]) == (0.0007, "buy")
    assert trades[0]["price"] >= 30_000.01


async def test_watch_ohlcv_ticker_and_best_prices(fast: Fast) -> None:
    async def story(exchange: Any) -> Any:
        return await asyncio.gather(
            exchange.watch_ohlcv(BTC, "1m"),
            exchange.watch_ticker(BTC),
            exchange.watch_bids_asks([BTC]),
        )

    candles, ticker, best = await drive_among_traders(fast, fast.house.bob, story)
    assert candles[-1][5] > 0
    assert (ticker["symbol"], ticker["open"]) == (BTC, 30_000.01)
    assert ticker["last"] >= ticker["open"]
    assert best[BTC]["bid"] < best[BTC]["ask"]


async def test_watch_order_book_keeps_step_with_the_book(fast: Fast) -> None:
    async def story(exchange: Any) -> Any:
        nonces = []
        for _ in range(8):
            book = await exchange.watch_order_book(BTC)
            nonces.append(book["nonce"])
            assert book["bids"][0][0] < book["asks"][0][0]
        return nonces

    nonces = await drive_among_traders(fast, fast.house.bob, story)
    assert nonces == sorted(nonces)
    assert len(set(nonces)) > 4


async def test_a_book_watched_from_afar_equals_the_book_once_all_is_quiet(fast: Fast) -> None:
    async def story(exchange: Any) -> Any:
        await exchange.load_markets()
        await exchange.create_order(BTC, "limit", "buy", 0.5, 29_000)
        watching = asyncio.ensure_future(exchange.watch_order_book(BTC))
        wanted = {29_000.0: 0.5}
        for step in range(20):
            wanted[28_000.0 + step] = 0.25
            await exchange.create_order(BTC, "limit", "buy", 0.25, 28_000 + step)
        book = await watching
        while dict(book["bids"]) != wanted:
            book = await exchange.watch_order_book(BTC)
        return book["nonce"], (await exchange.fetch_order_book(BTC))["nonce"]

    watched, asked = await drive(fast, fast.house.alice, story)
    assert watched == asked


async def test_watch_orders_my_trades_and_balance(fast: Fast) -> None:
    async def story(exchange: Any) -> Any:
        await exchange.load_markets()
        await exchange.ensure_user_data_stream_ws_subscribe_signature("spot")
        watchers = (exchange.watch_orders, exchange.watch_my_trades, exchange.watch_balance)
        watching = asyncio.gather(*(watch() for watch in watchers))
        await asyncio.sleep(0)
        placed = await exchange.create_order(BTC, "limit", "buy", 0.1, 30_000)
        return placed["id"], await watching

    await fast.limit(fast.house.bob, Side.SELL, 3_000_000, 100_000)
    number, (orders, trades, balance) = await drive(fast, fast.house.alice, story)
    assert orders[-1]["id"] == number
    assert (trades[-1]["order"], trades[-1]["amount"], trades[-1]["price"]) == (number, 0.1, 30_000.0)
    assert trades[-1]["fee"] == {"cost": 0.00015, "currency": "BTC"}
    assert balance["USDT"]["total"] <= 10_000_000.0


async def test_an_order_is_watched_from_birth_to_end(fast: Fast) -> None:
    async def story(exchange: Any) -> Any:
        await exchange.load_markets()
        await exchange.ensure_user_data_stream_ws_subscribe_signature("spot")
        seen = []
        watching = asyncio.ensure_future(exchange.watch_orders(BTC))
        await asyncio.sleep(0)
        placed = await exchange.create_order(BTC, "limit", "buy", 0.1, 29_000, {"newClientOrderId": "mine-1"})
        seen += [order["status"] for order in await watching]
        watching = asyncio.ensure_future(exchange.watch_orders(BTC))
        await asyncio.sleep(0)
        await exchange.cancel_order(placed["id"], BTC)
        seen += [order["status"] for order in await watching]
        order = exchange.orders[-1]
        return seen, order["clientOrderId"], order["id"] == placed["id"]

    seen, client_id, same = await drive(fast, fast.house.alice, story)
    assert (seen, client_id, same) == (["open", "canceled"], "mine-1", True)


async def test_an_unknown_market_is_refused_and_raises_in_the_bot(fast: Fast) -> None:
    async def story(exchange: Any) -> Any:
        await exchange.load_markets()
        url = exchange.urls["api"]["ws"]["spot"] + "/0"
        request = {"method": "SUBSCRIBE", "params": ["nosuch@trade"], "id": 1}
        with pytest.raises(ccxt.ExchangeError, match="invalid stream"):
            await exchange.watch(url, "1", request, "1", {"id": 1})

    await drive(fast, fast.house.alice, story)
