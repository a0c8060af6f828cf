"""Custody's way to the ledger: what it asks, and what it tells. Everything it tells may be told again.

What the ledger must learn waits in custody.db's `reports`, in order. Of one deposit one thing is told at a time; it is
marked as told when the ledger has it on disk. After a crash in between it is told again, which changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final

import apsw
import structlog
import trio

from exchange.clock import Clock
from exchange.core import commands as co
from exchange.core.performing import Outcome
from exchange.core.rejects import Reject
from exchange.core.transfers import DepositState
from exchange.core.units import Micros
from exchange.custody.deposits import chain_rows, incoming_rows
from exchange.custody.deposits.confirmations import Listed, Terms
from exchange.custody.deposits.incoming_rows import ReportRow
from exchange.custody.store import Store
from exchange.sequencer import Sequencer

_log = structlog.get_logger("exchange.custody")

_AT_ONCE: Final = 200
_AGAIN_SECONDS: Final = 1.0


class LedgerDoor:
    """Tells the ledger of deposits, and knows on what terms assets come in."""

    def __init__(self, store: Store, sequencer: Sequencer, clock: Clock) -> None:
        """`sequencer` must be running before anything is asked of this."""
        self._store = store
        self._sequencer = sequencer
        self._clock = clock
        self._bell = trio.Event()

    def ring(self) -> None:
        """There is something to tell."""
        self._bell.set()

    async def terms(self, chain: str) -> Listed:
        """The networks of a chain, by contract, as of now."""
        return await self._sequencer.read(
            lambda state: {
                network.contract: Terms(network, state.assets[network.asset].decimals)
                for network in state.networks.values()
                if network.name == chain
            }
        )

    async def run(self) -> None:
        """Tell what there is to tell, for ever."""
        await self.mend()
        while True:
            self._bell = trio.Event()
            while await self.tell():
                pass
            if incoming_rows.waiting_reports(self._store.reader, 1):
                await trio.sleep(_AGAIN_SECONDS)  # the exchange is overloaded
            else:
                await self._bell.wait()

    async def tell(self) -> int:
        """Tell the oldest, one per deposit; how many the ledger has on disk now that it had not."""
        batch: dict[tuple[str, str], ReportRow] = {}
        for row in incoming_rows.waiting_reports(self._store.reader, _AT_ONCE):
            batch.setdefault((row.chain, row.key), row)
        return await self._note(list(batch.values()), await self._tell_all(list(batch.values())))

    async def _tell_all(self, rows: Sequence[ReportRow]) -> dict[int, Outcome]:
        """What the ledger says to each, asked in order, once all of it is durable; a full queue says so at once."""
        outcomes: dict[int, Outcome] = {}
        done = trio.Event()

        def answered(number: int, outcome: Outcome) -> None:
            outcomes[number] = outcome
            if len(outcomes) == len(rows):
                done.set()

        for row in rows:
            command = co.ReportDeposit(row.reference, row.account, row.asset, row.atoms, DepositState(row.state))
            if not self._sequencer.submit(command, partial(answered, row.number)):
                answered(row.number, Outcome(Reject.QUEUE_FULL))
        if rows:
            await done.wait()
        return outcomes

    async def _note(self, rows: Sequence[ReportRow], outcomes: dict[int, Outcome]) -> int:
        """Mark what was told; what the ledger refuses is held, with an alarm, unless it is only too busy."""
        rejects = {row.number: outcomes[row.number].reject for row in rows}
        settled = [row for row in rows if rejects[row.number] is not Reject.QUEUE_FULL]
        if not settled:
            return 0
        now = self._clock.now()

        def note(db: apsw.Connection) -> None:
            for row in settled:
                if (reject := rejects[row.number]) is not None:
                    _refused(db, row, reject, self._clock)
            incoming_rows.mark_done(db, [row.number for row in settled], now)

        await self._store.write(note)
        return len(settled)

    async def mend(self) -> None:
        """After a start: the ledger is told again what it was told and has lost, having been restored from a copy.

        What it has undone and custody has not (custody.db is the older copy) is an alarm, and left as it is.
        """
        after = 0
        while rows := incoming_rows.last_reports(self._store.reader, after, 1_000):
            after = rows[-1].number
            names = [row.reference for row in rows]
            known = await self._sequencer.read(partial(_states, names=names))
            await self._store.write(partial(_mend, rows=rows, known=known, now=self._clock.now()))


def _states(state: object, names: Sequence[str]) -> dict[str, DepositState | None]:
    deposits = state.deposits  # type: ignore[attr-defined]  # custody does not know State; this is a look, in its turn
    return {name: deposits[name].state if name in deposits else None for name in names}


def _mend(db: apsw.Connection, rows: Sequence[ReportRow], known: dict[str, DepositState | None], now: Micros) -> None:
    for row in rows:
        ledger, told = known[row.reference], DepositState(row.state)
        lost = ledger is None if told is DepositState.CREDITED else ledger is DepositState.CREDITED
        if lost and (told is DepositState.ORPHANED or _still_credited(db, row)):
            db.execute("UPDATE reports SET done = 0 WHERE number = ?", (row.number,))
        elif told is DepositState.CREDITED and ledger is DepositState.ORPHANED:
            text = f"{row.reference}: undone in the ledger, and not in custody.db. Is custody.db an old copy?"
            chain_rows.raise_alarm(db, row.chain, "deposit_differs", text, now)


def _still_credited(db: apsw.Connection, row: ReportRow) -> bool:
    """Whether custody, too, takes it for credited: what the ledger once refused is held."""
    found = incoming_rows.row(db, row.chain, row.key)
    return found is not None and found.state in {DepositState.CREDITED, DepositState.SWEPT}


def _refused(db: apsw.Connection, row: ReportRow, reject: Reject, clock: Clock) -> None:
    """The ledger will not have it: the deposit is held until an operator has looked."""
    now, why = clock.now(), f"the ledger refuses it: {reject.name}: {reject.text}"
    found = incoming_rows.row(db, row.chain, row.key)
    if found is not None and found.state == DepositState.CREDITED:
        incoming_rows.move(db, found, DepositState.HELD, why, now)
    chain_rows.raise_alarm(db, row.chain, "deposit_refused", f"{row.reference}: {why}", now)
    _log.error("deposit refused", reference=row.reference, reject=reject.name)
