"""unicorn-binance-websocket-api: every kind of stream, one's own events, and every request of its WebSocket API."""

from __future__ import annotations

import importlib
import queue
from typing import Any

from tests.clients.drivers.plain import HOUSE, Refused, fresh_order
from tests.clients.drivers.sweeping import Calls, public, report, told, verdict

KEYS = {"api_key": HOUSE.get("key"), "api_secret": HOUSE.get("secret")}
CHANNELS = ["trade", "aggTrade", "kline_1m", "kline_1h@+08:00", "bookTicker", "miniTicker", "ticker", "ticker_1h"]
CHANNELS += ["avgPrice", "depth", "depth@100ms", "depth5", "depth20@100ms"]
EVERY_MARKET = ("!miniTicker", "!ticker", "!ticker_1h")

LIMIT = {"order_type": "LIMIT", "quantity": 0.001, "price": 25_000.0, "time_in_force": "GTC"}
ORDER = LIMIT | {"symbol": "BTCUSDT", "side": "BUY"}
MINE = {"symbol": "BTCUSDT", "order_id": fresh_order}
GIVEN: dict[str, dict[str, Any]] = {
    "create_order": ORDER,
    "create_test_order": ORDER,
    "get_order": MINE,
    "cancel_order": MINE,
    "cancel_open_orders": {"symbol": lambda: (fresh_order(), "BTCUSDT")[1]},
    "cancel_and_replace_order": ORDER | {"cancel_order_id": fresh_order, "cancel_replace_mode": "STOP_ON_FAILURE"},
    "get_klines": {"symbol": "BTCUSDT", "interval": "1m"},
    "get_ui_klines": {"symbol": "BTCUSDT", "interval": "1m"},
}
for _name in ("aggregate_trades", "current_average_price", "historical_trades", "open_orders", "order_book"):
    GIVEN[f"get_{_name}"] = {"symbol": "BTCUSDT"}
GIVEN["get_recent_trades"] = {"symbol": "BTCUSDT"}

UNSTAMPED = {"get_unfilled_order_count"}
"""What it signs without a timestamp, which no house of this dialect takes."""


def manager(*, hurry: bool) -> Any:
    """A manager, unmodified but for its addresses. `hurry`: do not wait five seconds for each stream."""
    return importlib.import_module("unicorn_binance_websocket_api").BinanceWebSocketApiManager(
        exchange="binance.com",
        websocket_base_uri=HOUSE["ws"] + "/",
        websocket_api_base_uri=HOUSE["ws"] + "/ws-api/v3",
        warn_on_update=False,
        disable_colorama=True,
        output_default="dict",
        high_performance=hurry,
    )


def streams(bot: Any) -> dict[str, str]:
    """The verdict on each kind of stream: whether it speaks. All are opened first."""
    heard: dict[str, queue.Queue[Any]] = {}

    def listen(name: str, channels: list[str], markets: list[str], **more: Any) -> None:
        heard[name] = queue.Queue()
        bot.create_stream(channels, markets, process_stream_data=heard[name].put, **more)

    for channel in CHANNELS:
        listen(channel, [channel], ["btcusdt"])
    for channel in EVERY_MARKET:
        listen(f"{channel}@arr", ["arr"], [channel])
    listen("multiplex", ["trade", "kline_1m"], ["btcusdt", "ethusdt"])
    listen("!userData", ["arr"], ["!userData"], **KEYS)
    found = {name: spoken(said) for name, said in heard.items() if name != "!userData"}
    fresh_order()
    return found | {"!userData": spoken(heard["!userData"])}


def spoken(said: queue.Queue[Any]) -> str:
    """Whether something came that is not an answer or an error."""
    try:
        while "result" in (message := said.get(timeout=20)):
            pass
        if "error" in message:
            raise Refused(message["error"]["code"], message["error"]["msg"])
    except Exception as error:  # noqa: BLE001  # silence, too, is a verdict
        return told(error)
    return "works"


def requests(bot: Any) -> dict[str, str]:
    """The verdict on each request of the WebSocket API.

    Replies are read as the stream's data: `return_response=True` looks for a reply only after it has sent, and waits
    for ever for one that was quicker than that.
    """
    said: queue.Queue[Any] = queue.Queue()
    stream = bot.create_stream(api=True, process_stream_data=said.put, **KEYS)
    asked = bot.api.spot
    calls = Calls(GIVEN)

    def ask(name: str) -> None:
        function = getattr(asked, name)
        function(**calls.arguments(name, function), stream_id=stream, request_id=name)
        while (answer := said.get(timeout=20))["id"] != name:
            pass
        if answer["status"] != 200:
            raise Refused(answer["error"]["code"], answer["error"]["msg"])

    found = {name: verdict(lambda name=name: ask(name)) for name in public(asked) if name not in UNSTAMPED}  # type: ignore[misc]
    found |= dict.fromkeys(UNSTAMPED, "not asked: it leaves out the timestamp")
    return {f"api.spot.{name}": told for name, told in found.items()}


if __name__ == "__main__":
    report(streams(manager(hurry=True)) | requests(manager(hurry=False)))
