"""ccxt.pro trades over the WebSocket API, unmodified but for its URLs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import ccxt.pro
import pytest

from exchange.core.orders import Side
from tests.api.fast import Fast, fast_house
from tests.clients.test_ccxt_pro import BTC, drive


@pytest.fixture
async def fast(tmp_path: Path) -> AsyncIterator[Fast]:
    async with fast_house(tmp_path) as running:
        yield running


async def test_an_order_is_placed_looked_up_changed_and_cancelled(fast: Fast) -> None:
    async def story(bot: Any) -> None:
        placed = await bot.create_order_ws(BTC, "limit", "buy", 0.1, 29_000.5)
        assert (placed["status"], placed["price"], placed["amount"]) == ("open", 29_000.5, 0.1)
        assert (await bot.fetch_order_ws(placed["id"], BTC))["status"] == "open"
        changed = await bot.edit_order_ws(placed["id"], BTC, "limit", "buy", 0.2, 29_001)
        assert (changed["status"], changed["amount"]) == ("open", 0.2)
        assert [one["id"] for one in await bot.fetch_open_orders_ws(BTC)] == [changed["id"]]
        cancelled = await bot.cancel_order_ws(changed["id"], BTC)
        assert (cancelled["id"], cancelled["status"]) == (changed["id"], "canceled")
        assert await bot.fetch_open_orders_ws(BTC) == []

    await drive(fast, fast.house.alice, story)


async def test_lists_of_orders_and_all_cancelled_at_once(fast: Fast) -> None:
    async def story(bot: Any) -> None:
        for step in range(3):
            await bot.create_order_ws(BTC, "limit", "buy", 0.1, 29_000 + step)
        gone = await bot.cancel_all_orders_ws(BTC)
        assert [one["price"] for one in gone] == [29_000.0, 29_001.0, 29_002.0]
        assert {one["status"] for one in await bot.fetch_orders_ws(BTC)} == {"canceled"}
        assert await bot.fetch_closed_orders_ws(BTC) == []

    await drive(fast, fast.house.alice, story)


async def test_a_market_order_its_trades_and_the_balance(fast: Fast) -> None:
    async def story(bot: Any) -> None:
        filled = await bot.create_order_ws(BTC, "market", "buy", 0.1)
        assert (filled["status"], filled["average"]) == ("closed", 30_000.0)
        mine = await bot.fetch_my_trades_ws(BTC)
        assert (mine[-1]["order"], mine[-1]["amount"]) == (filled["id"], 0.1)
        assert mine[-1]["fee"] == {"cost": 0.00015, "currency": "BTC"}
        assert (await bot.fetch_trades_ws(BTC, limit=1))[0]["id"] == mine[-1]["id"]
        assert (await bot.fetch_ohlcv_ws(BTC, "1h"))[-1][4:] == [30_000.0, 0.1]
        told = (await bot.fetch_balance_ws())["info"]["balances"]  # which is as far as ccxt gets for a spot account
        assert [one["free"] for one in told] == ["100.09985000", "1000.00000000", "9997000.00000000"]

    await fast.limit(fast.house.bob, Side.SELL, 3_000_000, 100_000)
    await drive(fast, fast.house.alice, story)


async def test_an_order_is_only_tested_when_asked_to(fast: Fast) -> None:
    async def story(bot: Any) -> None:
        await bot.create_order_ws(BTC, "limit", "buy", 0.1, 29_000, {"test": True})
        assert await bot.fetch_orders_ws(BTC) == []

    await drive(fast, fast.house.alice, story)


async def test_refusals_raise_what_the_bot_knows(fast: Fast) -> None:
    async def story(bot: Any) -> None:
        await bot.create_order_ws(BTC, "limit", "buy", 300, 29_000)
        with pytest.raises(ccxt.InsufficientFunds):
            await bot.create_order_ws(BTC, "limit", "buy", 300, 29_000)
        with pytest.raises(ccxt.OrderNotFound):
            await bot.cancel_order_ws("77", BTC)
        bot.secret = "wrong"
        with pytest.raises(ccxt.AuthenticationError):
            await bot.fetch_balance_ws()

    await drive(fast, fast.house.alice, story)
