"""What a server still knows of what it acknowledged: orders placed are there, orders cancelled are cancelled."""

from __future__ import annotations

import hmac
import http.client
import json
import time
from collections.abc import Sequence
from typing import Any, Final

from bench import generator, orders
from bench.server import SYMBOL, Key

_PAGE: Final = 1_000


def missing(
    port: int, keys: Sequence[Key], sent: Sequence[tuple[Sequence[Sequence[orders.Request]], generator.Run]]
) -> tuple[int, int]:
    """How many orders and cancels were acknowledged, and how many of them the server does not know."""
    known: dict[str, str] = {}
    for key in keys:
        known.update(_statuses(port, key))
    acknowledged = lost = 0
    for requests, run in sent:
        for own, replies in zip(requests, run.replies, strict=True):
            for request, (status, _) in zip(own, replies, strict=True):
                if status == generator.OK:
                    acknowledged += 1
                    found = known.get(request.name)
                    lost += found != "CANCELED" if request.kind == orders.CANCEL else found is None
    return acknowledged, lost


def _statuses(port: int, key: Key) -> dict[str, str]:
    """The status of every order of an account by its client id, page by page over the main door."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    found: dict[str, str] = {}
    first = 0
    try:
        while True:
            page = _page(connection, key, first)
            found.update({order["clientOrderId"]: order["status"] for order in page})
            if len(page) < _PAGE:
                return found
            first = page[-1]["orderId"] + 1
    finally:
        connection.close()


def _page(connection: http.client.HTTPConnection, key: Key, first: int) -> list[dict[str, Any]]:
    query = f"symbol={SYMBOL}&orderId={first}&limit={_PAGE}&recvWindow=60000&timestamp={int(time.time() * 1000)}"
    signature = hmac.digest(key.secret, query.encode(), "sha256").hex()
    connection.request("GET", f"/api/v3/allOrders?{query}&signature={signature}", headers={"X-MBX-APIKEY": key.name})
    reply = connection.getresponse()
    content = json.loads(reply.read())
    if reply.status != generator.OK:
        raise AssertionError(content)
    return content  # type: ignore[no-any-return]
