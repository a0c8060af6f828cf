"""cryptofeed: each public channel of its Binance feed, the book kept by snapshot and changes, and one's own orders."""

from __future__ import annotations

import asyncio
import importlib
from typing import Any

from tests.clients.drivers.plain import HOUSE, fresh_order
from tests.clients.drivers.sweeping import SECONDS, report

PUBLIC = ("l2_book", "trades", "ticker", "candles")


def point(feed: Any) -> None:
    """Point the feed at the house."""
    connection = importlib.import_module("cryptofeed.connection")
    old = feed.rest_endpoints[0]
    feed.websocket_endpoints = [connection.WebsocketEndpoint(HOUSE["ws"])]
    feed.rest_endpoints = [connection.RestEndpoint(HOUSE["http"], routes=old.routes)]


async def listen() -> dict[str, str]:
    """The verdict on each channel."""
    feed = importlib.import_module("cryptofeed.exchanges").Binance
    point(feed)
    heard: dict[str, asyncio.Event] = {name: asyncio.Event() for name in (*PUBLIC, "order_info")}

    def hears(name: str) -> Any:
        async def note(*_: Any) -> None:
            heard[name].set()

        return note

    config = {"log": {"disabled": True}, "binance": {"key_id": HOUSE["key"], "key_secret": HOUSE["secret"]}}
    handler = importlib.import_module("cryptofeed").FeedHandler(config=config)
    public = {name: hears(name) for name in PUBLIC}
    handler.add_feed(feed(symbols=["BTC-USDT"], channels=list(PUBLIC), callbacks=public, candle_closed_only=False))
    own = {"order_info": hears("order_info")}
    handler.add_feed(feed(config=config, symbols=["BTC-USDT"], channels=["order_info"], callbacks=own))
    handler.run(start_loop=False, install_signal_handlers=False)
    found = {name: await verdict(heard[name]) for name in PUBLIC}
    await asyncio.to_thread(fresh_order)
    return found | {"order_info": await verdict(heard["order_info"])}


async def verdict(event: asyncio.Event) -> str:
    """Whether it came in time."""
    try:
        await asyncio.wait_for(event.wait(), SECONDS)
    except TimeoutError:
        return f"FAILED: no answer within {SECONDS} s"
    return "works"


if __name__ == "__main__":
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    report(loop.run_until_complete(listen()))
