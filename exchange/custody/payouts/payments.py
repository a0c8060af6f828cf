"""All that leaves: withdrawals of every chain, and one payer for each, kept going beside the doors.

A chain is paid on only while it is followed without trouble; what fails is tried again, slower and slower, and concerns
no other chain.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Final

import apsw
import msgspec
import structlog
import trio

from exchange.clock import Clock
from exchange.core.transfers import WithdrawalState
from exchange.custody.custody import Custody, Line
from exchange.custody.memory.signer import MemorySigner
from exchange.custody.payouts import store as payout_store
from exchange.custody.payouts.clearing import Clearing
from exchange.custody.payouts.forgotten import Forgotten, Recall
from exchange.custody.payouts.machine import Payouts, Signer
from exchange.custody.payouts.network_costs import NetworkCosts
from exchange.custody.payouts.reports import Reports
from exchange.custody.payouts.rows import PayoutRow, payout, withdrawal
from exchange.custody.payouts.screening import DenyList
from exchange.custody.payouts.withdrawals import Withdrawals
from exchange.custody.port import NodeFault, WrongChain
from exchange.custody.spendings import policy_of, spending_of
from exchange.custody.status import Following
from exchange.custody.store import Store
from exchange.custody.treasury.sweeps import Sweeps
from exchange.sequencer import Sequencer
from exchange.settings import Settings

_SLOWEST_SECONDS: Final = 60.0
_MILLI: Final = 1_000
_log = structlog.get_logger("exchange.payouts")


class Payer(msgspec.Struct, frozen=True):
    """One chain's: `make` builds the worker once the chain has its addresses; None while it has not."""

    chain: str
    identity: str
    poll_seconds: float
    healthy: Callable[[], bool]
    make: Callable[[], Payouts | None]
    clearing: Clearing
    """What is done about payouts that are stuck."""
    final_blocks: int
    """From this depth on a transaction stays."""
    sweeps: Sweeps | None = None
    """Moves between our own addresses, planned before what people asked for."""


