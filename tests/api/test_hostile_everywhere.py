"""Hostile requests to both doors and all sockets: nobody is answered by a 500, and the journal stands as it stood.

A few hundred by day, a million by night; from one seed by day, from a new one each night.
"""

from __future__ import annotations

import dataclasses
import json
import os
import random
import secrets
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

import pytest
import trio
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from exchange.api.door_limits import DoorLimits
from exchange.api.http_routes import ROUTES
from exchange.api.ws_api import METHODS
from exchange.api.ws_methods import LATER
from exchange.core.orders import Side
from tests.api.fast import Fast, Reader, fast_house
from tests.api.test_hostile import NAMES, POISON, SEED, shoot
from tests.api.test_ws_hostile import NO_REQUESTS, RAW, hostile, statuses_of
from tests.conftest import NIGHTLY

TOTAL: Final = int(os.environ.get("HOSTILE_INPUTS", "1000000" if NIGHTLY else "800"))
TONIGHT: Final = secrets.randbelow(2**32) if NIGHTLY else SEED
AT_A_TIME: Final = 5_000
"""Requests that are made up before the next are."""
AT_ONCE: Final = 8
"""Clients of HTTP that shoot side by side."""

STREAMS: Final = ("btcusdt@trade", "!ticker@arr", "btcusdt@depth5@100ms", "btcusdt@kline_1d@+08:00", "nosuch@trade")
CONTROLS: Final = ("SUBSCRIBE", "UNSUBSCRIBE", "LIST_SUBSCRIPTIONS", "SET_PROPERTY", "GET_PROPERTY", "HALT", "")


async def main_door(fast: Fast, dice: random.Random, count: int) -> set[int]:
    """Every route in turn."""
    return await _over_http(fast, fast.house.url, dice, count)


async def fast_door(fast: Fast, dice: random.Random, count: int) -> set[int]:
    """The same at the fast door."""
    return await _over_http(fast, f"http://127.0.0.1:{fast.port}", dice, count)


async def _over_http(fast: Fast, url: str, dice: random.Random, count: int) -> set[int]:
    client = dataclasses.replace(fast.house, url=url).client(fast.house.alice)
    statuses: set[int] = set()

    async def one() -> None:
        for _ in range(count // AT_ONCE):
            route = dice.choice(ROUTES)
            statuses.add(await shoot(client, dice, route.method, route.path))

    async with trio.open_nursery() as nursery:
        for _ in range(AT_ONCE):
            nursery.start_soon(one)
    return statuses


async def websocket_api(fast: Fast, dice: random.Random, count: int) -> set[int]:
    """Every method, and what is no request at all."""
    methods = [*METHODS, *LATER, *POISON[:5]]
    async with fast.reader("/ws-api/v3?returnRateLimits=false") as reader:
        texts = [hostile(fast, dice, json.dumps(dice.choice(methods))[1:-1]) for _ in range(count)]
        texts += dice.choices(NO_REQUESTS, k=count // 10)
        return await statuses_of(reader, texts)


async def streams(fast: Fast, dice: random.Random, count: int) -> set[int]:
    """Control messages and paths; who is cut off comes again."""
    for _ in range(count // 50):
        path = dice.choice(("/ws", "/stream", "/stream?streams=", "/ws/"))
        name = dice.choice((*STREAMS, "", "%00", "%ff", "@", "x" * 5_000, "a" * 60))
        try:
            async with fast.reader(path + (name if path.endswith(("=", "/")) else "")) as reader:
                await _all_answered(reader, [_control(dice) for _ in range(50)])
        except* (ConnectionClosed, InvalidHandshake):
            pass
    return {200}


async def _all_answered(reader: Reader, texts: list[str]) -> None:
    """Send these, and read until a last one is answered."""

    async def shoot() -> None:
        for text in (*texts, '{"method":"LIST_SUBSCRIPTIONS","id":"end"}'):
            await reader.socket.send(text)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(shoot)
        await reader.read_until(lambda message: isinstance(message, dict) and message.get("id") == "end")


def _control(dice: random.Random) -> str:
    params = dice.choice((json.dumps(dice.choices(STREAMS, k=dice.randrange(3))), *RAW))
    number, more = (
        dice.choice(RAW),
        f",{json.dumps(dice.choice(NAMES))}:{dice.choice(RAW)}" if dice.random() < 0.2 else "",
    )
    return f'{{"method":{json.dumps(dice.choice(CONTROLS))},"params":{params},"id":{number}{more}}}'


@pytest.mark.parametrize("door", [main_door, fast_door, websocket_api, streams])
async def test_no_hostile_request_causes_a_500_or_a_single_event(
    tmp_path: Path, door: Callable[[Fast, random.Random, int], Awaitable[set[int]]]
) -> None:
    dice = random.Random(TONIGHT)
    async with fast_house(tmp_path, limits=DoorLimits(messages_per_second=10**6)) as fast:
        await fast.limit(fast.house.alice, Side.BUY, 2_900_000, 100_000, client_id="hers")
        await fast.trade(3_000_000, 50_000)
        before = await fast.house.fingerprint()
        journal = fast.house.rooms.sequencer.state.seq
        statuses = set[int]()
        for done in range(0, TOTAL // 4, AT_A_TIME):
            statuses |= await door(fast, dice, min(AT_A_TIME, TOTAL // 4 - done))
        assert max(statuses) < 500, f"seed {TONIGHT}"
        assert await fast.house.fingerprint() == before, f"seed {TONIGHT}"
        assert fast.house.rooms.sequencer.state.seq == journal, f"seed {TONIGHT}"
        async with fast.reader("/ws-api/v3") as bystander:
            assert (await bystander.ask({"id": 1, "method": "ping"}))["status"] == 200
        assert (await fast.house.client().ask("GET", "/api/v3/ping")).status == 200
