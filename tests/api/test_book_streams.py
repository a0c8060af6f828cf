"""Books kept by the documented algorithm stay equal to the REST snapshot, under traffic and through reconnects."""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import Any, Final

import pytest
import trio

from exchange.core import commands as co
from exchange.core.orders import OrderType, Side, TimeInForce
from exchange.core.units import Price, Quantity
from tests.api.fast import BTC, Fast, Reader, fast_house
from tests.conftest import NIGHTLY

SECONDS: Final = int(os.environ.get("BOOK_STREAM_SECONDS", "3600" if NIGHTLY else "8"))
"""How long books are followed."""

BURST: Final = 400
"""Commands of each of two traders between two comparisons."""

MIDDLE: Final = 3_000_000
Levels = dict[str, str]


class Mirror:
    """A client that follows one stream, and begins anew whenever it is told to."""

    def __init__(self, fast: Fast, name: str) -> None:
        self.name = name
        self.fast = fast
        self.seen = 0
        self.connections = 0
        self._scope = trio.CancelScope()
        self._lot = trio.lowlevel.ParkingLot()

    async def run(self) -> None:
        """For ever."""
        while True:
            with trio.CancelScope() as self._scope:
                async with self.fast.reader(f"/ws/btcusdt@{self.name}") as reader:
                    self.connections += 1
                    await self.follow(reader)

    def drop(self) -> None:
        """Lose the connection, and all that is known."""
        self.seen = 0
        self._scope.cancel()

    async def follow(self, reader: Reader) -> None:
        raise NotImplementedError

    def told(self, update: int) -> None:
        """The book is known as of that update."""
        self.seen = update
        self._lot.unpark_all()

    async def caught_up(self, update: int) -> None:
        """Returns once all up to that update is known."""
        while self.seen < update:
            await self._lot.park()

    def fault(self, snapshot: Any) -> str | None:
        """What differs from the book as REST shows it, both as of one update; None: nothing."""
        raise NotImplementedError


class DiffMirror(Mirror):
    """`@depth` and `@depth@100ms`, by the steps that the manual tells."""

    bids: Levels
    asks: Levels

    async def follow(self, reader: Reader) -> None:
        first = await reader.read()
        snapshot = await depth(self.fast)
        while snapshot["lastUpdateId"] < first["U"]:
            snapshot = await depth(self.fast)
        self.bids, self.asks = dict(snapshot["bids"]), dict(snapshot["asks"])
        update, event = snapshot["lastUpdateId"], first
        while True:
            if event["u"] > update:
                assert event["U"] <= update + 1, "the stream has a gap"
                update = event["u"]
                _apply(self.bids, event["b"])
                _apply(self.asks, event["a"])
            self.told(update)
            event = await reader.read()
            assert event["U"] == first["u"] + 1, "an event does not follow on the one before it"
            first = event

    def fault(self, snapshot: Any) -> str | None:
        same = (self.bids, self.asks) == (dict(snapshot["bids"]), dict(snapshot["asks"]))
        return None if same else f"{self.name} differs at {snapshot['lastUpdateId']}"


class PartialMirror(Mirror):
    """`@depth5` and so on: the last message is the top of the book."""

    last: Any

    async def follow(self, reader: Reader) -> None:
        while True:
            self.last = await reader.read()
            assert self.last["lastUpdateId"] > self.seen
            self.told(self.last["lastUpdateId"])

    def fault(self, snapshot: Any) -> str | None:
        levels = int(self.name.removeprefix("depth").partition("@")[0])
        top = snapshot | {"bids": snapshot["bids"][:levels], "asks": snapshot["asks"][:levels]}
        return None if self.last == top else f"{self.name}: {self.last} is not {top}"


def _apply(levels: Levels, changes: list[list[str]]) -> None:
    for price, quantity in changes:
        if quantity.strip("0."):
            levels[price] = quantity
        else:
            levels.pop(price, None)


async def depth(fast: Fast) -> Any:
    """The whole book over REST."""
    return (await fast.house.client().ask("GET", "/api/v3/depth", symbol="BTCUSDT", limit=5000)).json


async def trader(fast: Fast, who: int, dice: random.Random) -> None:
    """Orders near the middle, some of which trade; some cancels, and now and then of all."""
    account, call = (fast.house.alice, fast.house.bob)[who].account, fast.house.rooms.sequencer.call
    for _ in range(BURST):
        if dice.random() < 0.01:
            await call(co.CancelAll(account, BTC))
            continue
        side = dice.choice(list(Side))
        price = MIDDLE + dice.randrange(-150, 50) * (1 if side is Side.BUY else -1)
        force = TimeInForce.IOC if dice.random() < 0.2 else TimeInForce.GTC
        lots = Quantity(dice.randrange(100, 2_000))
        await call(co.PlaceOrder(account, BTC, side, OrderType.LIMIT, lots, Price(price), force))


MIRRORS: Final = ("depth", "depth@100ms", "depth@1000ms")
PARTIAL: Final = ("depth5@100ms", "depth10", "depth20@100ms", "depth20")


async def compare(fast: Fast, mirrors: list[Mirror], price: int) -> None:
    """Let everybody catch up, at rest, then hold all against the snapshot. A last order wakes who has just come.

    Alice has no other order open, so hers is not one too many.
    """
    behind, update = list(mirrors), 0
    while behind:
        price += 1
        await fast.limit(fast.house.alice, Side.BUY, MIDDLE - 1_000 - price % 500, 1_000)
        update = fast.house.rooms.hub.views[BTC].depth.last_update_id
        with trio.move_on_after(3):
            async with trio.open_nursery() as nursery:
                for mirror in behind:
                    nursery.start_soon(mirror.caught_up, update)
        behind = [mirror for mirror in mirrors if mirror.seen < update]
    snapshot = await depth(fast)
    assert snapshot["lastUpdateId"] == update
    assert [fault for mirror in mirrors if (fault := mirror.fault(snapshot))] == []


@pytest.mark.parametrize("seed", [20_261_122])
async def test_books_of_the_streams_stay_equal_to_the_snapshot(tmp_path: Path, seed: int) -> None:
    dice = random.Random(seed)
    async with fast_house(tmp_path) as fast, trio.open_nursery() as following:
        mirrors: list[Mirror] = [DiffMirror(fast, name) for name in (*MIRRORS, *MIRRORS)]
        mirrors += [PartialMirror(fast, name) for name in PARTIAL]
        for mirror in mirrors:
            following.start_soon(mirror.run)
        rounds, end = 0, trio.current_time() + SECONDS
        while trio.current_time() < end or rounds < 2:
            async with trio.open_nursery() as traffic:
                for who in (0, 1):
                    traffic.start_soon(trader, fast, who, dice)
                for mirror in dice.sample(mirrors, 3):
                    mirror.drop()
            await fast.house.rooms.sequencer.call(co.CancelAll(fast.house.alice.account, BTC))
            await compare(fast, mirrors, rounds)
            rounds += 1
        assert sum(mirror.connections for mirror in mirrors) > len(mirrors)
        following.cancel_scope.cancel()
