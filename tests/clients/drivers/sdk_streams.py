"""The streams of `binance-sdk-spot`: each subscribed to until it has spoken once."""

from __future__ import annotations

import asyncio
import importlib
from typing import Any

from tests.clients.drivers.plain import HOUSE
from tests.clients.drivers.sdk_spot import configuration, functions
from tests.clients.drivers.sweeping import Calls, attempt, report

GIVEN: dict[str, dict[str, Any]] = {
    "all_market_rolling_window_ticker": {"window_size": "1h"},
    "rolling_window_ticker": {"window_size": "1h"},
    "partial_book_depth": {"levels": "5"},
}
MUTE = {"block_trade": "blockTrade", "reference_price": "referencePrice"}
"""Streams that are not here. The library tells nobody that it was refused, so these are asked for without it, first."""

MACHINERY = {"subscribe", "unsubscribe", "on", "list_subscribe"}


async def listen(bot: Any, name: str) -> None:
    """Subscribe, and wait for one message; a refusal is what the subscription is answered with."""
    heard: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    if name in MUTE:
        await importlib.import_module("websockets").connect(f"{HOUSE['ws']}/ws/btcusdt@{MUTE[name]}", proxy=None)
    stream = await getattr(bot, name)(**Calls(GIVEN).arguments(name, getattr(bot, name)))
    stream.on("message", lambda message: None if heard.done() else heard.set_result(message))
    await heard


async def streams() -> dict[str, str]:
    """The verdicts on all streams, each over a connection of its own, all at once."""
    spot = importlib.import_module("binance_sdk_spot").Spot

    async def one(name: str) -> str:
        bot = spot(config_ws_streams=configuration("WebSocketStreams", stream_url=HOUSE["ws"])).websocket_streams
        await bot.create_connection()
        return await attempt(listen, bot, name)

    bot = spot(config_ws_streams=configuration("WebSocketStreams", stream_url=HOUSE["ws"])).websocket_streams
    names = [name for name in functions(bot) if name not in MACHINERY]
    return dict(zip(names, await asyncio.gather(*map(one, names)), strict=True))


if __name__ == "__main__":
    report(asyncio.run(streams()))
