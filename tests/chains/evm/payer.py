"""Pays on a real Anvil as a process of its own, so that it can be killed at a point of `crash_points`, or anywhere.

`python -m tests.chains.evm.payer FOLDER URL POINT TIMES WORKERS`: dies when POINT is passed for the TIMESth time
("none": never), and otherwise ends when the ledger has settled all. The node is the parent's: it outlives us.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import trio

from exchange.custody.payouts.crash_points import Point
from exchange.custody.payouts.machine import Payouts
from exchange.custody.rpc import Rpc
from tests.chains.evm.house import house
from tests.chains.evm.world import World
from tests.custody.crash.payer import killer


async def pay(folder: Path, url: str, at: Callable[[Point], None], workers: int) -> None:
    """Work, a block after each step, until nothing is left to be paid."""
    with Rpc(url) as rpc:
        outside = World(rpc, url, ())
        async with house(folder, outside) as h, trio.open_nursery() as nursery:

            async def work(worker: Payouts) -> None:
                while h.unsettled():
                    await worker.step()
                    await outside.mine()

            for _ in range(workers):
                nursery.start_soon(work, h.worker(at=at))


if __name__ == "__main__":
    trio.run(pay, Path(sys.argv[1]), sys.argv[2], killer(sys.argv[3], int(sys.argv[4])), int(sys.argv[5]))
