"""Bugs that are planted on purpose, each of which at least one suite must find; docs/reliability.md lists them.

They are planted into the running process and stay, so only a process of its own, or `planted`, may hold them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import msgspec
import pytest

from exchange.core import commands as co
from exchange.core import deciding
from exchange.core.orders import OrderStatus
from exchange.core.performing import Outcome
from exchange.core.state import State
from exchange.core.transfers import DepositState
from exchange.core.units import Micros
from exchange.custody import store
from exchange.ledger import db
from exchange.ledger.writer import Writer
from exchange.sequencer import Sequencer

Patch = pytest.MonkeyPatch


def _normal(patch: Patch) -> None:
    """Commits are not synced: only a checkpoint syncs the WAL."""
    _synchronous(patch, 1)


def _off(patch: Patch) -> None:
    """Nothing is ever synced."""
    _synchronous(patch, 0)


def _synchronous(patch: Patch, level: int) -> None:
    changed = tuple((name, level if name == "synchronous" else value) for name, value in db._WRITER_PRAGMAS)
    patch.setattr(db, "_WRITER_PRAGMAS", changed)


def _forgetful_custody(patch: Patch) -> None:
    """What custody.db is told is not synced."""
    changed = tuple((name, 1 if name == "synchronous" else value) for name, value in store._PRAGMAS)
    patch.setattr(store, "_PRAGMAS", changed)


def _early(patch: Patch) -> None:
    """Whoever waits for a batch is answered when it is handed to the disk, not when it is there."""
    hand_over = Sequencer._hand_over

    def early(self: Sequencer, writer: Writer) -> None:
        batch = self._batch
        hand_over(self, writer)
        if batch is self._writing:
            for reply, answer in batch.answers:
                reply(answer)
            batch.answers.clear()

    patch.setattr(Sequencer, "_hand_over", early)


def _lost_cancel(patch: Patch) -> None:
    """Some cancels are acknowledged and never happen: they are in no journal."""
    perform, asked = Sequencer._perform, 0

    def losing(self: Sequencer, command: co.Command, batch: Any) -> Outcome:
        nonlocal asked
        if isinstance(command, co.CancelOrder) and command.market in self.state.books:
            order = self.state.find_open(command.account, command.market, command.order, command.client_id)
            asked += order is not None
            if order is not None and asked % 3 == 2:
                return Outcome(None, (), (msgspec.structs.replace(order.row(), status=OrderStatus.CANCELED),))
        return perform(self, command, batch)

    patch.setattr(Sequencer, "_perform", losing)


def _double_credit(patch: Patch) -> None:
    """A deposit that is reported again, as happens after a crash, is taken for another one."""
    decide = deciding.DECIDE[co.ReportDeposit]

    def forgetful(state: State, now: Micros, command: Any) -> deciding.Decision:
        known = state.deposits.get(command.key)
        if known is not None and known.state == command.to == DepositState.CREDITED:
            command = msgspec.structs.replace(command, key=f"{command.key} again")
        return decide(state, now, command)

    patch.setitem(deciding.DECIDE, co.ReportDeposit, forgetful)


def _broken_market(patch: Patch) -> None:
    """Deciding an order of 13 lots in the first market raises."""
    decide = deciding.DECIDE[co.PlaceOrder]

    def broken(state: State, now: Micros, command: Any) -> deciding.Decision:
        if command.market == 1 and command.quantity == 13:
            raise ZeroDivisionError("planted")
        return decide(state, now, command)

    patch.setitem(deciding.DECIDE, co.PlaceOrder, broken)


MUTANTS: Final[dict[str, Callable[[Patch], None]]] = {
    "normal": _normal,
    "off": _off,
    "custody-normal": _forgetful_custody,
    "early": _early,
    "lost-cancel": _lost_cancel,
    "double-credit": _double_credit,
    "broken-market": _broken_market,
    "none": lambda patch: None,
}


@contextmanager
def planted(name: str) -> Iterator[None]:
    """The mutant of that name, for as long as this lasts."""
    with pytest.MonkeyPatch.context() as patch:
        MUTANTS[name](patch)
        yield
