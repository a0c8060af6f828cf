"""A process that pays withdrawals on a chain in memory, and saves what its disk saw, and what was sent when.

Its arguments: a folder that is not there yet, a seed, and the name of a bug to plant, or `none`.
"""

from __future__ import annotations

import random
import sys
from functools import partial
from pathlib import Path

from exchange.custody.memory.chain import MemoryChain
from exchange.custody.port import Handed
from tests.custody.till import family, till
from tests.faults.recorded_run import keep
from tests.faults.recording import Recorder, Sent

WITHDRAWALS = 7


class Watched(MemoryChain):
    """A chain that notes what is handed to its node, before the node has it."""

    recorder: Recorder

    async def hand(self, raw: bytes) -> Handed:
        with self.recorder.turn:
            self.recorder.steps.append(Sent(raw))
        return await super().hand(raw)


async def pay(folder: Path, recorder: Recorder, *, seed: int) -> None:
    """Withdrawals one after the other, some together, until all are settled."""
    dice = random.Random(seed)
    chain = Watched(family("BTC" if seed % 2 else "ETH").world)
    chain.recorder = recorder
    async with till(folder, chain) as one:
        worker = one.worker()
        for number in range(WITHDRAWALS):
            await one.approve(f"w{number}", dice.randint(1_000, 20_000))
            if dice.random() < 0.7:
                await worker.step()
            if dice.random() < 0.5:
                one.world.mine()
        await one.until_final(worker)


if __name__ == "__main__":
    keep(Path(sys.argv[1]), sys.argv[3], partial(pay, seed=int(sys.argv[2])))
