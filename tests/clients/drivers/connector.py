"""`binance-connector`, the venue's older library: every function over HTTP, or with `--ws` over the WebSocket API."""

from __future__ import annotations

import importlib
import json
import queue
import sys
from typing import Any

from tests.clients.drivers.plain import HOUSE, OCO, Refused, fresh_list, fresh_order, listen_key
from tests.clients.drivers.sweeping import Calls, public, report, sweep

ORDER = {"type": "LIMIT", "timeInForce": "GTC", "quantity": 0.001, "price": 25_000}
MINE = {"orderId": fresh_order}
LIST = {"orderListId": fresh_list}
ALL_MINE = {"symbol": lambda: (fresh_order(), "BTCUSDT")[1]}
REPLACE = ORDER | {"cancelReplaceMode": "STOP_ON_FAILURE", "cancelOrderId": fresh_order}
OTO = {
    "workingType": "LIMIT",
    "workingSide": "BUY",
    "workingPrice": 20_000,
    "workingQuantity": 0.001,
    "workingTimeInForce": "GTC",
    "pendingSide": "SELL",
    "pendingQuantity": 0.001,
}
PENDING = {"pendingType": "LIMIT", "pendingPrice": 40_000, "pendingTimeInForce": "GTC"}
OTOCO = OTO | {
    "pendingAboveType": "LIMIT_MAKER",
    "pendingAbovePrice": 40_000,
    "pendingBelowType": "STOP_LOSS",
    "pendingBelowStopPrice": 15_000,
}
WINDOW = {"symbol": "BTCUSDT", "windowSize": "1h"}
PREVENTED = {"preventedMatchId": 1}

REST: dict[str, dict[str, Any]] = {
    "new_order": ORDER,
    "new_order_test": ORDER,
    "get_order": MINE,
    "cancel_order": MINE,
    "cancel_open_orders": ALL_MINE,
    "cancel_and_replace": REPLACE,
    "new_oco_order": OCO,
    "new_oto_order": OTO | PENDING,
    "new_otoco_order": OTOCO,
    "get_oco_order": LIST,
    "cancel_oco_order": LIST,
    "query_prevented_matches": PREVENTED,
    "rolling_window_ticker": WINDOW,
    "trading_day_ticker": {"symbol": "BTCUSDT"},
    "renew_listen_key": {"listenKey": listen_key},
    "user_universal_transfer": {"type": "MAIN_FUNDING"},
    "user_universal_transfer_history": {"type": "MAIN_FUNDING"},
    "close_listen_key": {"listenKey": listen_key},
}
SOCKET: dict[str, dict[str, Any]] = {
    "new_order": ORDER,
    "new_order_test": ORDER,
    "get_order": MINE,
    "cancel_order": MINE,
    "cancel_open_orders": ALL_MINE,
    "cancel_replace_order": REPLACE,
    "new_oco_order": OCO,
    "new_oto_order": OTO | PENDING,
    "new_otoco_order": OTOCO,
    "get_oco_order": LIST,
    "cancel_oco_order": LIST,
    "prevented_matches": PREVENTED,
    "query_prevented_matches": PREVENTED,
    "ticker": WINDOW,
    "historical_trades": {"apiKey": HOUSE["key"]},
    "my_trades": {"symbol": "BTCUSDT"},
    "order_history": {"symbol": "BTCUSDT"},
    "user_data_ping": {"listenKey": listen_key},
    "user_data_stop": {"listenKey": listen_key},
}
MACHINERY = {"limit_request", "limited_encoded_sign_request", "query", "send_request", "sign_request"}
MACHINERY |= {"close", "list_subscribe", "ping", "send", "send_message_to_server", "stop", "subscribe", "unsubscribe"}
MACHINERY |= {"subscribe_user_data", "unsubscribe_user_data"}


def rest() -> dict[str, str]:
    """The verdicts over HTTP."""
    spot = importlib.import_module("binance.spot").Spot
    bot = spot(HOUSE["key"], HOUSE["secret"], base_url=HOUSE["http"], timeout=20)
    bot.session.trust_env = False
    names = [name for name in public(bot) if name not in MACHINERY - {"ping"}]
    return sweep(names, bot, Calls(REST))


class Asking:
    """The client of the WebSocket API, which hands replies to a callback, as one that waits for each."""

    def __init__(self) -> None:
        made = importlib.import_module("binance.websocket.spot.websocket_api").SpotWebsocketAPIClient
        self.replies: queue.Queue[str] = queue.Queue()
        self.bot = made(
            stream_url=HOUSE["ws"] + "/ws-api/v3",
            api_key=HOUSE["key"],
            api_secret=HOUSE["secret"],
            on_message=lambda _, text: self.replies.put(text),
        )

    def __getattr__(self, name: str) -> Any:
        """The client's function of that name, with its signature, but answering."""
        return Waiting(getattr(self.bot, name), self.replies)


class Waiting:
    """One function."""

    def __init__(self, function: Any, replies: queue.Queue[str]) -> None:
        self.function = self.__wrapped__ = function
        self.replies = replies

    def __call__(self, **arguments: Any) -> None:
        """Ask, wait, and raise what was refused."""
        self.function(**arguments)
        reply = json.loads(self.replies.get(timeout=20))
        if reply["status"] != 200:
            raise Refused(reply["error"]["code"], reply["error"]["msg"])


def socket() -> dict[str, str]:
    """The verdicts over the WebSocket API."""
    asking = Asking()
    try:
        names = [name for name in public(asking.bot) if name not in MACHINERY]
        return sweep(names, asking, Calls(SOCKET))
    finally:
        asking.bot.stop()


if __name__ == "__main__":
    report(socket() if "--ws" in sys.argv else rest())
