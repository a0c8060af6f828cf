"""One's own events over a connection: replay and live join without a gap, over reconnects; a heartbeat counts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import trio

from exchange.api import own_stream
from exchange.core.orders import Side
from tests.api.fast import Fast, Reader, fast_house, signed
from tests.api.house import SetClock

API = "/ws-api/v3"


async def ask(fast: Fast, reader: Reader, method: str, **parameters: object) -> Any:
    now = fast.house.rooms.clock.now()
    return await reader.ask({"id": 1, "method": method, "params": signed(fast.house.alice, now, **parameters)})


async def numbers(reader: Reader, last: int) -> list[int]:
    """The numbers of all events that are told, up to `last`."""
    found: list[int] = []
    while not found or found[-1] < last:
        message = await reader.read()
        if "event" in message:
            found.append(message["event"]["number"])
    return found


async def test_events_from_a_number_on_and_then_live_ones(tmp_path: Path) -> None:
    """Each once, in order, while orders come in during the replay."""
    async with fast_house(tmp_path) as fast, fast.reader(API) as reader:
        for price in range(100, 130):
            await fast.limit(fast.house.alice, Side.BUY, 2_900_000 + price, 20)
        reply = await ask(fast, reader, "ext.events.subscribe", **{"from": 2})
        assert reply["result"] == {"from": 2, "last": 33}

        async def more() -> None:
            for price in range(200, 260):
                await fast.limit(fast.house.alice, Side.BUY, 2_900_000 + price, 20)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(more)
            assert await numbers(reader, 93) == list(range(2, 94))


async def test_a_reconnect_goes_on_where_the_last_connection_ended(tmp_path: Path) -> None:
    async with fast_house(tmp_path) as fast:
        async with fast.reader(API) as reader:
            await ask(fast, reader, "ext.events.subscribe", **{"from": 1})
            seen = await numbers(reader, 3)
        await fast.limit(fast.house.alice, Side.BUY, 2_900_000, 20)
        async with fast.reader(API) as reader:
            await ask(fast, reader, "ext.events.subscribe", **{"from": seen[-1] + 1})
            await fast.limit(fast.house.alice, Side.BUY, 2_900_001, 20)
            assert seen + await numbers(reader, 5) == [1, 2, 3, 4, 5]


async def test_without_a_number_it_begins_with_the_next_event(tmp_path: Path) -> None:
    async with fast_house(tmp_path) as fast, fast.reader(API) as reader:
        assert (await ask(fast, reader, "ext.events.subscribe"))["result"] == {"from": 4, "last": 3}
        await fast.limit(fast.house.alice, Side.BUY, 2_900_000, 20)
        assert await numbers(reader, 4) == [4]


async def test_an_event_is_told_just_as_it_is_listed(tmp_path: Path) -> None:
    """Over both doors the same words."""
    async with fast_house(tmp_path) as fast, fast.reader(API) as reader:
        await ask(fast, reader, "ext.events.subscribe")
        await fast.limit(fast.house.alice, Side.BUY, 2_900_000, 20)
        told = await reader.read_until(lambda message: "event" in message)
        listed = await fast.house.client(fast.house.alice).signed("GET", "/ext/v1/events", **{"from": 4})
        assert [told["event"]] == listed.json["events"]
        asked = await ask(fast, reader, "ext.events", **{"from": 4})
        assert asked["result"] == listed.json


async def test_a_heartbeat_carries_the_last_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At once when all is told, and then every few seconds."""
    monkeypatch.setattr(own_stream, "HEARTBEAT_SECONDS", 0.05)
    async with fast_house(tmp_path) as fast, fast.reader(API) as reader:
        await ask(fast, reader, "ext.events.subscribe")
        for _ in range(3):
            beat = await reader.read_until(lambda message: "heartbeat" in message)
            assert beat["heartbeat"]["number"] == 3
        await fast.limit(fast.house.alice, Side.BUY, 2_900_000, 20)
        await reader.read_until(lambda message: message.get("heartbeat", {}).get("number") == 4)


