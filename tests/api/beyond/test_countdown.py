"""countdownCancelAll: orders go unless the client speaks up; a restart changes nothing about that."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio

from exchange.core import commands as co
from exchange.core.committed import Committed
from exchange.core.market import MarketPhase
from exchange.core.units import MarketId, Micros
from exchange.settings import Settings
from exchange.timers import Timers
from tests.api.house import Answer, House, SetClock, running_house

PATH = "/ext/v1/countdownCancelAll"


@asynccontextmanager
async def ticking(house: House) -> AsyncIterator[None]:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(Timers(house.rooms.sequencer, house.rooms.clock).run)
        yield
        nursery.cancel_scope.cancel()


async def count_down(house: House, time: int, symbol: str = "BTCUSDT") -> Answer:
    return await house.client(house.alice).signed("POST", PATH, symbol=symbol, countdownTime=time)


async def open_symbols(house: House) -> list[str]:
    return sorted(one["symbol"] for one in (await house.client(house.alice).signed("GET", "/api/v3/openOrders")).json)


async def until(true: Callable[[], Awaitable[bool]]) -> None:
    with trio.fail_after(120):
        while not await true():  # noqa: ASYNC110  # asked over HTTP: nobody could set an event
            await trio.sleep(0.01)


async def orders(house: House) -> None:
    for _ in range(2):
        assert (await house.client(house.alice).order("BUY", "1", "29000")).status == 200
    assert (await house.client(house.alice).order("BUY", "1", "1900", symbol="ETHUSDT")).status == 200


async def test_when_the_time_is_up_the_orders_of_that_market_go(tmp_path: Path) -> None:
    """Not a moment earlier, and no others."""
    clock = SetClock()
    async with running_house(tmp_path, clock) as house, ticking(house):
        await orders(house)
        reply = (await count_down(house, 1_000)).json
        assert reply == {"symbol": "BTCUSDT", "countdownTime": 1000, "due": clock.time // 1000 + 1000}
        clock.time += 999_000
        await trio.sleep(0.2)
        assert await open_symbols(house) == ["BTCUSDT", "BTCUSDT", "ETHUSDT"]
        clock.time += 1_000

        async def gone() -> bool:
            return await open_symbols(house) == ["ETHUSDT"]

        await until(gone)


async def test_who_speaks_up_in_time_keeps_the_orders(tmp_path: Path) -> None:
    clock = SetClock()
    async with running_house(tmp_path, clock) as house, ticking(house):
        await orders(house)
        for _ in range(3):
            await count_down(house, 1_000)
            clock.time += 900_000
        assert (await count_down(house, 0)).json == {"symbol": "BTCUSDT", "countdownTime": 0, "due": 0}
        clock.time += 9_000_000
        await trio.sleep(0.2)
        assert len(await open_symbols(house)) == 3


async def test_all_that_are_due_fire_together(tmp_path: Path) -> None:
    """Not each after the one before is on the disk: the last of many must not be late."""
    clock = SetClock()
    async with running_house(tmp_path, clock) as house:
        sequencer = house.rooms.sequencer
        for number in range(50):
            await sequencer.call(co.OpenAccount(f"bot {number}"))
        for account in await sequencer.read(lambda state: list(state.accounts)):
            await sequencer.call(co.SetCountdown(account, MarketId(1), Micros(1)))
        clock.time += 1_000_000
        commits: list[Committed] = []
        sequencer.subscribe(commits.append)
        await Timers(sequencer, clock).catch_up()
        assert await sequencer.read(lambda state: len(state.countdowns)) == 0
        assert len(commits) <= 3


async def test_nobody_is_asked_about_a_halted_market(tmp_path: Path) -> None:
    """However many countdowns are through there, others are not kept waiting."""
    clock = SetClock()
    async with running_house(tmp_path, clock) as house:
        sequencer = house.rooms.sequencer
        await sequencer.call(co.SetCountdown(house.alice.account, MarketId(1), Micros(1)))
        await house.set_phase("BTCUSDT", MarketPhase.HALTED)
        clock.time += 1_000_000
        answered = sequencer.stats.answers
        await Timers(sequencer, clock).catch_up()
        assert sequencer.stats.answers - answered == 2  # the readings of what is armed and of what is due


async def test_a_halted_market_keeps_its_orders_until_the_halt_is_over(tmp_path: Path) -> None:
    clock = SetClock()
    async with running_house(tmp_path, clock) as house, ticking(house):
        await orders(house)
        await count_down(house, 100)
        await house.set_phase("BTCUSDT", MarketPhase.HALTED)
        clock.time += 1_000_000
        await trio.sleep(0.2)
        assert len(await open_symbols(house)) == 3
        await house.set_phase("BTCUSDT", MarketPhase.OPEN)

        async def gone() -> bool:
            return await open_symbols(house) == ["ETHUSDT"]

        await until(gone)


@pytest.mark.parametrize("time", ["99", "86400001", "-1", "1.5", ""])
async def test_a_time_that_is_none_is_refused(house: House, time: str) -> None:
    reply = await house.client(house.alice).signed("POST", PATH, symbol="BTCUSDT", countdownTime=time)
    assert reply.status == 400


async def test_what_fell_due_while_the_house_was_down_is_done_before_its_doors_open(house: House) -> None:
    """Countdowns that are through, and connections that did not outlive the process."""
    await orders(house)
    sequencer = house.rooms.sequencer
    await sequencer.call(co.ArmSession(house.alice.account, "lost", (house.rooms.catalogue.find("ETHUSDT").id,)))
    await count_down(house, 100)
    await trio.sleep(0.11)
    await Timers(sequencer, house.rooms.clock).catch_up()
    assert await open_symbols(house) == []


async def test_all_of_it_is_done_before_the_doors_open_however_short_the_queue(tmp_path: Path) -> None:
    """More connections may have been armed than commands may wait: none may be left out."""
    settings = Settings(weight_limit_per_minute=0, queue_limit_commands=10)
    async with running_house(tmp_path, SetClock(), settings) as house:
        sequencer, who = house.rooms.sequencer, house.alice.account
        await orders(house)
        for number in range(35):
            await sequencer.call(co.ArmSession(who, f"lost {number}", (MarketId(2),) if number < 34 else ()))
        await Timers(sequencer, house.rooms.clock).catch_up()
        assert await sequencer.read(lambda state: len(state.sessions)) == 0
        assert await open_symbols(house) == []
