"""A copy of a ledger goes on with journal rows that were kept elsewhere: all other rows follow from them."""

from __future__ import annotations

from pathlib import Path

from exchange.core.commands import OpenEpoch
from exchange.core.evolving import evolve
from exchange.core.performing import perform
from exchange.core.units import Micros
from exchange.ledger import db
from exchange.ledger.journal import DECODER, Journal, JournalRow
from exchange.ledger.restore import restore
from exchange.ledger.rows import freeze


class Replayer:
    """Appends rows to a ledger that nobody else has open. Not durable before `close`."""

    def __init__(self, path: Path) -> None:
        """Raises `LedgerDamaged`."""
        self._journal = Journal(path)
        self._journal.connection.pragma("synchronous", 0)
        self._state = restore(self._journal.connection)

    @property
    def last_seq(self) -> int:
        """The number of the last event."""
        return self._journal.last_seq

    @property
    def last_hash(self) -> bytes:
        """The hash of the row that it stands in."""
        return self._journal.last_hash

    def append(self, row: JournalRow) -> None:
        """Let one batch happen again. Raises `LedgerDamaged` where it does not follow on the last one."""
        state = self._state
        try:
            for event in DECODER.decode(row.events):
                evolve(state, event)
        except Exception as error:
            raise db.LedgerDamaged(
                f"the batch from event {row.first} cannot follow on event {self.last_seq} ({error!r})"
            ) from error
        frozen = freeze(state.take_changes(), state, row.time)
        for book in state.books.values():
            book.touched.clear()
        if frozen is None or state.seq != row.last:
            raise db.LedgerDamaged(f"the batch from event {row.first} ends with {state.seq}, and not with {row.last}")
        self._journal.adopt(row, frozen)

    def close(self) -> None:
        """Fold everything into the file and have it on the disk."""
        self._journal.connection.pragma("synchronous", 2)
        self._journal.close()


def open_epoch(path: Path, now: Micros, reason: str) -> int:
    """Begin the next epoch in a ledger that nobody else has open: all payouts are shut. Its number; on the disk.

    Raises `LedgerDamaged`.
    """
    journal = Journal(path)
    try:
        state = restore(journal.connection)
        time = Micros(max(now, journal.last_time))
        outcome = perform(state, time, OpenEpoch(state.epoch + 1, reason))
        frozen = freeze(state.take_changes(), state, time)
        assert outcome.reject is None
        assert frozen is not None
        journal.commit(frozen)
        return state.epoch
    finally:
        journal.close()
