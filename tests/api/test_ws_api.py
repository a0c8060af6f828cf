"""The WebSocket API: requests, refusals, and subscriptions by signature."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from exchange.api.limits import Limits
from exchange.core.orders import Side
from exchange.settings import Settings
from tests.api.fast import Fast, Reader, fast_house, signed


@pytest.fixture
async def fast(tmp_path: Path) -> AsyncIterator[Fast]:
    async with fast_house(tmp_path) as running:
        yield running


PATH = "/ws-api/v3?returnRateLimits=false"


async def subscribe(fast: Fast, reader: Reader, person: Any = None, **more: Any) -> Any:
    """The answer to a signed subscription."""
    now = fast.house.rooms.clock.now()
    params = signed(person or fast.house.alice, now, **more)
    return await reader.ask({"id": "s", "method": "userDataStream.subscribe.signature", "params": params})


async def test_ping_and_time(fast: Fast) -> None:
    async with fast.reader(PATH) as reader:
        assert await reader.ask({"id": 1, "method": "ping"}) == {"id": 1, "status": 200, "result": {}}
        told = await reader.ask({"id": "t", "method": "v3/time", "params": {}})
        assert told["status"] == 200
        assert abs(told["result"]["serverTime"] - fast.house.rooms.clock.now() // 1000) < 60_000


async def test_the_id_comes_back_as_it_was_sent(fast: Fast) -> None:
    async with fast.reader(PATH) as reader:
        for number in (None, 0, -5, 12345678901234567890, "e2a85d9f-07a5-4f94-8d5f-789dc3deb097", ""):
            assert (await reader.ask({"id": number, "method": "ping"}))["id"] == number


async def test_weights_are_told_unless_declined(fast: Fast) -> None:
    async with fast.reader("/ws-api/v3") as reader:
        told = await reader.ask({"id": 1, "method": "ping"})
        assert told["rateLimits"][0]["rateLimitType"] == "REQUEST_WEIGHT"
        assert told["rateLimits"][0]["count"] == 3
        silent = await reader.ask({"id": 1, "method": "ping", "params": {"returnRateLimits": False}})
        assert "rateLimits" not in silent


async def test_the_limit_on_connections_is_told_to_those_who_connect(tmp_path: Path) -> None:
    """Not over HTTP: there are clients that read only the kinds of limits that the dialect tells there."""
    limit = {"rateLimitType": "CONNECTIONS", "interval": "MINUTE", "intervalNum": 5, "limit": 300}
    async with fast_house(tmp_path, settings=Settings()) as fast:
        async with fast.reader("/ws-api/v3") as reader:
            told = (await reader.ask({"id": 1, "method": "exchangeInfo"}))["result"]
        over_http = (await fast.house.client().ask("GET", "/api/v3/exchangeInfo")).json
        assert [*over_http["rateLimits"], limit] == told["rateLimits"]
        assert over_http["symbols"] == told["symbols"]


async def test_too_much_weight_is_refused_with_when_to_come_back(fast: Fast) -> None:
    limits: Limits = fast.house.rooms.limits
    limits.weight_limit = 5
    async with fast.reader(PATH) as reader:
        replies = [await reader.ask({"id": number, "method": "ping"}) for number in range(5)]
    assert [reply["status"] for reply in replies[:3]] == [200, 200, 200]
    assert (replies[3]["status"], replies[3]["error"]["code"]) == (429, -1003)
    assert replies[3]["error"]["data"]["retryAfter"] > replies[3]["error"]["data"]["serverTime"]


async def test_requests_that_make_no_sense_cost_weight_too(fast: Fast) -> None:
    limits: Limits = fast.house.rooms.limits
    limits.weight_limit = 10
    codes = []
    async with fast.reader(PATH) as reader:
        for text in ("{", '{"id":1}', '{"id":1,"method":"nosuch"}') * 6:
            await reader.socket.send(text)
            codes.append((await reader.read())["error"]["code"])
    assert codes[:3] == [-1135, -1102, -1020]
    assert codes[8:] == [-1003] * 10


NOT_HERE = "This operation is not supported. Not here yet: 'orderList.place.opo'."
UNREAD = "Not all sent parameters were read; read '0' parameter(s) but was sent '1'. Unknown or not supported: 'x'."


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("", -1135, "Invalid JSON Request"),
        ("{", -1135, "Invalid JSON Request"),
        ("[]", -1135, "Invalid JSON Request"),
        ("[" * 9_000, -1135, "Invalid JSON Request"),
        ('{"id":1,"method":"ping","params":{"x":NaN}}', -1135, "Invalid JSON Request"),
        ('{"method":"ping"}', -1102, "Mandatory parameter 'id' was not sent, was empty/null, or malformed."),
        ('{"id":[1],"method":"ping"}', -1130, "Data sent for parameter 'id' is not valid."),
        ('{"id":{},"method":"ping"}', -1130, "Data sent for parameter 'id' is not valid."),
        (f'{{"id":"{"x" * 200}","method":"ping"}}', -1130, "Data sent for parameter 'id' is not valid."),
        ('{"id":1}', -1102, "Mandatory parameter 'method' was not sent, was empty/null, or malformed."),
        ('{"id":1,"method":5}', -1102, "Mandatory parameter 'method' was not sent, was empty/null, or malformed."),
        ('{"id":1,"method":"ping","params":[]}', -1130, "Data sent for parameter 'params' is not valid."),
        ('{"id":1,"method":"ping","params":{"x":1}}', -1104, UNREAD),
        ('{"id":1,"id":2,"method":"ping"}', -1101, "Duplicate values for a parameter detected."),
        ('{"id":1,"method":"ping","params":{"x":1,"x":1}}', -1101, "Duplicate values for a parameter detected."),
        ('{"id":1,"method":"ping","extra":1}', -1104, "Not all sent parameters were read; read '3' parameter(s)"),
        ('{"id":1,"method":"orderList.place.opo"}', -1020, NOT_HERE),
        ('{"id":1,"method":"v3/orderList.place.opo"}', -1020, NOT_HERE),
        ('{"id":1,"method":"nosuch"}', -1020, "This operation is not supported. No method is called 'nosuch'."),
        (
            '{"id":1,"method":"time","params":{"returnRateLimits":1}}',
            -1130,
            "Data sent for parameter 'returnRateLimits'",
        ),
        ('{"id":1,"method":"userDataStream.subscribe.signature"}', -2014, "API-key format invalid."),
        (
            '{"id":1,"method":"userDataStream.unsubscribe","params":{"subscriptionId":7}}',
            -2036,
            "User Data Stream subs",
        ),
    ],
)
async def test_a_wrong_request_is_answered_with_code_and_text(fast: Fast, text: str, code: int, words: str) -> None:
    async with fast.reader(PATH) as reader:
        await reader.socket.send(text)
        reply = await reader.read()
        assert (reply["status"] // 100, reply["error"]["code"]) == (4, code)
        assert reply["error"]["msg"].startswith(words)
        assert (await reader.ask({"id": 2, "method": "ping"}))["status"] == 200


async def test_a_signature_opens_the_accounts_own_stream(fast: Fast) -> None:
    async with fast.reader(PATH) as reader:
        assert await subscribe(fast, reader) == {"id": "s", "status": 200, "result": {"subscriptionId": 0}}
        await fast.limit(fast.house.alice, Side.BUY, 2_900_000, 50)
        message = await reader.read()
    assert list(message) == ["subscriptionId", "event"]
    assert message["subscriptionId"] == 0
    assert message["event"]["e"] == "executionReport"


async def test_every_signed_parameter_is_under_the_signature(fast: Fast) -> None:
    async with fast.reader(PATH) as reader:
        assert (await subscribe(fast, reader, recvWindow=4_000.5))["status"] == 200
        params = signed(fast.house.bob, fast.house.rooms.clock.now()) | {"recvWindow": 4_000}
        reply = await reader.ask({"id": 1, "method": "userDataStream.subscribe.signature", "params": params})
        assert reply["error"] == {"code": -1022, "msg": "Signature for this request is not valid."}


async def test_an_old_or_early_signature_is_refused(fast: Fast) -> None:
    async with fast.reader(PATH) as reader:
        for seconds, words in ((-6, "outside of the recvWindow"), (2, "1000ms ahead")):
            params = signed(fast.house.alice, fast.house.rooms.clock.now() + seconds * 1_000_000)
            reply = await reader.ask({"id": 1, "method": "userDataStream.subscribe.signature", "params": params})
            assert (reply["status"], reply["error"]["code"]) == (400, -1021)
            assert words in reply["error"]["msg"]


async def test_one_account_is_subscribed_once_on_a_connection(fast: Fast) -> None:
    async with fast.reader(PATH) as reader:
        await subscribe(fast, reader)
        assert (await subscribe(fast, reader))["error"]["code"] == -2035
        assert (await subscribe(fast, reader, fast.house.bob))["result"] == {"subscriptionId": 1}
        listed = await reader.ask({"id": 1, "method": "session.subscriptions"})
        assert listed["result"] == [{"subscriptionId": 0}, {"subscriptionId": 1}]


async def test_after_unsubscribing_nothing_more_is_told(fast: Fast) -> None:
    async with fast.reader(PATH) as reader:
        await subscribe(fast, reader)
        await reader.send({"id": 1, "method": "userDataStream.unsubscribe", "params": {"subscriptionId": 0}})
        ended, answer = await reader.read(), await reader.read()
        assert (ended["subscriptionId"], ended["event"]["e"]) == (0, "eventStreamTerminated")
        assert answer == {"id": 1, "status": 200, "result": {}}
        await fast.limit(fast.house.alice, Side.BUY, 2_900_000, 50)
        assert (await reader.ask({"id": 2, "method": "ping"}))["id"] == 2
        assert not fast.house.rooms.sequencer._watched


async def test_a_revoked_key_ends_its_subscription(fast: Fast) -> None:
    async with fast.reader(PATH) as reader:
        await subscribe(fast, reader)
        fast.house.rooms.keyring.revoke(fast.house.alice.key.api_key)
        ended = await reader.read()
        assert (ended["subscriptionId"], ended["event"]["e"]) == (0, "eventStreamTerminated")


async def test_a_peer_that_goes_is_watched_no_longer(fast: Fast) -> None:
    async with fast.reader(PATH) as reader:
        await subscribe(fast, reader)
        assert fast.house.alice.account in fast.house.rooms.sequencer._watched
    async with fast.reader(PATH) as again:
        await again.ask({"id": 2, "method": "ping"})
    assert not fast.house.rooms.sequencer._watched