class Payments:
    """The room."""

    def __init__(
        self,
        store: Store,
        sequencer: Sequencer,
        withdrawals: Withdrawals,
        reports: Reports,
        payers: Mapping[str, Payer],
        clock: Clock,
    ) -> None:
        """`payers` by chain. Nothing is asked of a node before `run`."""
        self.store = store
        self.withdrawals = withdrawals
        self._reports = reports
        self._forgotten = Forgotten(store, sequencer)
        self._costs = NetworkCosts(store, sequencer, {name: payer.final_blocks for name, payer in payers.items()})
        self.payers = payers
        self._clock = clock
        self._working: dict[str, Payouts] = {}

    def identity(self, chain: str) -> str:
        """What approvals for a chain are bound to, besides its name."""
        payer = self.payers.get(chain)
        return payer.identity if payer else ""

    async def run(self) -> None:
        """Pay, for ever. Needs a running sequencer, and `recover` done. Raises only what custody.db's disk raises."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._keep, "ledger", 1.0, self.follow_up)
            for payer in self.payers.values():
                nursery.start_soon(self._keep, payer.chain, payer.poll_seconds, partial(self.pay, payer))

    async def recover(self) -> None:
        """What a crash left between custody.db and the ledger; to be done before anybody asks for anything."""
        await self.withdrawals.recover()

    async def follow_up(self) -> None:
        """The ledger hears what happened and what it cost, and what stays inside is settled."""
        await self._reports.step()
        await self.withdrawals.settle_inside()
        await self._costs.step()

    async def pay(self, payer: Payer) -> None:
        """One round of a chain's payouts, if it is followed without trouble."""
        if not payer.healthy():
            return
        worker = self._working.get(payer.chain) or payer.make()
        if worker is not None:
            self._working[payer.chain] = worker
            if payer.sweeps is not None:
                await payer.sweeps.step()
            await worker.step()

    async def _keep(self, name: str, poll: float, work: Callable[[], Awaitable[None]]) -> None:
        """Work again and again: at a ring, after a pause, and slower while it fails."""
        pause = poll
        while True:
            bell = self.withdrawals.bell
            try:
                await work()
                pause = poll
            except apsw.Error:
                raise
            except (NodeFault, WrongChain) as error:
                _log.warning("payouts wait", chain=name, reason=str(error))
                pause = min(pause * 2, _SLOWEST_SECONDS)
            except Exception as error:  # noqa: BLE001  # one chain's trouble, even our own bug, is no other's
                _log.exception("payouts failed", chain=name)
                text = f"unexpected: {type(error).__name__}: {error}"
                now = self._clock.now()
                await self.store.write(
                    partial(payout_store.alarm, chain=name, kind="payouts failed", text=text, now=now)
                )
                pause = min(pause * 2, _SLOWEST_SECONDS)
            with trio.move_on_after(pause):
                await bell.wait()

    async def settle(self, id: str) -> str:
        """A withdrawal that is stuck was paid, an operator says; "", or why the chain does not bear that out."""
        return await self._clear(id, lambda clearing, row: clearing.settle(row))

    async def give_back(self, id: str, why: str) -> str:
        """Give the money of a withdrawal back that the signer was asked for, if it is proven that it is never paid."""
        return await self._clear(id, lambda clearing, row: clearing.give_back(row, why))

    async def book(self, id: str, recall: Recall) -> str:
        """Book a withdrawal that was paid and that a restored ledger does not know; "", or why not."""
        row = withdrawal(self.store.reader, id)
        chain = self.withdrawals.chains.get(row.chain) if row is not None else None
        if chain is None:
            return "its chain is not followed now"
        try:
            return await self._forgotten.book(id, chain, recall)
        except NodeFault as error:
            return f"the signer or the node cannot be asked: {error}"

    async def _clear(self, id: str, act: Callable[[Clearing, PayoutRow], Awaitable[str]]) -> str:
        row = withdrawal(self.store.reader, id)
        paid = payout(self.store.reader, row.payout) if row is not None and row.payout is not None else None
        if row is None or row.state >= WithdrawalState.FINAL:
            return "it has ended"
        if paid is None:
            return "it is not under way: reject it, or wait for its turn"
        payer = self.payers.get(row.chain)
        if payer is None or not payer.healthy():
            return "it may be on its way, and its chain is not followed now"
        try:
            return await act(payer.clearing, paid)
        except NodeFault as error:
            return f"it may be on its way, and the node cannot be asked: {error}"
        finally:
            self.withdrawals.ring()


def open_payments(
    folder: Path, settings: Settings, custody: Custody, sequencer: Sequencer, signer: Signer, clock: Clock
) -> Payments:
    """The room over an opened custody. Chains of the in-memory family have a signer of their own."""
    chains = {name: line.chain for name, line in custody.lines.items()}
    store, screen = custody.store, DenyList(folder / settings.deny_list_file)
    withdrawals, reports = Withdrawals(store, sequencer, chains, screen, clock), Reports(store, sequencer, clock)

    def payer(name: str, line: Line) -> Payer:
        policy = policy_of(line.settings, demo=settings.demo)

        def make() -> Payouts | None:
            spending = spending_of(name, line.settings, folder, line.chain, line.pool)
            if spending is None:
                return None
            who = MemorySigner() if line.settings.family == "memory" else signer
            return Payouts(store, line.chain, spending, who, reports, clock, policy, screen=screen)

        poll, clearing = line.settings.poll_milliseconds / _MILLI, Clearing(store, line.chain, policy, clock)
        sweeps = Sweeps(name, line, folder, store, sequencer, clock, demo=settings.demo, cold=custody.cold(name))

        def healthy() -> bool:
            return line.status.following is Following.FOLLOWING

        return Payer(name, line.chain.identity, poll, healthy, make, clearing, policy.final_blocks, sweeps)

    payers = {name: payer(name, line) for name, line in custody.lines.items()}
    return Payments(store, sequencer, withdrawals, reports, payers, clock)
