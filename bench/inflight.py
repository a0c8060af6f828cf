"""The sequencer with its ledger, no door: so many commands in flight, each answered when durable, then the next.

What a door adds to this is its own affair; what a batch is here, it is there too.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import trio

from bench import workload
from bench.core import commands, furnish
from bench.figures import Figure
from bench.server import data_folder
from exchange.clock import SystemClock
from exchange.core.commands import CancelOrder, PlaceOrder
from exchange.core.committed import take_levels
from exchange.core.performing import Outcome
from exchange.core.units import Micros
from exchange.ledger.journal import Journal
from exchange.ledger.restore import restore
from exchange.ledger.rows import freeze
from exchange.sequencer import Sequencer
from exchange.settings import Settings

SIZE: Final = 60_000
IN_FLIGHT: Final = (16, 64, 256, 1_024)


def measure(scale: float) -> Iterator[Figure]:
    """Orders per second and processor microseconds of each, by how many are in flight."""
    operations = workload.make(max(1_000, int(SIZE * scale))).operations
    for in_flight in IN_FLIGHT:
        with data_folder() as folder:
            wall, cpu, batches = trio.run(_run, folder / "ledger.db", commands(operations), in_flight)
        size = len(operations)
        yield Figure(f"{in_flight} in flight", size / wall, "/s")
        yield Figure("  CPU per order", cpu / size * 1e6, "us", 20, at_most=True)
        yield Figure("  orders per commit", size / batches, "")


async def _run(path: Path, wanted: Sequence[PlaceOrder | CancelOrder], in_flight: int) -> tuple[float, float, int]:
    """Wall seconds, processor seconds and commits that the commands took."""
    journal = Journal(path)
    state = restore(journal.connection)
    furnish(state)
    frozen = freeze(state.take_changes(), state, Micros(0), take_levels(state))
    assert frozen is not None
    journal.commit(frozen)
    settings = Settings()
    sequencer = Sequencer(
        state,
        journal,
        SystemClock(),
        queue_limit=settings.queue_limit_commands,
        batch_limit=settings.batch_limit_commands,
    )
    left, done = iter(wanted), trio.Event()
    waiting = 0

    def ask() -> None:
        nonlocal waiting
        command = next(left, None)
        if command is not None:
            waiting += 1
            assert sequencer.submit(command, answered)
        elif not waiting:
            done.set()

    def answered(outcome: Outcome) -> None:
        nonlocal waiting
        waiting -= 1
        assert outcome.reject is None, outcome
        ask()

    async with trio.open_nursery() as nursery:
        await nursery.start(sequencer.run)
        gc.collect()
        gc.freeze()
        begun, cpu = time.perf_counter(), time.process_time()
        for _ in range(in_flight):
            ask()
        await done.wait()
        took = time.perf_counter() - begun, time.process_time() - cpu
        sequencer.close()
    gc.unfreeze()
    journal.close()
    return *took, sequencer.stats.commits
