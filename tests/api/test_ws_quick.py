"""The short way of a request: it comes to what the long way comes to, or leaves the request to that."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from exchange.api import ws_api, ws_quick
from exchange.core.units import Micros
from tests.api.fast import Fast, fast_house, signed
from tests.api.house import SetClock
from tests.api.test_bad_input import GOOD
from tests.api.test_ws_hostile import hostile

PATH = "/ws-api/v3?returnRateLimits=false"


@pytest.fixture
async def fast(tmp_path: Path) -> AsyncIterator[Fast]:
    async with fast_house(tmp_path, SetClock()) as running:
        yield running


def request(fast: Fast, method: str, **params: object) -> str:
    """A request of Alice's as text."""
    stamped = signed(fast.house.alice, fast.house.rooms.clock.now(), **params)
    return msgspec.json.encode({"id": 7, "method": method, "params": stamped}).decode()


def quick(fast: Fast, text: str, *, logged_on: str = "", late: int = 0) -> ws_quick.Quick | None:
    rooms = fast.house.rooms
    return ws_quick.quick(text, rooms.keyring, "127.0.0.1", logged_on, Micros(rooms.clock.now() + late))


async def test_the_usual_order_and_the_usual_cancel_go_the_short_way(fast: Fast) -> None:
    placed = quick(fast, request(fast, "order.place", **GOOD, recvWindow=6_000))
    assert placed is not None
    assert (placed.number, placed.route.path, placed.caller.account) == (7, "/api/v3/order", fast.house.alice.account)
    assert quick(fast, request(fast, "order.cancel", symbol="BTCUSDT", orderId=5)) is not None
    assert quick(fast, request(fast, "order.status", symbol="BTCUSDT", origClientOrderId="mine")) is not None


@pytest.mark.parametrize(
    "change",
    [
        ('"id":7', '"id":0'),
        ('"id":7', '"id":-0'),
        ('"id":7', '"id":1.0'),
        ('"id":7', '"id":null'),
        ('"id":7', '"id":[7]'),
        ('"id":7', '"id":7,"id":8'),
        ('"id":7', '"id":7,"extra":8'),
        ('"method":"order.place"', '"method":"ping"'),
        ('"method":"order.place"', '"method":["order.place"]'),
        ('"symbol":"BTCUSDT"', '"symbol":"BTCUSDT","symbol":"ETHUSDT"'),
        ('"symbol":"BTCUSDT"', '"symbol":"BTC\\u0055SDT"'),
        ('"symbol":"BTCUSDT"', '"symbol":"ETHUSDT"'),
        ('"symbol":"BTCUSDT"', '"symbol":null'),
        ('"symbol":"BTCUSDT"', '"symbol" :"BTCUSDT"'),
        ('"side":"BUY"', '"side":"HOLD"'),
        ('"side":"BUY"', '"side":["BUY"]'),
        ('"type":"LIMIT"', '"type":true'),
        ('"apiKey":', '"apikey":'),
        ('"timestamp":', '"timestamp":1'),
        ('"params":{', '"params":[{'),
        ("{", "{{"),
    ],
)
async def test_anything_odd_is_left_to_the_long_way(fast: Fast, change: tuple[str, str]) -> None:
    text = request(fast, "order.place", **GOOD)
    assert change[0] in text
    assert quick(fast, text) is not None
    assert quick(fast, text.replace(*change, 1)) is None


@pytest.mark.parametrize("late", [-1_000_001, 5_001_000])
async def test_what_was_signed_at_another_time_is_left_to_the_long_way(fast: Fast, late: int) -> None:
    text = request(fast, "order.place", **GOOD)
    assert quick(fast, text, late=late) is None


async def test_a_revoked_key_is_dead_at_once(fast: Fast) -> None:
    text = request(fast, "order.place", **GOOD)
    assert quick(fast, text) is not None
    fast.house.rooms.keyring.revoke(fast.house.alice.key.api_key)
    assert quick(fast, text) is None