async def test_live_events_that_were_lost_on_the_way_are_read_from_the_ledger(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However little is kept of what is live."""
    monkeypatch.setattr(own_stream, "_KEPT", 1)
    async with fast_house(tmp_path) as fast, fast.reader(API) as reader:
        await ask(fast, reader, "ext.events.subscribe")
        async with trio.open_nursery() as nursery:
            for price in range(100, 140):
                nursery.start_soon(fast.limit, fast.house.alice, Side.BUY, 2_900_000 + price, 20)
            assert await numbers(reader, 43) == list(range(4, 44))


async def test_nothing_is_told_after_the_end(tmp_path: Path) -> None:
    async with fast_house(tmp_path) as fast, fast.reader(API) as reader:
        await ask(fast, reader, "ext.events.subscribe")
        again = await ask(fast, reader, "ext.events.subscribe")
        assert (again["status"], again["error"]["code"]) == (400, -2035)
        assert (await ask(fast, reader, "ext.events.unsubscribe"))["result"] == {}
        await fast.limit(fast.house.alice, Side.BUY, 2_900_000, 20)
        assert (await ask(fast, reader, "ext.events.unsubscribe"))["error"]["code"] == -2036
        assert fast.house.rooms.sequencer._watched == {}


async def test_whoever_is_gone_costs_nothing(tmp_path: Path) -> None:
    async with fast_house(tmp_path) as fast:
        async with fast.reader(API) as reader:
            await ask(fast, reader, "ext.events.subscribe")
        with trio.fail_after(120):
            while fast.house.rooms.sequencer._watched:  # noqa: ASYNC110
                await trio.sleep(0.01)


async def test_a_revoked_key_learns_nothing_more(tmp_path: Path) -> None:
    async with fast_house(tmp_path) as fast, fast.reader(API) as reader:
        await ask(fast, reader, "ext.events.subscribe")
        await reader.read_until(lambda message: "heartbeat" in message)
        fast.house.rooms.keyring.revoke(fast.house.alice.key.api_key)
        await fast.limit(fast.house.alice, Side.BUY, 2_900_000, 20)
        with trio.fail_after(120):
            while fast.house.rooms.sequencer._watched:  # noqa: ASYNC110
                await trio.sleep(0.01)
        await reader.send({"id": 9, "method": "ping"})
        assert (await reader.read())["id"] == 9


@pytest.mark.parametrize("start", ["5", "-1", "x", "99999999999999999999"])
async def test_a_number_that_cannot_be_is_refused(tmp_path: Path, start: str) -> None:
    """The next event's is the highest to begin with: who asks for more has lost count."""
    async with fast_house(tmp_path) as fast, fast.reader(API) as reader:
        reply = await ask(fast, reader, "ext.events.subscribe", **{"from": start})
        assert reply["status"] == 400
        assert reply["error"]["reason"]


async def test_a_clock_that_is_wrong_is_told_by_how_much(tmp_path: Path) -> None:
    """In `data`, where clients of the dialect look for nothing."""
    clock = SetClock()
    async with fast_house(tmp_path, clock) as fast, fast.reader(API) as reader:
        params = signed(fast.house.alice, clock.time - 60_000_000)
        reply = await reader.ask({"id": 1, "method": "account.status", "params": params})
        now = clock.time // 1000
        assert reply["error"]["data"] == {"serverTime": now, "clockSkewMs": -60_000}
        assert set(reply["error"]) == {"code", "msg", "data"}


async def test_a_batch_goes_over_a_connection_too(tmp_path: Path) -> None:
    async with fast_house(tmp_path) as fast, fast.reader(API) as reader:
        text = '[{"symbol":"BTCUSDT","side":"BUY","type":"MARKET","quantity":1},{"method":"order.cancel"}]'
        now = fast.house.rooms.clock.now()
        sent = signed(fast.house.alice, now, batchOrders=text)
        quoted = {name: f'"{value}"' for name, value in sent.items()} | {"batchOrders": text}
        fields = ",".join(f'"{name}":{value}' for name, value in quoted.items())
        await reader.socket.send(f'{{"id":1,"method":"ext.batch","params":{{{fields}}}}}')
        reply = await reader.read_until(lambda message: "id" in message)
        assert [one["status"] for one in reply["result"]] == [200, 400]


async def test_a_ledger_over_a_connection_is_json_only(tmp_path: Path) -> None:
    async with fast_house(tmp_path) as fast, fast.reader(API) as reader:
        assert len((await ask(fast, reader, "ext.ledger"))["result"]["rows"]) == 3
        assert (await ask(fast, reader, "ext.ledger", format="CSV"))["error"]["code"] == -1130
