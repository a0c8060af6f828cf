"""SIGKILL at each of the eight points of a payout on a real bitcoind, and anywhere under two workers: paid once."""

from __future__ import annotations

import os
import random
import signal
import sys
from pathlib import Path

import pytest
import trio

from exchange.custody.payouts.crash_points import Point
from tests.chains.bitcoin.house import BOB, FUNDED, house
from tests.chains.bitcoin.regtest import COIN, Regtest
from tests.conftest import NIGHTLY

KILLED = -signal.SIGKILL
AMOUNTS = (5_000, 6_000, 7_000)
HOUSE = Path(__file__).parents[3]
LIMIT_SECONDS = 180


async def furnish(folder: Path, regtest: Regtest) -> list[str]:
    """Three approved withdrawals and coins for them; the addresses they go to."""
    async with house(folder, regtest) as h:
        await h.fill(COIN, COIN)
        addresses = [regtest.stranger() for _ in AMOUNTS]
        for number, (amount, address) in enumerate(zip(AMOUNTS, addresses, strict=True)):
            await h.approve(f"w{number}", amount, address)
        return addresses


async def run(folder: Path, regtest: Regtest, point: str, times: int = 1, workers: int = 1, after: float = 0) -> int:
    """Let a payer work until it ends or is killed (`after`: so many seconds from its start); its exit status."""
    options = (str(folder), str(regtest.node.port), str(regtest.node.login_file), point, str(times), str(workers))
    argv = [sys.executable, "-m", "tests.chains.bitcoin.payer", *options]
    with (folder / "stderr.txt").open("ab") as errors, trio.fail_after(LIMIT_SECONDS):
        environment = {**os.environ, "PYTHONPATH": str(HOUSE)}
        process = await trio.lowlevel.open_process(argv, stderr=errors, env=environment, cwd=HOUSE)
        try:
            if after:
                with trio.move_on_after(after):
                    return await process.wait()
                process.kill()
            return await process.wait()
        finally:
            if process.returncode is None:
                process.kill()


async def check(folder: Path, regtest: Regtest, addresses: list[str]) -> None:
    """Each was paid its amount once, and the ledger holds nothing any more."""
    async with house(folder, regtest) as h:
        h.clock.time += 10**12  # it is later: what the killed ones had put off is due
        await h.until_final(h.worker())
        assert [regtest.unspent(address) for address in addresses] == [[amount] for amount in AMOUNTS]
        assert (h.has(BOB), h.held(BOB)) == (FUNDED - sum(AMOUNTS), 0)


@pytest.mark.parametrize("point", list(Point))
async def test_killed_at_a_point_it_pays_once(tmp_path: Path, regtest: Regtest, point: Point) -> None:
    """The process dies there on its second payout; whoever opens its folder next finishes what he finds."""
    addresses = await furnish(tmp_path, regtest)
    assert await run(tmp_path, regtest, point, times=2) == KILLED, (tmp_path / "stderr.txt").read_text()
    await check(tmp_path, regtest, addresses)


@pytest.mark.parametrize("seed", range(20 if NIGHTLY else 1))
async def test_killed_anywhere_under_two_workers_it_pays_once(tmp_path: Path, regtest: Regtest, seed: int) -> None:
    """Again and again, at whatever it is doing then."""
    dice = random.Random(seed)
    addresses = await furnish(tmp_path, regtest)
    for _ in range(3):
        after = dice.uniform(1.0, 2.5)
        assert await run(tmp_path, regtest, "none", workers=2, after=after) in {0, KILLED}
    await check(tmp_path, regtest, addresses)
