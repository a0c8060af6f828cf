"""The orders of the end-to-end bench: who sends what, signed before the clock starts.

Of a connection's requests 60 % place a limit order that rests, 35 % cancel one of its own by the name it gave it, 5 %
cross the spread with an immediate-or-cancel order. One resting order in eight lies within three ticks of the middle,
where the crossing ones find it; the others lie further out and are those that are cancelled, so that no request is
refused, whatever the order in which the connections get their turn.
"""

from __future__ import annotations

import hmac
import random
import time
from collections.abc import Sequence
from typing import Final

import msgspec

from bench import workload
from bench.server import SYMBOL, Key

PLACE, CANCEL, CROSS = 0, 1, 2
_NEAR: Final = 3
_YOUNG: Final = 20
"""Mean age of an order at its cancel, in orders that its connection placed since."""


class Request(msgspec.Struct, frozen=True, gc=False):
    """One request of one connection. `name` is the order's client id: its own, or that of the order it cancels."""

    kind: int
    name: str
    side: str = ""
    price: int = 0
    lots: int = 0


def make(connections: int, each: int, case: str) -> list[list[Request]]:
    """The requests of each connection; `case` keeps the names of two cases apart."""
    return [_connection(random.Random(f"{case} {number}"), f"{case}-{number}", each) for number in range(connections)]


def _connection(dice: random.Random, prefix: str, count: int) -> list[Request]:
    made: list[Request] = []
    standing: list[str] = []
    while len(made) < count:
        chance, name = dice.random(), f"{prefix}-{len(made)}"
        side, sign = ("BUY", 1) if dice.random() < 0.5 else ("SELL", -1)
        if chance < 0.35:
            if standing:
                age = int(min(dice.expovariate(1 / _YOUNG), len(standing) - 1))
                made.append(Request(CANCEL, standing.pop(-1 - age)))
        elif chance < 0.40:
            price = workload.MIDDLE + sign * _NEAR
            made.append(Request(CROSS, name, side, price, 1 + dice.randrange(workload.LARGEST_CROSS)))
        else:
            near = dice.random() < 1 / 8
            away = 1 + dice.randrange(_NEAR) if near else 10 + int(dice.random() ** 2 * workload.DEPTH)
            lots = workload.LARGEST_ADD // 100 + dice.randrange(workload.LARGEST_ADD)
            made.append(Request(PLACE, name, side, workload.MIDDLE - sign * away, lots))
            if not near:
                standing.append(name)
    return made


def websocket(requests: Sequence[Sequence[Request]], keys: Sequence[Key]) -> list[list[bytes]]:
    """As requests of the WebSocket API, each with a signature of its own."""
    now = str(int(time.time() * 1000))
    return [
        [_frame(number, request, keys[peer % len(keys)], now) for number, request in enumerate(own)]
        for peer, own in enumerate(requests)
    ]


def _frame(number: int, request: Request, key: Key, now: str) -> bytes:
    method = "order.cancel" if request.kind == CANCEL else "order.place"
    sent = {"apiKey": key.name, **_parameters(request, now)}
    payload = "&".join(f"{name}={sent[name]}" for name in sorted(sent))
    fields = ",".join(f'"{name}":{_json(name, value)}' for name, value in sent.items())
    signature = hmac.digest(key.secret, payload.encode(), "sha256").hex()
    return f'{{"id":{number},"method":"{method}","params":{{{fields},"signature":"{signature}"}}}}'.encode()


def _json(name: str, value: str) -> str:
    return value if name in {"timestamp", "recvWindow"} else f'"{value}"'


def http(requests: Sequence[Sequence[Request]], keys: Sequence[Key], port: int) -> list[list[bytes]]:
    """As HTTP requests, all parameters in the query."""
    now = str(int(time.time() * 1000))
    return [[_http(request, keys[peer % len(keys)], now, port) for request in own] for peer, own in enumerate(requests)]


def _http(request: Request, key: Key, now: str, port: int) -> bytes:
    method = "DELETE" if request.kind == CANCEL else "POST"
    query = "&".join(f"{name}={value}" for name, value in _parameters(request, now).items())
    signature = hmac.digest(key.secret, query.encode(), "sha256").hex()
    head = f"Host: 127.0.0.1:{port}\r\nX-MBX-APIKEY: {key.name}\r\nContent-Length: 0\r\n\r\n"
    return f"{method} /api/v3/order?{query}&signature={signature} HTTP/1.1\r\n{head}".encode()


def _parameters(request: Request, now: str) -> dict[str, str]:
    when = {"recvWindow": "60000", "timestamp": now}
    if request.kind == CANCEL:
        return {"symbol": SYMBOL, "origClientOrderId": request.name, **when}
    return {
        "symbol": SYMBOL,
        "side": request.side,
        "type": "LIMIT",
        "timeInForce": "GTC" if request.kind == PLACE else "IOC",
        "quantity": f"{request.lots // 100_000}.{request.lots % 100_000:05}",
        "price": f"{request.price // 100}.{request.price % 100:02}",
        "newClientOrderId": request.name,
        **when,
    }
