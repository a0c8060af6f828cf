"""A process that fills a ledger by the real sequencer and journal, and saves what the disk saw.

Its arguments: a folder that is not there yet, a seed, and the name of a bug to plant, or `none`.
Checkpoints come early here, so that a short run has many; in the middle the ledger is closed and opened again.
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import trio

from exchange.core import commands as co
from exchange.core.committed import Committed
from exchange.core.performing import Outcome
from exchange.ledger import checkpoints
from exchange.sequencer import Sequencer
from tests.core.world import Dice, furnishing
from tests.faults.mutants import planted
from tests.faults.promises import Promised, promise
from tests.faults.recording import Recorder, record
from tests.ledger.busy import SELDOM, sequencing

COMMANDS = 240
LIVES = 2


def keep(folder: Path, mutant: str, run: Callable[[Path, Recorder], Awaitable[None]]) -> None:
    """Make the folder, run in it, and leave `timeline` beside it."""
    folder.mkdir()
    recorder = record(folder)
    with planted(mutant):
        trio.run(run, folder, recorder)
    recorder.save(folder.with_name("timeline"))


async def live(folder: Path, recorder: Recorder, *, seed: int) -> None:
    """Two lives on one ledger."""
    checkpoints.PAGES, checkpoints.MOST = 90, 200  # type: ignore[misc]
    dice, path = Dice(seed), folder / "ledger.db"
    for life in range(LIVES):
        async with sequencing(path) as sequencer:
            sequencer.subscribe(partial(_published, recorder))
            if life == 0:
                await _pour(sequencer, [*furnishing(), *SELDOM], recorder)
            done = 0
            while done < COMMANDS // LIVES:
                size = dice.random.choice([1, 1, 2, 5, 20])
                dice.newest_order = sequencer.state.next_order - 1
                await _pour(sequencer, [dice.command() for _ in range(size)] + _cancels(sequencer, dice), recorder)
                done += size


def _cancels(sequencer: Sequencer, dice: Dice) -> list[co.Command]:
    """Now and then an order is cancelled that really is there."""
    alone = [order for order in sequencer.state.orders.values() if not order.order_list]
    some = dice.random.sample(alone, min(len(alone), dice.random.choice([0, 1, 2])))
    return [co.CancelOrder(order.account, order.market, order.id) for order in some]


def _published(recorder: Recorder, committed: Committed) -> None:
    recorder.promised(Promised(seq=committed.last))


async def _pour(sequencer: Sequencer, commands: list[co.Command], recorder: Recorder) -> None:
    """Submit them all; each answer is a promise. Returns once all are answered."""
    left, done = len(commands), trio.Event()

    def reply(outcome: Outcome) -> None:
        nonlocal left
        left -= 1
        recorder.promised(promise(outcome))
        if not left:
            done.set()

    for command in commands:
        assert sequencer.submit(command, reply)
    await done.wait()


if __name__ == "__main__":
    keep(Path(sys.argv[1]), sys.argv[3], partial(live, seed=int(sys.argv[2])))
