"""AsyncAPI: valid, complete, and true of what the running fast door says."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from jsonschema import Draft7Validator

from exchange.api import stream_wire, user_events
from exchange.api.docs import asyncapi
from exchange.api.docs.messages import EVENTS, OWN_ANSWERS, STREAMS
from exchange.api.http_routes import Route, Security
from exchange.api.streams import Streams, UnknownStream
from exchange.api.ws_api import METHODS
from exchange.api.ws_session import OWN
from exchange.core.orders import Side, TimeInForce
from tests.api.docs.judge import message_faults
from tests.api.fast import Fast, fast_house, signed
from tests.api.listed import OCO, place
from tests.api.test_ws_methods import ACTS, LOOKS
from tests.market_data.market import venue

DOCUMENT: dict[str, Any] = msgspec.json.decode(asyncapi.encoded())
SPECIFICATION = Path(__file__).parent / "asyncapi-3.0.0.json"
STREAMS_PAGE = Path(__file__).parents[3] / "docs" / "streams.md"
ROOM = {"symbol": "btcusdt", "speed": "100ms", "levels": "5", "interval": "1m", "window": "1h"}


@pytest.fixture
async def fast(tmp_path: Path) -> AsyncIterator[Fast]:
    async with fast_house(tmp_path) as running:
        yield running


def payload(message: str) -> Any:
    return DOCUMENT["components"]["messages"][message]["payload"]


def test_it_is_asyncapi() -> None:
    judge = Draft7Validator(msgspec.json.decode(SPECIFICATION.read_bytes()))
    assert [f"{list(fault.absolute_path)} {fault.message[:200]}" for fault in judge.iter_errors(DOCUMENT)] == []


def test_every_reference_leads_somewhere() -> None:
    for reference in set(re.findall(r'"\$ref":\s*"#/([^"]+)"', asyncapi.encoded().decode())):
        place = DOCUMENT
        for step in reference.split("/"):
            place = place[step]


def test_every_example_fits_its_schema() -> None:
    for name, message in DOCUMENT["components"]["messages"].items():
        for example in message.get("examples", []):
            assert message_faults(DOCUMENT, message["payload"], example["payload"]) == [], name


def test_every_method_stands_there() -> None:
    assert set(METHODS) <= set(DOCUMENT["operations"])
    assert set(OWN_ANSWERS) == set(OWN)


async def test_every_stream_told_exists_and_every_stream_of_the_manual_is_told(tmp_path: Path) -> None:
    manual = re.findall(r"^\| `([^`]+)` \|", STREAMS_PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    names = {stream.name.format(**ROOM) for stream in STREAMS}
    assert {name for name in manual if name not in names} == set()
    async with venue(tmp_path) as house:
        streams = Streams(house.hub)
        for name in names:
            streams.check(name)
        with pytest.raises(UnknownStream):
            streams.check("btcusdt@nothing")


def test_every_record_that_streams_or_events_say_is_told() -> None:
    told = set(DOCUMENT["components"]["schemas"])
    for module in (stream_wire, user_events):
        for name, record in vars(module).items():
            mine = isinstance(record, type) and record.__module__ == module.__name__ and not name.startswith("_")
            if mine and issubclass(record, msgspec.Struct):
                assert name in told or f"UserEvents{name}" in told, name


async def trade_and_cancel(fast: Fast) -> None:
    """Something of everything: orders that rest, trade, expire and are cancelled."""
    alice, bob = fast.house.alice, fast.house.bob
    await fast.trade(3_000_000, 50_000)
    await fast.limit(alice, Side.BUY, 2_900_000, 100_000)
    await fast.limit(bob, Side.SELL, 3_100_000, 100_000, time_in_force=TimeInForce.IOC)
    await fast.limit(alice, Side.SELL, 3_100_000, 10_000)
    await place(fast.house, alice, "oco", OCO)
    await fast.house.client(alice).signed("DELETE", "/api/v3/openOrders", symbol="BTCUSDT")


@pytest.mark.parametrize("stream", STREAMS, ids=lambda stream: stream.key)
async def test_a_stream_says_what_was_told(fast: Fast, stream: Any) -> None:
    name = stream.name.format(**ROOM)
    async with fast.reader(f"/ws/{name}") as bare, fast.reader(f"/stream?streams={name}") as combined:
        await trade_and_cancel(fast)
        message = await bare.read()
        assert message_faults(DOCUMENT, payload(f"{stream.key}.message"), message) == []
        wrapped = await combined.read()
        assert wrapped["stream"] == name
        assert message_faults(DOCUMENT, payload("combined"), wrapped) == []


async def test_own_events_are_what_was_told(fast: Fast) -> None:
    seen: set[str] = set()
    async with fast.reader("/ws-api/v3?returnRateLimits=false") as reader:
        params = signed(fast.house.alice, fast.house.rooms.clock.now())
        await reader.ask({"id": 1, "method": "userDataStream.subscribe.signature", "params": params})
        await trade_and_cancel(fast)
        await reader.send({"id": 2, "method": "userDataStream.unsubscribe", "params": {}})
        while "eventStreamTerminated" not in seen:
            message = await reader.read()
            if "event" in message:
                assert message_faults(DOCUMENT, payload("event"), message) == []
                seen.add(message["event"]["e"])
    assert {"executionReport", "listStatus", "outboundAccountPosition"} <= seen
    assert {"ExecutionReport", "AccountPosition", "BalanceUpdate"} <= set(EVENTS)


async def test_what_is_asked_on_a_stream_is_answered_as_told(fast: Fast) -> None:
    async with fast.reader("/ws") as reader:
        for request, said in (
            ({"method": "SUBSCRIBE", "params": ["btcusdt@trade"], "id": 1}, "controlReply"),
            ({"method": "LIST_SUBSCRIPTIONS", "id": 2}, "controlReply"),
            ({"method": "SET_PROPERTY", "params": ["combined", True], "id": "three"}, "controlReply"),
            ({"method": "GET_PROPERTY", "params": ["combined"], "id": None}, "controlReply"),
            ({"method": "SUBSCRIBE", "params": ["btcusdt@nothing"], "id": 5}, "controlError"),
        ):
            assert message_faults(DOCUMENT, payload("controlRequest"), request) == []
            assert message_faults(DOCUMENT, payload(said), await reader.ask(request)) == []


def request_of(fast: Fast, method: str, params: dict[str, object]) -> dict[str, object]:
    """A request of that method, signed as far as it wants."""
    entry = METHODS[method]
    who = entry.security is not Security.NONE if isinstance(entry, Route) else entry.who == "signed"
    if who:
        params = signed(fast.house.alice, fast.house.rooms.clock.now(), **params)
    return {"id": method, "method": method, "params": params}


REFUSED = {"referencePrice", "referencePrice.calculation"}
"""No market has one."""


@pytest.mark.parametrize("method", sorted(METHODS))
async def test_a_method_is_asked_and_answered_as_told(fast: Fast, method: str) -> None:
    hers = "hers" if method != "order.place" else "another"
    await fast.limit(fast.house.alice, Side.BUY, 2_900_000, 100_000, client_id=hers)
    await fast.trade(3_000_000, 50_000)
    await place(fast.house, fast.house.alice, "oco", OCO, listClientOrderId="herlist")
    params = LOOKS.get(method) or ACTS.get(method) or {}
    if method in REFUSED:
        params = {"symbol": "BTCUSDT"}
    if method in {"userDataStream.ping", "userDataStream.stop"}:
        alice, rooms = fast.house.alice, fast.house.rooms
        key = rooms.listen_keys.create(alice.account, alice.key.api_key, rooms.clock.now())
        params = {"listenKey": key}
    async with fast.reader("/ws-api/v3") as reader:
        if method == "userDataStream.subscribe":
            await reader.ask(request_of(fast, "session.logon", {}))
        request = request_of(fast, method, params)
        assert message_faults(DOCUMENT, payload(method), request) == []
        reply = await reader.ask(request)
        assert message_faults(DOCUMENT, payload(f"{method}.reply"), reply) == []
        assert reply["status"] == (400 if method in REFUSED else 200)
        refused = await reader.ask(request | {"params": {"nosuch": "x"}})
    assert message_faults(DOCUMENT, payload(f"{method}.reply"), refused) == []
    assert "error" in refused
