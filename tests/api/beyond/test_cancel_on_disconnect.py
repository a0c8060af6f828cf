"""Cancel on disconnect: when an armed connection ends, however it ends, the orders go."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing

from exchange.api.door_line import Desk, Line
from exchange.api.door_loop import Loop
from exchange.api.errors import Refused
from exchange.api.ws_beyond import EXTRA, Beyond
from exchange.api.ws_identity import Identity
from exchange.api.ws_requests import signed_payload
from exchange.core.orders import Side
from exchange.core.units import MarketId
from tests.api.fast import Fast, Reader, fast_house, signed
from tests.api.house import READ, Person, running_house

API = "/ws-api/v3"
ARM, DISARM = "ext.cancelOnDisconnect.arm", "ext.cancelOnDisconnect.disarm"


async def ask(fast: Fast, reader: Reader, method: str, person: Person | None = None, **parameters: object) -> Any:
    params = signed(person or fast.house.alice, fast.house.rooms.clock.now(), **parameters)
    return await reader.ask({"id": 1, "method": method, "params": params})


async def open_orders(fast: Fast) -> int:
    return await fast.house.rooms.sequencer.read(lambda state: len(state.orders))


async def gone(fast: Fast, left: int = 0) -> None:
    with trio.fail_after(120):
        while await open_orders(fast) != left:  # noqa: ASYNC110
            await trio.sleep(0.01)


async def test_the_orders_of_an_armed_connection_go_with_it(tmp_path: Path) -> None:
    """All of the account's, also those that came another way; and nobody else's."""
    async with fast_house(tmp_path) as fast:
        await fast.limit(fast.house.bob, Side.BUY, 2_900_000, 20)
        await fast.limit(fast.house.alice, Side.BUY, 2_900_000, 20)
        async with fast.reader(API) as reader:
            assert (await ask(fast, reader, ARM))["result"] == {"armed": True, "symbols": []}
            await fast.limit(fast.house.alice, Side.BUY, 2_900_001, 20)
            assert await open_orders(fast) == 3
        await gone(fast, left=1)


async def test_a_connection_that_breaks_takes_them_too(tmp_path: Path) -> None:
    """Without a goodbye."""
    async with fast_house(tmp_path) as fast:
        await fast.limit(fast.house.alice, Side.BUY, 2_900_000, 20)
        async with fast.reader(API) as reader:
            await ask(fast, reader, ARM)
            await trio.aclose_forcefully(reader.socket.stream)
            await gone(fast)


class Asked:
    """A request that notes that it was begun, and then takes its time."""

    def __init__(self, name: str, begun: list[str]) -> None:
        self.name, self.begun = name, begun

    def begin(self) -> Callable[[], Awaitable[None]]:
        self.begun.append(self.name)
        return trio.lowlevel.checkpoint

    def told(self, _: object) -> None:
        pass

    refused = told

    def failed(self) -> None:
        raise AssertionError(self.name)


async def test_what_waits_behind_others_when_the_connection_ends_is_not_begun(tmp_path: Path) -> None:
    """An order among it would come behind the cancels, and outlive the connection."""
    async with running_house(tmp_path) as house, trio.open_nursery() as nursery:
        begun: list[str] = []
        line: Line[None] = Line(Desk(house.rooms.sequencer, Loop(), nursery), 9)
        for name in ("reading", "order"):
            line.put(Asked(name, begun), lambda _: None)
        line.close()
        await trio.testing.wait_all_tasks_blocked()
        assert begun == ["reading"]


async def test_a_connection_that_is_gone_is_not_armed_any_more(tmp_path: Path) -> None:
    """Nobody would ever end it, so that it would cancel at the next start."""
    async with running_house(tmp_path) as house, trio.open_nursery() as nursery:
        rooms = house.rooms
        desk = Desk(rooms.sequencer, Loop(), nursery)
        beyond = Beyond(None, rooms, Identity(rooms.keyring, rooms.clock, ""), desk, None)  # type: ignore[arg-type]
        beyond.close(busy=False)
        params = {name: str(value) for name, value in signed(house.alice, rooms.clock.now()).items()}
        with pytest.raises(Refused):
            beyond.begin(EXTRA[ARM], params, signed_payload(params))


async def test_only_the_markets_that_were_named(tmp_path: Path) -> None:
    async with fast_house(tmp_path) as fast:
        await fast.limit(fast.house.alice, Side.BUY, 2_900_000, 20)
        async with fast.reader(API) as reader:
            now = fast.house.rooms.clock.now()
            params = signed(fast.house.alice, now, symbols='["ETHUSDT"]') | {"symbols": ["ETHUSDT"]}
            reply = await reader.ask({"id": 1, "method": ARM, "params": params})
            assert reply["result"] == {"armed": True, "symbols": ["ETHUSDT"]}
            armed = await fast.house.rooms.sequencer.read(
                lambda state: [one.markets for one in state.sessions.values()]
            )
            assert armed == [(MarketId(2),)]
        with trio.fail_after(120):
            while await fast.house.rooms.sequencer.read(lambda state: len(state.sessions)):  # noqa: ASYNC110
                await trio.sleep(0.01)
        assert await open_orders(fast) == 1


async def test_a_disarmed_connection_leaves_them_alone(tmp_path: Path) -> None:
    async with fast_house(tmp_path) as fast:
        await fast.limit(fast.house.alice, Side.BUY, 2_900_000, 20)
        async with fast.reader(API) as reader:
            await ask(fast, reader, ARM)
            assert (await ask(fast, reader, DISARM))["result"] == {"armed": False}
            again = await ask(fast, reader, DISARM)
            assert (again["error"]["code"], again["error"]["reason"]) == (-2404, "NOT_ARMED")
        await fast.house.rooms.sequencer.read(lambda _: None)
        assert await open_orders(fast) == 1


async def test_the_stop_of_the_server_is_the_end_of_a_connection(tmp_path: Path) -> None:
    async with fast_house(tmp_path) as fast:
        await fast.limit(fast.house.alice, Side.BUY, 2_900_000, 20)
        async with fast.reader(API) as reader:
            await ask(fast, reader, ARM)
            fast.stop.set()
            await gone(fast)


@pytest.mark.parametrize("symbols", ['["NOSUCH"]', "BTCUSDT", "[]", "[1]"])
async def test_markets_that_there_are_not_are_refused(tmp_path: Path, symbols: str) -> None:
    async with fast_house(tmp_path) as fast, fast.reader(API) as reader:
        reply = await ask(fast, reader, ARM, symbols=symbols)
        assert reply["status"] == 400
        assert reply["error"]["reason"]


async def test_it_takes_the_scope_to_trade(tmp_path: Path) -> None:
    async with fast_house(tmp_path) as fast, fast.reader(API) as reader:
        rooms, alice = fast.house.rooms, fast.house.alice
        reading = Person("alice", alice.account, rooms.keyring.create(alice.account, READ, "hmac", label="reads"))
        assert (await ask(fast, reader, ARM, reading))["error"]["code"] == -2015
