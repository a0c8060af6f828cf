"""Many requests on one connection of the WebSocket API: in order, limited, counted with HTTP's, all answered."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import trio
from websockets.exceptions import ConnectionClosed

from exchange.api import ws_api
from exchange.api.door_limits import DoorLimits
from exchange.settings import Settings
from tests.api.fast import Fast, Reader, fast_house, signed
from tests.api.house import Person, SetClock
from tests.api.test_bad_input import GOOD

PATH = "/ws-api/v3?returnRateLimits=false"


@pytest.fixture
async def fast(tmp_path: Path) -> AsyncIterator[Fast]:
    async with fast_house(tmp_path, SetClock()) as running:  # so that no minute ends in the middle of a test
        yield running


async def send(fast: Fast, reader: Reader, person: Person, number: object, method: str, **params: object) -> None:
    stamped = signed(person, fast.house.rooms.clock.now(), **params)
    await reader.send({"id": number, "method": method, "params": stamped})


async def test_orders_reach_the_market_in_the_order_in_which_they_were_sent(fast: Fast) -> None:
    async with fast.reader(PATH) as reader:
        for number in range(200):
            await send(fast, reader, fast.house.alice, number, "order.place", **GOOD | {"quantity": "0.001"})
        replies = [await reader.read() for _ in range(200)]
    by_request = {reply["id"]: reply["result"]["orderId"] for reply in replies}
    assert sorted(by_request.values()) == [by_request[number] for number in range(200)]


async def test_a_cancel_sent_right_behind_its_order_finds_it(fast: Fast) -> None:
    async with fast.reader(PATH) as reader:
        for number in range(20):
            name = f"mine-{number}"
            await send(fast, reader, fast.house.alice, "place", "order.place", **GOOD, newClientOrderId=name)
            cancel = {"symbol": "BTCUSDT", "origClientOrderId": name}
            await send(fast, reader, fast.house.alice, "cancel", "order.cancel", **cancel)
        assert {(await reader.read())["status"] for _ in range(40)} == {200}


async def test_a_connection_has_so_many_requests_in_flight_and_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[str] = []
    gate = trio.Event()

    async def slow() -> object:
        begun.append("one")
        await gate.wait()
        return {}

    monkeypatch.setattr(ws_api, "begin", lambda *_: slow)
    async with (
        fast_house(tmp_path, limits=DoorLimits(requests_in_flight=3)) as fast,
        fast.reader(PATH) as busy,
        fast.reader(PATH) as another,
    ):
        for number in range(10):
            await busy.send({"id": number, "method": "ping"})
        with trio.fail_after(120):
            while len(begun) < 3:
                await trio.lowlevel.checkpoint()
        assert (await another.ask({"id": 1, "method": "session.status"}))["status"] == 200
        assert len(begun) == 3
        gate.set()
        assert sorted([(await busy.read())["id"] for _ in range(10)]) == list(range(10))


async def test_a_bug_in_a_method_is_answered_as_such_and_ends_nothing(
    fast: Fast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fast.house.rooms.hub, "depth", lambda *_: 1 // 0)
    async with fast.reader(PATH) as reader:
        reply = await reader.ask({"id": 1, "method": "depth", "params": {"symbol": "BTCUSDT"}})
        assert (reply["status"], reply["error"]["code"]) == (500, -1000)
        assert (await reader.ask({"id": 2, "method": "ping"}))["status"] == 200


async def test_an_order_stands_though_its_connection_is_gone(fast: Fast) -> None:
    async with fast.reader(PATH) as reader:
        await send(fast, reader, fast.house.alice, 1, "order.place", **GOOD, newClientOrderId="lost")
    alice = fast.house.client(fast.house.alice)
    with trio.fail_after(120):
        while not (await alice.signed("GET", "/api/v3/openOrders")).json:
            await trio.lowlevel.checkpoint()


async def test_orders_that_were_taken_are_answered_before_the_door_closes(fast: Fast) -> None:
    async with fast.reader(PATH) as reader:
        for number in range(30):
            await send(fast, reader, fast.house.alice, number, "order.place", **GOOD | {"quantity": "0.001"})
        heard = {(await reader.read())["id"]}
        fast.stop.set()
        heard |= {message.get("id") for message in await _rest(reader)}
    _, orders, _ = await fast.house.fingerprint()
    assert len(orders) == len(heard - {None})


async def _rest(reader: Reader) -> list[Any]:
    """Everything up to the end of the connection."""
    heard = []
    try:
        while True:
            heard.append(await reader.read())
    except ConnectionClosed:
        return heard


async def test_weight_is_shared_with_http(fast: Fast) -> None:
    limits = fast.house.rooms.limits
    before = limits.used("127.0.0.1", fast.house.rooms.clock.now())
    await fast.house.client().ask("GET", "/api/v3/depth", symbol="BTCUSDT")
    async with fast.reader("/ws-api/v3") as reader:
        told = await reader.ask({"id": 1, "method": "depth", "params": {"symbol": "BTCUSDT", "limit": 500}})
    assert [limit["count"] for limit in told["rateLimits"]] == [before + 5 + 2 + 25]


@pytest.fixture
async def strict(tmp_path: Path) -> AsyncIterator[Fast]:
    """A house that lets an account place three orders in ten seconds."""
    settings = Settings(order_limit_per_10_seconds=3)
    async with fast_house(tmp_path, SetClock(), settings=settings) as running:
        yield running


async def test_orders_are_counted_with_https_told_and_limited(strict: Fast) -> None:
    alice, told = strict.house.alice, []
    await strict.house.client(alice).order("BUY", "0.01", "29000")
    async with strict.reader("/ws-api/v3") as reader:
        for number in range(3):
            await send(strict, reader, alice, number, "order.place", **GOOD)
            told.append(await reader.read())
        await send(strict, reader, strict.house.bob, "bob", "order.place", **GOOD)
        bobs = await reader.read()
    assert [(reply["status"], _orders(reply)) for reply in told] == [(200, [2, 2]), (200, [3, 3]), (429, [3, 3])]
    assert told[2]["error"]["code"] == -1015
    assert told[2]["error"]["data"]["retryAfter"] > told[2]["error"]["data"]["serverTime"]
    assert (bobs["status"], _orders(bobs)) == (200, [1, 1])


def _orders(reply: Any) -> list[int]:
    return [one["count"] for one in reply["rateLimits"] if one["rateLimitType"] == "ORDERS"]


async def test_who_is_banned_is_told_and_hung_up_on(fast: Fast) -> None:
    fast.house.rooms.limits.weight_limit = 10
    async with fast.reader(PATH) as reader:
        with suppress(ConnectionClosed):
            for number in range(40):
                await reader.send({"id": number, "method": "ping"})
        told = await _rest(reader)
    assert sorted({reply["status"] for reply in told}) == [200, 418, 429]


async def test_who_does_not_read_replies_is_not_read_either(tmp_path: Path) -> None:
    async with fast_house(tmp_path, send_buffer=4_096) as fast, trio.open_nursery() as nursery, _deaf(fast) as deaf:
        nursery.start_soon(_shout, deaf)
        spent = -1
        async with fast.reader(PATH) as another:
            while (used := _spent(fast)) < 40 * RULES or used != spent:
                spent = used
                for _ in range(50):
                    spent += 1
                    assert (await another.ask({"id": 1, "method": "ping"}))["status"] == 200
        assert used < 500 * RULES
        nursery.cancel_scope.cancel()


RULES = 20
"""What it costs to ask for the rules of all markets."""


def _spent(fast: Fast) -> int:
    return fast.house.rooms.limits.used("127.0.0.1", fast.house.rooms.clock.now())


@asynccontextmanager
async def _deaf(fast: Fast) -> AsyncIterator[trio.SocketStream]:
    """A connection with room for a reply or two on its way to the peer."""
    with trio.socket.socket() as bare:
        bare.setsockopt(trio.socket.SOL_SOCKET, trio.socket.SO_RCVBUF, 4_096)
        await bare.connect(("127.0.0.1", fast.port))
        stream = trio.SocketStream(bare)
        head = f"GET {PATH} HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        keys = "Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        await stream.send_all((head + keys).encode())
        yield stream


async def _shout(stream: trio.SocketStream) -> None:
    """Ask for the rules of all markets, again and again, and never listen."""
    request = b'{"id":1,"method":"exchangeInfo"}'
    frame = bytes([0x81, 0x80 | len(request), 0, 0, 0, 0]) + request
    while True:
        await stream.send_all(frame * 50)
