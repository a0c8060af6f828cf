"""A running sequencer on a real journal whose commits can be held up, or made to fail."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import trio
import trio.testing

from exchange.core import commands as co
from exchange.core.orders import OrderType, Side
from exchange.core.units import MarketId, Price, Quantity
from exchange.ledger.journal import Journal
from exchange.ledger.restore import restore
from exchange.ledger.rows import Frozen
from exchange.sequencer import Sequencer
from tests.core.world import ACCOUNTS, furnishing
from tests.ledger.busy import Ticking

FIRST, SECOND = MarketId(1), MarketId(2)


class Held(Journal):
    """A real journal whose commits wait, in their thread, until they are let through; or fail."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.gate = threading.Semaphore(10**9)
        self.committed: list[int] = []
        self.failure: Exception | None = None

    def hold(self) -> None:
        """From here on no commit gets through by itself."""
        self.gate = threading.Semaphore(0)

    def commit(self, frozen: Frozen) -> None:
        gate = self.gate
        gate.acquire()
        if self.failure is not None:
            raise self.failure
        super().commit(frozen)
        self.committed.append(frozen.committed.last)


class House:
    """A running sequencer on a held journal, furnished."""

    def __init__(self, sequencer: Sequencer, journal: Held) -> None:
        self.sequencer = sequencer
        self.journal = journal
        self.answers: list[object] = []

    def ask(self, command: co.Command, name: object = None) -> bool:
        """Submit; `answers` gets the name, or the outcome."""
        return self.sequencer.submit(command, lambda outcome: self.answers.append(name or outcome))


@asynccontextmanager
async def furnished(path: Path, queue_limit: int = 1_000, clock: Ticking | None = None) -> AsyncIterator[House]:
    journal = Held(path / "ledger.db")
    clock = clock or Ticking()
    sequencer = Sequencer(restore(journal.connection), journal, clock, queue_limit=queue_limit, batch_limit=50)
    try:
        async with trio.open_nursery() as nursery:
            await nursery.start(sequencer.run)
            for command in furnishing():
                assert (await sequencer.call(command)).reject is None
            try:
                yield House(sequencer, journal)
            finally:
                journal.gate.release(10**6)
                sequencer.close()
    finally:
        journal.close()


def limit(side: Side, price: int, lots: int = 10, who: int = 0, market: MarketId = FIRST, **more: Any) -> co.PlaceOrder:
    return co.PlaceOrder(ACCOUNTS[who], market, side, OrderType.LIMIT, Quantity(lots), Price(price), **more)


async def settle() -> None:
    """Let every task run that can."""
    await trio.testing.wait_all_tasks_blocked()