def unsigned(fast: Fast, method: str, **params: object) -> str:
    """A request for whoever has logged on."""
    stamped = params | {"timestamp": fast.house.rooms.clock.now() // 1000}
    return msgspec.json.encode({"id": 7, "method": method, "params": stamped}).decode()


async def test_after_logon_a_timestamp_is_enough_for_the_short_way(fast: Fast) -> None:
    alice, text = fast.house.alice, unsigned(fast, "order.place", **GOOD)
    assert quick(fast, text) is None
    placed = quick(fast, text, logged_on=alice.key.api_key)
    assert placed is not None
    assert placed.caller.account == alice.account
    assert quick(fast, text, logged_on=alice.key.api_key, late=5_001_000) is None
    fast.house.rooms.keyring.revoke(alice.key.api_key)
    assert quick(fast, text, logged_on=alice.key.api_key) is None


async def test_whoever_logged_on_signs_for_nobody_else(fast: Fast) -> None:
    alice, bob = fast.house.alice.key.api_key, fast.house.bob
    named = unsigned(fast, "order.place", **GOOD, apiKey=bob.key.api_key)
    assert quick(fast, named, logged_on=alice) is None
    placed = quick(fast, request(fast, "order.place", **GOOD), logged_on=bob.key.api_key)
    assert placed is not None
    assert placed.caller.account == fast.house.alice.account
    forged = unsigned(fast, "order.place", **GOOD, signature="0" * 64)
    assert quick(fast, forged, logged_on=alice) is None


async def test_of_strangers_requests_no_shape_is_remembered(fast: Fast, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each shape keeps a place and its names for good: an address without a key could take them all."""
    plans: dict[tuple[object, ...], Any] = {}
    monkeypatch.setattr(ws_quick, "_plans", plans)
    good = request(fast, "order.place", **GOOD)
    strangers = [
        good.replace('"symbol"', '"symbol_"'),
        good.replace("order.place", "order.place" * 100),
        good.replace('"signature":"', '"signature":"0'),
        good.replace(fast.house.alice.key.api_key, "x" * 64),
        unsigned(fast, "order.place", **GOOD),
    ]
    assert [quick(fast, text) for text in strangers] == [None] * len(strangers)
    assert not plans
    assert quick(fast, good) is not None
    assert len(plans) == 1
    monkeypatch.setattr(ws_quick, "_MAX_PLANS", 1)
    assert quick(fast, good) is not None
    assert quick(fast, request(fast, "order.cancel", symbol="BTCUSDT", orderId=5)) is None


async def test_b22_a_key_that_is_not_good_from_there_is_left_to_the_long_way(fast: Fast) -> None:
    """B22: the short way asks the list of addresses too."""
    text = request(fast, "order.place", **GOOD)
    for address, found in (("127.0.0.0/8", True), ("203.0.113.7", False)):
        fast.house.rooms.keyring.limit(fast.house.alice.key.api_key, (address,))
        assert (quick(fast, text) is not None) is found


async def test_both_ways_come_to_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for way in ("short", "long"):
        (tmp_path / way).mkdir()
        async with fast_house(tmp_path / way, SetClock()) as fast:
            found.append(await replies(fast, many(fast)))
        monkeypatch.setattr(ws_api, "quick", lambda *_: None)
    assert found[0] == found[1]
    assert {reply["status"] for reply in found[0]} >= {200, 400}


def many(fast: Fast) -> list[str]:
    """Requests, good and bad, the same for each house but for keys and signatures."""
    dice = random.Random(3)
    methods = ["order.test", "order.place", "order.cancel", "order.status", "account.status", "myTrades", "allOrders"]
    numbers: list[object] = ["1", 1, 0.5, "0.00001", "29000.10", 29000.1, "", None, True, "x", -1, 10**19]
    texts = []
    for _ in range(200):
        sent: dict[str, Any] = {**GOOD, dice.choice([*GOOD, "orderId", "recvWindow", "limit"]): dice.choice(numbers)}
        method = dice.choice(methods)
        if method not in {"order.place", "order.test"}:
            sent = {name: sent[name] for name in sent if name in {"symbol", "orderId", "limit", "recvWindow"}}
        texts.append(request(fast, method, **sent))
    return [
        *texts,
        *(hostile(fast, dice, dice.choice(methods)) for _ in range(300)),
        request(fast, "session.logon"),
        *texts[:50],
        *(unsigned(fast, method, **GOOD) for method in methods),
        *(hostile(fast, dice, dice.choice(methods)) for _ in range(100)),
    ]


async def replies(fast: Fast, texts: list[str]) -> list[Any]:
    """What each is answered, one after the other; of results only which fields they have."""
    found = []
    async with fast.reader(PATH) as reader:
        for text in texts:
            await reader.socket.send(text)
            reply = await reader.read()
            if isinstance(reply.get("result"), dict):
                reply["result"] = sorted(reply["result"])
            elif "result" in reply:
                reply["result"] = None
            found.append(reply)
    return found
