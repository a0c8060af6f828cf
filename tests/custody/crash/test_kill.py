"""SIGKILL at each of the eight points of a payout, and anywhere under two workers: paid once, always."""

from __future__ import annotations

import random
import signal
from pathlib import Path

import pytest

from exchange.custody.payouts.crash_points import Point
from tests.conftest import NIGHTLY
from tests.custody.crash.parent import Parent, parent, said
from tests.custody.till import FUNDED, family, paid, till

KILLED = -signal.SIGKILL
AMOUNTS = (5_000, 6_000, 7_000)


async def _furnish(folder: Path, outside: Parent) -> list[str]:
    """Three approved withdrawals; the addresses they go to."""
    async with till(folder, outside.chain) as house:
        return [await house.approve(f"w{n}", amount) for n, amount in enumerate(AMOUNTS)]


async def _check(folder: Path, outside: Parent, addresses: list[str]) -> None:
    """Each was paid its amount once, and the ledger holds nothing any more."""
    assert [paid(outside.chain.world, address) for address in addresses] == [[amount] for amount in AMOUNTS]
    async with till(folder, outside.chain) as house:
        assert await house.money() == (FUNDED - sum(AMOUNTS), 0)


@pytest.mark.parametrize("name", ["BTC", "ETH"])
@pytest.mark.parametrize("point", list(Point))
async def test_killed_at_a_point_it_pays_once(tmp_path: Path, name: str, point: Point) -> None:
    """The process dies there on its second payout, and whoever opens its folder next finishes what he finds."""
    async with parent(tmp_path, family(name)) as outside:
        addresses = await _furnish(tmp_path, outside)
        assert await outside.run(tmp_path, point, times=2) == KILLED, said(tmp_path)
        async with till(tmp_path, outside.chain) as house:
            await house.until_final(house.worker())
        await _check(tmp_path, outside, addresses)


@pytest.mark.parametrize("seed", range(60 if NIGHTLY else 3))
async def test_killed_anywhere_under_two_workers_it_pays_once(tmp_path: Path, seed: int) -> None:
    """Again and again, before a question to the node or between its doing and its answer."""
    dice = random.Random(seed)
    async with parent(tmp_path, family(dice.choice(["BTC", "ETH"]))) as outside:
        addresses = await _furnish(tmp_path, outside)
        for _ in range(4):
            outside.kill_at = outside.asked + dice.randint(1, 30)
            outside.lose_answer = dice.random() < 0.7
            assert await outside.run(tmp_path, workers=2) in (0, KILLED), said(tmp_path)
        outside.kill_at = 0
        assert await outside.run(tmp_path, workers=2) == 0, said(tmp_path)
        await _check(tmp_path, outside, addresses)
