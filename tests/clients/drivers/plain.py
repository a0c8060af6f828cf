"""What a driver needs beside the client it drives: where the house is, whose keys, and orders to act upon.

Standard library only, since drivers run in the environments of their clients.
"""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
import os
import time
import urllib.parse
import urllib.request
from typing import Any

HOUSE = json.loads(os.environ.get("HOUSE", "{}"))
"""`http`, `fast`, `ws`, `key`, `secret`: handed over by tests/clients/driving.py."""


class Refused(Exception):
    """The house said no; `code` is the dialect's."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


class _Lenient(urllib.request.HTTPErrorProcessor):
    """A refusal is an answer like any other."""

    def http_response(self, request: Any, response: Any) -> Any:
        return response


_open = urllib.request.build_opener(urllib.request.ProxyHandler({}), _Lenient).open
_prices = itertools.count(20_000)


def signed(method: str, path: str, **parameters: object) -> Any:
    """Ask an endpoint, signed, without any client library."""
    query = urllib.parse.urlencode(parameters | {"timestamp": now_ms()})
    signature = hmac.new(HOUSE["secret"].encode(), query.encode(), hashlib.sha256).hexdigest()
    url = f"{HOUSE['http']}{path}?{query}&signature={signature}"
    return _answer(urllib.request.Request(url, method=method, headers={"X-MBX-APIKEY": HOUSE["key"]}))  # noqa: S310


def _answer(request: urllib.request.Request) -> Any:
    with _open(request, timeout=20) as reply:
        content = json.load(reply)
        if reply.status != 200:
            raise Refused(content["code"], content["msg"])
    return content


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def fresh_order() -> int:
    """The id of a new order that rests, far from the market."""
    order = {"side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.001", "price": str(next(_prices))}
    return int(signed("POST", "/api/v3/order", symbol="BTCUSDT", **order)["orderId"])


def listen_key() -> str:
    """A key to the trader's own stream."""
    return str(signed_with_key("POST", "/api/v3/userDataStream")["listenKey"])


def signed_with_key(method: str, path: str) -> Any:
    """Ask an endpoint that wants a key only."""
    headers = {"X-MBX-APIKEY": HOUSE["key"]}
    request = urllib.request.Request(HOUSE["http"] + path, method=method, headers=headers)  # noqa: S310
    return _answer(request)


OCO = {
    "symbol": "BTCUSDT",
    "side": "SELL",
    "quantity": "0.001",
    "aboveType": "LIMIT_MAKER",
    "abovePrice": "40000",
    "belowType": "STOP_LOSS",
    "belowStopPrice": "20000",
}


def fresh_list() -> int:
    """The id of a new order list that waits."""
    return int(signed("POST", "/api/v3/orderList/oco", **OCO)["orderListId"])
