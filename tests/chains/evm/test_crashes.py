"""SIGKILL at each of the eight points of a payout, and at random under two workers: a real node saw each paid once."""

from __future__ import annotations

import os
import random
import signal
import sys
from pathlib import Path

import pytest
import trio

from exchange.custody.payouts.crash_points import Point
from tests.chains.evm.house import ATOMS, BOB, FUNDED, house
from tests.chains.evm.world import ETHER, World
from tests.conftest import NIGHTLY

KILLED = -signal.SIGKILL
ROOT = Path(__file__).parents[3]
LIMIT_SECONDS = 180
PEOPLE = [f"0x000000000000000000000000000000000ABCde0{n}".lower() for n in (1, 2)]


async def run(folder: Path, evm: World, point: str, workers: int = 1, kill_after: float = 0) -> int:
    """Let a payer work until it ends or is killed; its exit status."""
    command = [sys.executable, "-m", "tests.chains.evm.payer", str(folder), evm.url, point, "2", str(workers)]
    with (folder / "stderr.txt").open("ab") as errors, trio.fail_after(LIMIT_SECONDS):
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        process = await trio.lowlevel.open_process(command, stderr=errors, env=environment, cwd=ROOT)
        try:
            if kill_after:
                with trio.move_on_after(kill_after):
                    return await process.wait()
                process.kill()
            return await process.wait()
        finally:
            if process.returncode is None:
                process.kill()


async def furnish(folder: Path, evm: World) -> None:
    """Two approved withdrawals."""
    async with house(folder, evm) as h:
        for place, to in enumerate(PEOPLE):
            await h.approve(f"w{place}", ATOMS, h.chain.address(to))


async def check(folder: Path, evm: World) -> None:
    """Each was paid once, two nonces were used, and the ledger holds nothing any more."""
    assert await evm.evm.balances(PEOPLE, "", await evm.evm.tip()) == [ETHER, ETHER]
    async with house(folder, evm) as h:
        assert await evm.evm.used(f"{h.hot.address.lower()}:1")
        assert not await evm.evm.used(f"{h.hot.address.lower()}:2")
        assert (h.has(BOB), h.held()) == (FUNDED - 2 * ATOMS, 0)


@pytest.mark.parametrize("point", list(Point))
async def test_killed_at_a_point_it_pays_once(tmp_path: Path, evm: World, point: Point) -> None:
    """The process dies there on its second payout, and whoever opens its folder next finishes what he finds."""
    await furnish(tmp_path, evm)
    assert await run(tmp_path, evm, point) == KILLED, (tmp_path / "stderr.txt").read_text()
    async with house(tmp_path, evm) as h:
        await h.until_final(h.worker())
    await check(tmp_path, evm)


@pytest.mark.parametrize("seed", range(20 if NIGHTLY else 1))
async def test_killed_at_random_under_two_workers_it_pays_once(tmp_path: Path, evm: World, seed: int) -> None:
    dice = random.Random(seed)
    await furnish(tmp_path, evm)
    for _ in range(3):
        status = await run(tmp_path, evm, "none", workers=2, kill_after=dice.uniform(0.7, 2.0))
        assert status in (0, KILLED), (tmp_path / "stderr.txt").read_text()
    assert await run(tmp_path, evm, "none", workers=2) == 0, (tmp_path / "stderr.txt").read_text()
    await check(tmp_path, evm)
