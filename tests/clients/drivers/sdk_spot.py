"""The venue's own `binance-sdk-spot`: every function over REST, or with `--ws` over the WebSocket API."""

from __future__ import annotations

import asyncio
import importlib
import sys
from typing import Any

from tests.clients.drivers.plain import HOUSE, fresh_list, fresh_order
from tests.clients.drivers.sweeping import Calls, report, sweep, sweep_async

ORDER = {"time_in_force": "GTC", "quantity": 0.001, "price": 25_000}
MINE = {"order_id": fresh_order}
LIST = {"order_list_id": fresh_list}
ALL_MINE = {"symbol": lambda: (fresh_order(), "BTCUSDT")[1]}
OCO = {
    "side": "SELL",
    "above_type": "LIMIT_MAKER",
    "above_price": 40_000,
    "below_type": "STOP_LOSS",
    "below_stop_price": 20_000,
}
WORKING = {
    "working_type": "LIMIT",
    "working_side": "BUY",
    "working_price": 20_000,
    "working_quantity": 0.001,
    "working_time_in_force": "GTC",
    "pending_side": "SELL",
}
PENDING = {"pending_type": "LIMIT", "pending_price": 40_000, "pending_time_in_force": "GTC"}
PENDING_OCO = {
    "pending_above_type": "LIMIT_MAKER",
    "pending_above_price": 40_000,
    "pending_below_type": "STOP_LOSS",
    "pending_below_stop_price": 15_000,
}
OLD_OCO = {"side": "SELL", "price": 40_000, "stop_price": 20_000}
REPLACE = ORDER | {"cancel_replace_mode": "STOP_ON_FAILURE", "cancel_order_id": fresh_order}

BOTH: dict[str, dict[str, Any]] = {
    "order_test": ORDER,
    "order_cancel_replace": REPLACE,
    "order_amend_keep_priority": MINE | {"new_qty": 0.0005},
    "order_amendments": MINE,
    "my_prevented_matches": {"prevented_match_id": 1},
    "ticker": {"symbol": "BTCUSDT"},
    "ticker_trading_day": {"symbol": "BTCUSDT"},
}
REST: dict[str, dict[str, Any]] = BOTH | {
    "new_order": ORDER,
    "get_order": MINE,
    "delete_order": MINE,
    "delete_open_orders": ALL_MINE,
    "get_order_list": LIST,
    "delete_order_list": LIST,
    "order_list_oco": OCO,
    "order_oco": OLD_OCO,
    "order_list_oto": WORKING | PENDING,
    "order_list_otoco": WORKING | PENDING_OCO,
    "order_list_opo": WORKING | PENDING,
    "order_list_opoco": WORKING | PENDING_OCO,
}
SOCKET: dict[str, dict[str, Any]] = BOTH | {
    "order_place": ORDER,
    "order_status": MINE,
    "order_cancel": MINE,
    "open_orders_cancel_all": ALL_MINE,
    "order_list_status": LIST,
    "order_list_cancel": LIST,
    "order_list_place": OLD_OCO,
    "order_list_place_oco": OCO,
    "order_list_place_oto": WORKING | PENDING,
    "order_list_place_otoco": WORKING | PENDING_OCO,
    "order_list_place_opo": WORKING | PENDING,
    "order_list_place_opoco": WORKING | PENDING_OCO,
}
IN_ORDER = ("user_data_stream_subscribe_signature", "user_data_stream_unsubscribe", "session_logon")
"""What comes before all others; the log-out comes last."""


def functions(bot: Any) -> list[str]:
    """What the client adds to the machinery of its connections."""
    return [name for name in vars(type(bot)) if not name.startswith("_") and name not in SKIPPED]


SKIPPED = {"ping_server", "send_request", "send_signed_request", "send_message", "send_signed_message"}
SKIPPED |= {"close_connection", "user_data", *IN_ORDER, "session_logout"}


def configuration(name: str, **more: Any) -> Any:
    """One of its three configurations, for this house."""
    made = getattr(importlib.import_module("binance_common.configuration"), f"Configuration{name}")
    return made(api_key=HOUSE["key"], api_secret=HOUSE["secret"], **more)


def rest() -> dict[str, str]:
    """The verdicts over HTTP."""
    spot = importlib.import_module("binance_sdk_spot").Spot
    bot = spot(config_rest_api=configuration("RestAPI", base_path=HOUSE["http"], timeout=20_000)).rest_api
    return sweep(functions(bot), bot, Calls(REST))


async def socket() -> dict[str, str]:
    """The verdicts over the WebSocket API."""
    spot = importlib.import_module("binance_sdk_spot").Spot
    settings = configuration("WebSocketAPI", stream_url=HOUSE["ws"] + "/ws-api/v3", timeout=20_000)
    bot = spot(config_ws_api=settings).websocket_api
    await bot.create_connection()
    try:
        names = [*IN_ORDER, *functions(bot), "session_logout"]
        return await sweep_async(names, bot, Calls(SOCKET))
    finally:
        await bot.close_connection()


if __name__ == "__main__":
    report(asyncio.run(socket()) if "--ws" in sys.argv else rest())
