"""Logging on over the WebSocket API: with both kinds of key, until logged out or until the key is revoked."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from nacl.signing import SigningKey

from exchange.core.orders import Side
from tests.api.fast import Fast, Reader, fast_house, signed
from tests.api.house import READ, TRADE, Person, SetClock
from tests.api.test_bad_input import GOOD

PATH = "/ws-api/v3?returnRateLimits=false"
BAD_KEY = {"code": -2015, "msg": "Invalid API-key, IP, or permissions for action."}
NO_KEY = {"code": -2014, "msg": "API-key format invalid."}


@pytest.fixture
async def fast(tmp_path: Path) -> AsyncIterator[Fast]:
    async with fast_house(tmp_path) as running:
        yield running


async def ask(reader: Reader, method: str, **params: object) -> Any:
    await reader.send({"id": method, "method": method, "params": params})
    return await reader.read_until(lambda message: message.get("id") == method)


async def logon(fast: Fast, reader: Reader, person: Person) -> Any:
    return await ask(reader, "session.logon", **signed(person, fast.house.rooms.clock.now()))


def now(fast: Fast) -> int:
    """The time in milliseconds."""
    return fast.house.rooms.clock.now() // 1000


def reading(fast: Fast, person: Person) -> Person:
    """The same person with a key that may only read."""
    return Person(person.name, person.account, fast.house.rooms.keyring.create(person.account, READ, "hmac"))


async def test_after_logon_a_timestamp_is_enough(fast: Fast) -> None:
    async with fast.reader(PATH) as reader:
        told = (await logon(fast, reader, fast.house.alice))["result"]
        assert told["apiKey"] == fast.house.alice.key.api_key
        assert told["connectedSince"] <= told["authorizedSince"] <= told["serverTime"]
        assert (told["returnRateLimits"], told["userDataStream"]) == (False, False)
        placed = await ask(reader, "order.place", **GOOD, timestamp=now(fast))
        assert placed["result"]["status"] == "NEW"
        account = await ask(reader, "account.status", timestamp=str(now(fast)))
        assert account["result"]["uid"] == fast.house.alice.account


async def test_an_ed25519_key_logs_on_too(fast: Fast) -> None:
    signer = SigningKey.generate()
    der = bytes.fromhex("302a300506032b6570032100") + bytes(signer.verify_key)
    pem = f"-----BEGIN PUBLIC KEY-----\n{base64.b64encode(der).decode()}\n-----END PUBLIC KEY-----\n"
    key = fast.house.rooms.keyring.create(fast.house.bob.account, TRADE, "ed25519", pem)
    payload = f"apiKey={key.api_key}&timestamp={now(fast)}"
    params = dict(part.split("=") for part in payload.split("&"))
    signature = base64.b64encode(signer.sign(payload.encode()).signature).decode()
    async with fast.reader(PATH) as reader:
        wrong = await ask(reader, "session.logon", **params, signature=signature[:-4] + "AAA=")
        assert wrong["error"]["code"] == -1022
        assert (await ask(reader, "session.logon", **params, signature=signature))["status"] == 200
        account = await ask(reader, "account.status", timestamp=now(fast))
        assert account["result"]["uid"] == fast.house.bob.account


@pytest.mark.parametrize(
    ("params", "code"),
    [({}, -1102), ({"timestamp": -10_000}, -1021), ({"timestamp": 5_000}, -1021), ({"timestamp": 0, "x": 1}, -1104)],
)
async def test_a_request_of_a_session_is_still_dated_and_understood(
    fast: Fast, params: dict[str, int], code: int
) -> None:
    if "timestamp" in params:
        params = params | {"timestamp": now(fast) + params["timestamp"]}
    async with fast.reader(PATH) as reader:
        await logon(fast, reader, fast.house.alice)
        assert (await ask(reader, "openOrders.status", **params))["error"]["code"] == code


async def test_a_session_belongs_to_its_connection(fast: Fast) -> None:
    async with fast.reader(PATH) as hers, fast.reader(PATH) as another:
        await logon(fast, hers, fast.house.alice)
        assert (await ask(another, "account.status", timestamp=now(fast)))["error"] == NO_KEY
        assert (await ask(another, "session.status"))["result"]["apiKey"] is None


async def test_a_request_may_be_signed_by_another_key(fast: Fast) -> None:
    async with fast.reader(PATH) as reader:
        await logon(fast, reader, reading(fast, fast.house.alice))
        refused = await ask(reader, "order.place", **GOOD, timestamp=now(fast))
        assert (refused["status"], refused["error"]) == (401, BAD_KEY)
        placed = await ask(reader, "order.place", **signed(fast.house.bob, fast.house.rooms.clock.now(), **GOOD))
        assert placed["status"] == 200
        mine = await ask(reader, "account.status", timestamp=now(fast))
        assert mine["result"]["uid"] == fast.house.alice.account


async def test_the_status_may_be_asked_for_with_a_signature_which_is_checked(fast: Fast) -> None:
    key = fast.house.alice.key
    assert key.secret is not None
    right = hmac.new(key.secret.encode(), f"apiKey={key.api_key}".encode(), hashlib.sha256).hexdigest()
    async with fast.reader(PATH) as reader:
        asked = await ask(reader, "session.status", apiKey=key.api_key, signature=right)
        assert asked["result"]["apiKey"] is None
        stamped = signed(fast.house.alice, fast.house.rooms.clock.now())
        assert (await ask(reader, "session.status", **stamped))["status"] == 200
        forged = await ask(reader, "session.status", apiKey=key.api_key, signature="0" * 64)
        assert forged["error"]["code"] == -1022
        assert (await ask(reader, "session.status", apiKey="nobody", signature=right))["error"]["code"] == -2015


async def test_logging_on_again_changes_the_key_and_a_failure_does_not(fast: Fast) -> None:
    async with fast.reader(PATH) as reader:
        await logon(fast, reader, fast.house.alice)
        forged = signed(fast.house.bob, fast.house.rooms.clock.now()) | {"signature": "0" * 64}
        assert (await ask(reader, "session.logon", **forged))["error"]["code"] == -1022
        assert (await ask(reader, "session.status"))["result"]["apiKey"] == fast.house.alice.key.api_key
        await logon(fast, reader, fast.house.bob)
        assert (await ask(reader, "session.status"))["result"]["apiKey"] == fast.house.bob.key.api_key


async def test_after_logout_nobody_is_spoken_for(fast: Fast) -> None:
    async with fast.reader(PATH) as reader:
        await logon(fast, reader, fast.house.alice)
        told = (await ask(reader, "session.logout"))["result"]
        assert (told["apiKey"], told["authorizedSince"]) == (None, None)
        assert (await ask(reader, "order.place", **GOOD, timestamp=now(fast)))["error"] == NO_KEY
        assert (await ask(reader, "session.logout"))["status"] == 200


async def test_a_revoked_key_is_dead_at_once_on_an_open_session(fast: Fast) -> None:
    async with fast.reader(PATH) as reader:
        await logon(fast, reader, fast.house.alice)
        fast.house.rooms.keyring.revoke(fast.house.alice.key.api_key)
        before = await fast.house.fingerprint()
        refused = await ask(reader, "order.place", **GOOD, timestamp=now(fast))
        assert (refused["status"], refused["error"]) == (401, BAD_KEY)
        assert (await ask(reader, "order.place", **GOOD, timestamp=now(fast)))["error"] == NO_KEY
        again = await ask(reader, "order.place", **signed(fast.house.alice, fast.house.rooms.clock.now(), **GOOD))
        assert again["error"] == BAD_KEY
        assert await fast.house.fingerprint() == before


async def test_a_revoked_key_is_told_nothing_more_not_even_once(tmp_path: Path) -> None:
    async with fast_house(tmp_path, SetClock()) as fast, fast.reader(PATH) as reader:
        await logon(fast, reader, fast.house.alice)
        await ask(reader, "userDataStream.subscribe")
        fast.house.rooms.keyring.revoke(fast.house.alice.key.api_key)
        await fast.limit(fast.house.alice, Side.BUY, 2_900_000, 50)
        assert (await reader.read())["event"]["e"] == "eventStreamTerminated"


async def test_a_session_subscribes_without_a_signature(fast: Fast) -> None:
    async with fast.reader(PATH) as reader:
        assert (await ask(reader, "userDataStream.subscribe"))["error"] == NO_KEY
        await logon(fast, reader, fast.house.alice)
        assert (await ask(reader, "userDataStream.subscribe"))["result"] == {"subscriptionId": 0}
        assert (await ask(reader, "userDataStream.subscribe"))["error"]["code"] == -2035
        assert (await ask(reader, "session.status"))["result"]["userDataStream"] is True
        await reader.send({"id": 1, "method": "order.place", "params": GOOD | {"timestamp": now(fast)}})
        event = await reader.read_until(lambda message: "event" in message)
        assert event["event"]["e"] == "executionReport"
        await ask(reader, "userDataStream.unsubscribe")
        assert (await ask(reader, "session.status"))["result"]["userDataStream"] is False


async def test_logging_out_ends_what_the_logon_opened_and_nothing_else(fast: Fast) -> None:
    async with fast.reader(PATH) as reader:
        await logon(fast, reader, fast.house.alice)
        await ask(reader, "userDataStream.subscribe")
        by_signature = signed(fast.house.bob, fast.house.rooms.clock.now())
        assert (await ask(reader, "userDataStream.subscribe.signature", **by_signature))["result"][
            "subscriptionId"
        ] == 1
        await ask(reader, "session.logout")
        assert (await ask(reader, "session.subscriptions"))["result"] == [{"subscriptionId": 1}]
