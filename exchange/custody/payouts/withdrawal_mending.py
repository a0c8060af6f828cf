"""After a start: do ledger.db and custody.db tell of the same withdrawals? One of them may be an older copy.

What the ledger has forgotten of a withdrawal's way it is told again. A withdrawal that it does not know at all may have
been paid, and its owner has the money back: all payouts are shut until an operator has looked.
"""

from __future__ import annotations

from functools import partial
from typing import Final

import apsw
import msgspec

from exchange.clock import Clock
from exchange.core.commands import OpenEpoch
from exchange.core.transfers import WithdrawalState
from exchange.core.units import Micros
from exchange.custody.payouts import store as payout_store
from exchange.custody.payouts.reports import way
from exchange.custody.store import Store
from exchange.sequencer import Sequencer

_W = WithdrawalState
_PAGE: Final = 1_000
_KIND: Final = "withdrawal differs"


class _Told(msgspec.Struct, frozen=True):
    """A withdrawal, and what of it the ledger was told."""

    id: str
    chain: str
    told: int
    inside: bool


async def mend(store: Store, sequencer: Sequencer, clock: Clock) -> None:
    """Compare all of them. Needs a running sequencer; to be done before anything is paid."""
    last, lost = "", 0
    while rows := _page(store.reader, last):
        last = rows[-1].id
        known = await sequencer.read(partial(_states, ids=[row.id for row in rows]))
        lost += await store.write(partial(_mend, rows=rows, known=known, now=clock.now()))
    held = await sequencer.read(_held)
    await store.write(partial(_miss, held=held, now=clock.now()))
    if lost:
        epoch = await sequencer.read(lambda state: state.epoch)
        await sequencer.call(OpenEpoch(epoch + 1, f"the ledger does not know {lost} withdrawals that custody.db has"))


def _page(db: apsw.Connection, after: str) -> list[_Told]:
    rows = db.execute(
        "SELECT id, chain, told, inside IS NOT NULL FROM withdrawals WHERE told > 0 AND id > ? ORDER BY id LIMIT ?",
        (after, _PAGE),
    )
    return [_Told(name, chain, told, bool(inside)) for name, chain, told, inside in rows]


def _states(state: object, ids: list[str]) -> dict[str, WithdrawalState]:
    known = state.withdrawals  # type: ignore[attr-defined]  # custody does not know State; this is a look, in its turn
    return {name: known[name].state for name in ids if name in known}


def _held(state: object) -> dict[str, str]:
    """Withdrawals that the ledger holds money for, and over which network."""
    known = state.withdrawals  # type: ignore[attr-defined]  # the same
    return {name: one.network for name, one in known.items() if one.holds and one.network}


def _mend(db: apsw.Connection, rows: list[_Told], known: dict[str, WithdrawalState], now: Micros) -> int:
    """How many the ledger does not know, of which nobody was told before."""
    lost = 0
    for row in rows:
        state = known.get(row.id)
        if state is None:
            stood = f"withdrawal {row.id} is {_W(row.told).name}"
            text = f"{stood}, and the ledger does not know it. Is ledger.db an old copy?"
            lost += _tell(db, row.chain, text, now)
        elif state != row.told and row.inside and row.told == _W.FINAL:
            db.execute(
                "UPDATE withdrawals SET state = ?, told = ? WHERE id = ?", (_W.APPROVED, state, row.id)
            )  # settled once more, which the ledger does once
        elif state != row.told and way(state, _W(row.told)):
            db.execute("UPDATE withdrawals SET told = ? WHERE id = ?", (state, row.id))
    return lost


def _miss(db: apsw.Connection, held: dict[str, str], now: Micros) -> None:
    for name, chain in held.items():
        if db.execute("SELECT 1 FROM withdrawals WHERE id = ?", (name,)).fetchone() is None:
            text = f"the ledger holds money for withdrawal {name}, which is not here. Is custody.db an old copy?"
            _tell(db, chain, text, now)


def _tell(db: apsw.Connection, chain: str, text: str, now: Micros) -> bool:
    """Raise an alarm, once for good; whether it is news."""
    if db.execute("SELECT 1 FROM alarms WHERE chain = ? AND kind = ? AND text = ?", (chain, _KIND, text)).fetchone():
        return False
    payout_store.alarm(db, chain, _KIND, text, now)
    return True
