"""A busy ledger, written by a real sequencer out of dice; and ways to look at it and to tamper with it."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import apsw
import trio

from exchange.clock import SystemClock
from exchange.core import commands as co
from exchange.core.networks import ALL_ASSETS
from exchange.core.performing import Outcome
from exchange.core.state import State
from exchange.core.units import Amount, AssetId, Micros
from exchange.ledger import db
from exchange.ledger.journal import Journal
from exchange.ledger.restore import restore
from exchange.sequencer import Sequencer
from tests.core.world import Dice, furnishing


class Ticking(SystemClock):
    """A clock that moves on by `step` microseconds each time it is looked at."""

    def __init__(self, now: int = 1_700_000_000_000_000, step: int = 400_000) -> None:
        self.time = now
        self.step = step

    def now(self) -> Micros:
        self.time += self.step
        return Micros(self.time)


@asynccontextmanager
async def sequencing(path: Path, clock: SystemClock | None = None, batch_limit: int = 500) -> AsyncIterator[Sequencer]:
    """A running sequencer on the ledger at `path`, new or not; closed at the end, all of it durable."""
    journal = Journal(path)
    try:
        state = restore(journal.connection)
        sequencer = Sequencer(state, journal, clock or Ticking(), queue_limit=10_000, batch_limit=batch_limit)
        async with trio.open_nursery() as nursery:
            await nursery.start(sequencer.run)
            yield sequencer
            sequencer.close()
    finally:
        journal.close()


async def pour(sequencer: Sequencer, commands: list[co.Command]) -> list[Outcome]:
    """Submit them all, then wait until every one is answered."""
    outcomes: list[Outcome] = []
    done = trio.Event()

    def reply(outcome: Outcome) -> None:
        outcomes.append(outcome)
        if len(outcomes) == len(commands):
            done.set()

    for command in commands:
        assert sequencer.submit(command, reply)
    await done.wait()
    return outcomes


SELDOM = (
    co.BookNetworkCost("gas", AssetId(1), Amount(7)),
    co.OpenEpoch(2, "a drill"),
    co.SetPayoutsShut(ALL_ASSETS, False, "over"),
)
"""What no seed can be trusted to throw."""

LAST = (co.SetPayoutsShut(AssetId(2), True, "somebody looks"),)
"""What no seed can be trusted to leave standing."""


async def live(path: Path, seed: int, commands: int, clock: SystemClock | None = None) -> State:
    """Fill a new ledger with what `seed` throws, in batches of many sizes; the state in the end."""
    dice = Dice(seed)
    async with sequencing(path, clock) as sequencer:
        await pour(sequencer, [*furnishing(), *SELDOM])
        done = 0
        while done < commands:
            batch = []
            for _ in range(dice.random.choice([1, 2, 5, 40])):
                dice.newest_order = sequencer.state.next_order - 1
                batch.append(dice.command())
            await pour(sequencer, batch)
            done += len(batch)
        await pour(sequencer, [*LAST])
        return sequencer.state


def copy_ledger(source: Path, folder: Path) -> Path:
    """A copy of a closed ledger and its head file, to be tampered with."""
    folder.mkdir(exist_ok=True)
    target = folder / "ledger.db"
    shutil.copyfile(source, target)
    shutil.copyfile(source.with_suffix(".head"), target.with_suffix(".head"))
    return target


def tamper(path: Path, *statements: str) -> None:
    """Run SQL on a closed ledger, its page checksums kept up, as somebody with the file and the program could."""
    db.load_checksums()
    connection = apsw.Connection(str(path), vfs="cksmvfs")
    for statement in statements:
        connection.execute(statement)
    connection.close()
