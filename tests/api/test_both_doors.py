"""Plain HTTP is answered alike by both doors: every route, good requests and bad ones."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from exchange.api.http_routes import ROUTES
from tests.api.fast import Fast, fast_house
from tests.api.house import Client, SetClock, query

SET_BY_THE_SERVER = {"date", "connection", "content-length", "server", "transfer-encoding"}
"""Headers that are each HTTP server's own affair."""


@pytest.fixture
async def fast(tmp_path: Path) -> AsyncIterator[Fast]:
    async with fast_house(tmp_path, SetClock()) as running:  # so that the time is the same for both
        yield running


@pytest.fixture
async def doors(fast: Fast) -> list[Client]:
    """Alice at the main door, and at the fast one."""
    main = fast.house.client(fast.house.alice)
    return [main, AtFastDoor(fast, main)]


class AtFastDoor(Client):
    """The same client, asking at the other door."""

    def __init__(self, fast: Fast, main: Client) -> None:
        super().__init__(fast.house, main.key)
        self.port = fast.port

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


def told(reply: Any) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body; without what counts the requests themselves."""
    counts = {name for name in reply.headers if name.startswith("x-mbx-") or name == "x-request-id"}
    headers = {name: value for name, value in reply.headers.items() if name not in SET_BY_THE_SERVER | counts}
    return reply.status_code, headers | dict.fromkeys(counts, "n"), reply.content


async def ask(client: Client, method: str, path: str, parameters: dict[str, object], **more: Any) -> Any:
    """The reply to the same bytes."""
    url = getattr(client, "url", client.house.url)
    stamped = query({**parameters, "timestamp": client.house.rooms.clock.now() // 1000})
    key = {"X-MBX-APIKEY": client.key.api_key} if client.key is not None else {}
    headers = key | more.pop("headers", {})
    raw = more.pop("raw", None) or f"{url}{path}?{client.sign(stamped)}"
    return await client.house.http.request(method, raw.format(url=url), headers=headers, **more)


@pytest.mark.parametrize("parameters", [{}, {"symbol": "BTCUSDT"}, {"symbol": "nosuch", "x": "é"}], ids=str)
async def test_every_route_is_answered_alike(doors: list[Client], parameters: dict[str, object]) -> None:
    for route in ROUTES:
        replies = [await ask(client, route.method, route.path, parameters) for client in doors]
        assert told(replies[0]) == told(replies[1]), (route.method, route.path)


async def test_open_routes_are_answered_alike_without_a_key(doors: list[Client]) -> None:
    for route in ROUTES:
        if route.method == "GET" and route.security.value is None:
            replies = [await ask(one, "GET", "", {}, raw="{url}" + f"{route.path}?symbol=BTCUSDT") for one in doors]
            assert told(replies[0]) == told(replies[1]), route.path


ODD: list[tuple[str, str, dict[str, Any]]] = [
    ("HEAD", "/api/v3/ping", {}),
    ("GET", "/", {}),
    ("GET", "/nowhere", {}),
    ("GET", "/api/v3/ping/", {}),
    ("GET", "//api/v3/ping", {}),
    ("GET", "/api/v3/%70ing", {}),
    ("PUT", "/api/v3/ping", {}),
    ("OPTIONS", "/api/v3/ping", {}),
    ("POST", "/api/v3/order", {"content": b"x" * 70_000}),
    ("POST", "/api/v3/order", {"content": b"{}", "headers": {"Content-Type": "application/json"}}),
    ("GET", "/api/v3/ping", {"content": b"a=b"}),
    ("GET", "/api/v3/time", {"headers": {"X-MBX-TIME-UNIT": "MICROSECOND"}}),
    ("GET", "/api/v3/ping", {"raw": "{url}/api/v3/ping?a=1&a=2"}),
    ("GET", "/api/v3/ping", {"raw": "{url}/api/v3/ping?%ff"}),
]


async def test_what_is_odd_is_answered_alike(doors: list[Client]) -> None:
    for method, path, more in ODD:
        replies = [await ask(client, method, path, {}, **dict(more)) for client in doors]
        assert told(replies[0]) == told(replies[1]), (method, path, more)


async def test_an_order_is_placed_and_cancelled_alike(doors: list[Client]) -> None:
    order: dict[str, object] = {
        "symbol": "BTCUSDT",
        "side": "BUY",
        "type": "LIMIT",
        "timeInForce": "GTC",
        "quantity": "0.01",
    }
    placed = [
        await ask(one, "POST", "/api/v3/order", order | {"price": "29000", "newClientOrderId": f"at-{number}"})
        for number, one in enumerate(doors)
    ]
    kept = [
        {**reply.json(), "orderId": 0, "clientOrderId": "", "transactTime": 0, "workingTime": 0} for reply in placed
    ]
    assert kept[0] == kept[1]
    assert [reply.status_code for reply in placed] == [200, 200]
    for one, reply in zip(doors, placed, strict=True):
        gone = {"symbol": "BTCUSDT", "orderId": reply.json()["orderId"]}
        assert (await ask(one, "DELETE", "/api/v3/order", gone)).json()["status"] == "CANCELED"


async def test_a_body_is_signed_and_read_alike(doors: list[Client]) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    for client in doors:
        now = client.house.rooms.clock.now() // 1000
        body = client.sign(
            f"symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.01&price=29000&timestamp={now}"
        )
        url = getattr(client, "url", client.house.url)
        assert client.key is not None
        headers = form | {"X-MBX-APIKEY": client.key.api_key}
        reply: httpx.Response = await client.house.http.post(f"{url}/api/v3/order", content=body, headers=headers)
        assert reply.status_code == 200
