"""Subscribing over a connection, and what is answered to those who ask in a wrong way."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from exchange.api.door_limits import DoorLimits
from tests.api.fast import Fast, fast_house


@pytest.fixture
async def fast(tmp_path: Path) -> AsyncIterator[Fast]:
    async with fast_house(tmp_path) as running:
        yield running


async def test_subscribe_list_and_unsubscribe(fast: Fast) -> None:
    async with fast.reader("/ws") as reader:
        names = ["btcusdt@trade", "ethusdt@depth"]
        assert await reader.ask({"method": "SUBSCRIBE", "params": names, "id": 1}) == {"result": None, "id": 1}
        assert await reader.ask({"method": "LIST_SUBSCRIPTIONS", "id": 2}) == {"result": names, "id": 2}
        gone = {"method": "UNSUBSCRIBE", "params": ["ethusdt@depth", "btcusdt@ticker"], "id": 3}
        assert await reader.ask(gone) == {"result": None, "id": 3}
        assert await reader.ask({"method": "LIST_SUBSCRIPTIONS", "id": 4}) == {"result": ["btcusdt@trade"], "id": 4}


async def test_what_was_subscribed_is_heard_and_what_was_left_is_not(fast: Fast) -> None:
    async with fast.reader("/ws") as reader:
        await reader.ask({"method": "SUBSCRIBE", "params": ["btcusdt@trade", "btcusdt@aggTrade"], "id": 1})
        await reader.ask({"method": "UNSUBSCRIBE", "params": ["btcusdt@trade"], "id": 2})
        await fast.trade(3_000_000, 70)
        await fast.trade(3_000_000, 70)
        assert [(await reader.read())["e"] for _ in range(2)] == ["aggTrade", "aggTrade"]


async def test_subscribing_twice_does_not_say_things_twice(fast: Fast) -> None:
    async with fast.reader("/ws/btcusdt@trade") as reader:
        await reader.ask({"method": "SUBSCRIBE", "params": ["btcusdt@trade", "btcusdt@trade"], "id": 1})
        await fast.trade(3_000_000, 70)
        await fast.trade(3_000_000, 70)
        assert [(await reader.read())["t"] for _ in range(2)] == [1, 2]


async def test_of_a_list_with_one_unknown_stream_none_is_subscribed(fast: Fast) -> None:
    async with fast.reader("/ws") as reader:
        refused = await reader.ask({"method": "SUBSCRIBE", "params": ["btcusdt@trade", "nosuch@trade"], "id": 1})
        assert refused == {"error": {"code": 2, "msg": "Invalid request: invalid stream nosuch@trade"}, "id": 1}
        assert await reader.ask({"method": "LIST_SUBSCRIPTIONS", "id": 2}) == {"result": [], "id": 2}


async def test_payloads_can_be_switched_to_name_their_stream(fast: Fast) -> None:
    async with fast.reader("/ws/btcusdt@trade") as reader:
        assert (await reader.ask({"method": "GET_PROPERTY", "params": ["combined"], "id": 1}))["result"] is False
        switched = await reader.ask({"method": "SET_PROPERTY", "params": ["combined", True], "id": 2})
        assert switched == {"result": None, "id": 2}
        await fast.trade(3_000_000, 70)
        assert (await reader.read())["stream"] == "btcusdt@trade"


async def test_the_id_comes_back_as_it_was_sent(tmp_path: Path) -> None:
    limits = DoorLimits(messages_per_second=1_000)
    async with fast_house(tmp_path, limits=limits) as fast, fast.reader("/ws") as reader:
        for number in (None, 0, -1, (1 << 63) - 1, "abc-1", "x" * 36):
            assert await reader.ask({"method": "LIST_SUBSCRIPTIONS", "id": number}) == {"result": [], "id": number}


VARIANTS = "`SUBSCRIBE`, `UNSUBSCRIBE`, `LIST_SUBSCRIPTIONS`, `SET_PROPERTY`, `GET_PROPERTY`"
BAD_ID = "Invalid request: request ID must be an unsigned integer"
BAD_NAMES = "Invalid request: params must be a list of stream names"


WRONG = [
    ("", 3, "Invalid JSON: expected value at line 1 column 1"),
    ("{", 3, "Invalid JSON: expected value at line 1 column 1"),
    ('{"method": SUBSCRIBE}', 3, "Invalid JSON: expected value at line 1 column 12"),
    ("[" * 8_000, 3, "Invalid JSON: expected value at line 1 column 1"),
    ('{"id":1,"method":"SUBSCRIBE","params":[NaN]}', 3, "Invalid JSON: expected value at line 1 column 40"),
    ("null", 2, "Invalid request: expected an object"),
    ('["SUBSCRIBE"]', 2, "Invalid request: expected an object"),
    ('{"method":"LIST_SUBSCRIPTIONS"}', 2, BAD_ID),
    ('{"method":"LIST_SUBSCRIPTIONS","id":1.5}', 2, BAD_ID),
    ('{"method":"LIST_SUBSCRIPTIONS","id":true}', 2, BAD_ID),
    ('{"method":"LIST_SUBSCRIPTIONS","id":[1]}', 2, BAD_ID),
    ('{"method":"LIST_SUBSCRIPTIONS","id":9223372036854775808}', 2, BAD_ID),
    (f'{{"method":"LIST_SUBSCRIPTIONS","id":"{"x" * 37}"}}', 2, BAD_ID),
    ('{"id":1}', 2, "Invalid request: missing field `method` at line 1 column 8"),
    (
        '{"id":1,"method":"subscribe"}',
        2,
        f"Invalid request: unknown variant `subscribe`, expected one of {VARIANTS}",
    ),
    ('{"id":1,"method":7}', 2, f"Invalid request: unknown variant `7`, expected one of {VARIANTS}"),
    ('{"id":1,"method":"SUBSCRIBE"}', 2, BAD_NAMES),
    ('{"id":1,"method":"SUBSCRIBE","params":[]}', 2, BAD_NAMES),
    ('{"id":1,"method":"SUBSCRIBE","params":[1]}', 2, BAD_NAMES),
    ('{"id":1,"method":"SUBSCRIBE","params":"btcusdt@trade"}', 2, "Invalid request: params must be a list"),
    ('{"id":1,"method":"SUBSCRIBE","params":["x"],"extra":1}', 2, "Invalid request: too many parameters"),
    ('{"id":1,"method":"LIST_SUBSCRIPTIONS","params":["x"]}', 2, "Invalid request: too many parameters"),
    ('{"id":1,"method":"GET_PROPERTY"}', 2, "Invalid request: property name must be a string"),
    ('{"id":1,"method":"GET_PROPERTY","params":["speed"]}', 0, "Unknown property"),
    ('{"id":1,"method":"SET_PROPERTY","params":["combined"]}', 1, "Invalid value type: expected Boolean"),
    ('{"id":1,"method":"SET_PROPERTY","params":["combined",1]}', 1, "Invalid value type: expected Boolean"),
    ('{"id":1,"method":"SET_PROPERTY","params":["combined",true,1]}', 2, "Invalid request: too many parameters"),
]


async def test_a_wrong_request_is_answered_with_its_reason_and_the_connection_lives(tmp_path: Path) -> None:
    limits = DoorLimits(messages_per_second=1_000)
    async with fast_house(tmp_path, limits=limits) as fast, fast.reader("/ws") as reader:
        for text, code, words in WRONG:
            await reader.socket.send(text)
            reply = await reader.read()
            assert reply["error"] == {"code": code, "msg": words}, text[:80]
        assert (await reader.ask({"method": "LIST_SUBSCRIPTIONS", "id": 9}))["id"] == 9


async def test_more_streams_than_allowed_are_refused(tmp_path: Path) -> None:
    async with fast_house(tmp_path, limits=DoorLimits(streams_per_connection=3)) as fast, fast.reader("/ws") as reader:
        three = ["btcusdt@trade", "btcusdt@depth", "btcusdt@ticker"]
        assert (await reader.ask({"method": "SUBSCRIBE", "params": three, "id": 1}))["result"] is None
        assert "result" in await reader.ask({"method": "SUBSCRIBE", "params": three, "id": 2})
        refused = await reader.ask({"method": "SUBSCRIBE", "params": ["ethusdt@trade"], "id": 3})
        assert refused["error"] == {"code": 2, "msg": "Invalid request: at most 3 streams on one connection"}
