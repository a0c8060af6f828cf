"""ccxt.pro's `binance`: every method that watches, stops watching, or asks over the WebSocket API."""

from __future__ import annotations

import asyncio
import importlib
from typing import Any

from tests.clients.drivers.ccxt_binance import BTC, GIVEN, ORDER, USUAL, bot, snake
from tests.clients.drivers.plain import HOUSE, fresh_order, signed
from tests.clients.drivers.sweeping import Calls, attempt, report, sweep_async

PAIRS = [["BTC/USDT", "1m"], ["ETH/USDT", "1m"]]
BOTH = ["BTC/USDT", "ETH/USDT"]
MORE: dict[str, dict[str, Any]] = {
    "watch_ohlcv_for_symbols": {"symbolsAndTimeframes": PAIRS},
    "un_watch_ohlcv_for_symbols": {"symbolsAndTimeframes": PAIRS},
    "watch_orders": BTC,
    "watch_my_trades": BTC,
    "watch_tickers": {"symbols": BOTH},
    "watch_bids_asks": {"symbols": BOTH},
    "un_watch_tickers": {"symbols": BOTH},
    "un_watch_bids_asks": {"symbols": BOTH},
    "create_order_ws": ORDER,
    "edit_order_ws": ORDER | {"id": fresh_order},
    "cancel_order_ws": BTC | {"id": fresh_order},
    "cancel_all_orders_ws": {"symbol": lambda: (fresh_order(), "BTC/USDT")[1]},
    "fetch_order_ws": BTC | {"id": fresh_order},
    "fetch_orders_ws": BTC,
    "fetch_open_orders_ws": BTC,
    "fetch_closed_orders_ws": BTC,
    "fetch_my_trades_ws": BTC,
    "fetch_trading_fees_ws": {},
}
ABROAD = ("position", "liquidation", "mark_price")
"""Parts of the names of methods that no spot account has."""


def socket_bot() -> Any:
    """A bot, unmodified but for its URLs. ccxt.pro takes a URL for spot only if it says `/stream`."""
    exchange = bot("ccxt.pro")
    sockets = exchange.urls["api"]["ws"] | {"spot": HOUSE["ws"] + "/ws/stream"}
    exchange.urls["api"]["ws"] = sockets | {"ws-api": {"spot": HOUSE["ws"] + "/ws-api/v3"}}
    exchange.session = importlib.import_module("aiohttp").ClientSession(trust_env=False)
    return exchange


def offered(exchange: Any) -> list[str]:
    """The methods over WebSockets that ccxt says it has for spot."""
    names = [snake(name) for name, has in exchange.has.items() if has]
    over = [name for name in names if name.startswith(("watch_", "un_watch_")) or name.endswith("_ws")]
    here = [name for name in over if not any(part in name for part in ABROAD)]
    return [name for name in here if callable(getattr(exchange, name, None))]


async def each() -> dict[str, str]:
    """Watch everything at once; then ask; then stop watching."""
    exchange, calls = socket_bot(), Calls(GIVEN | MORE, USUAL)
    await exchange.load_markets()
    await exchange.ensure_user_data_stream_ws_subscribe_signature("spot")
    names = offered(exchange)
    watching = [name for name in names if name.startswith("watch_")]
    asked = [attempt(getattr(exchange, name), **calls.arguments(name, getattr(exchange, name))) for name in watching]
    async with asyncio.TaskGroup() as group:
        group.create_task(trade())
        found = dict(zip(watching, await asyncio.gather(*asked), strict=True))
    rest = sorted(set(names) - set(watching), key=lambda name: name.startswith("un_watch_"))
    return found | await sweep_async(rest, exchange, calls)


async def trade() -> None:
    """Give the account something to tell."""
    await asyncio.sleep(0.5)  # ccxt tells only what happens after it has begun to watch
    for _ in range(3):
        await asyncio.to_thread(fresh_order)
    bought = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.001"}
    await asyncio.to_thread(signed, "POST", "/api/v3/order", **bought)


if __name__ == "__main__":
    report(asyncio.run(each()))
