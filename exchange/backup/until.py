"""`--until`: the number of an event, or a time; a restore goes no further than that."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from exchange.backup.fault import BackupFault
from exchange.core.units import Micros, Seq
from exchange.ledger.journal import JournalRow


class Until(msgspec.Struct, frozen=True):
    """Where to stop; one of the two is None. A batch was one act, and comes whole or not at all."""

    seq: Seq | None
    time: Micros | None

    def covers(self, row: JournalRow) -> bool:
        """Whether this batch still belongs to what is wanted."""
        return row.last <= self.seq if self.seq is not None else self.time is None or row.time <= self.time


EVERYTHING: Final = Until(None, None)


def read_until(text: str) -> Until:
    """Digits are an event's number, all else is a time by ISO 8601, UTC unless it says so. Raises `BackupFault`."""
    if text.isascii() and text.isdigit() and len(text) <= 18:
        return Until(Seq(int(text)), None)
    try:
        time = datetime.fromisoformat(text)
    except ValueError as error:
        raise BackupFault(
            f"--until {text!r} is neither an event's number nor a time such as 2026-11-30T20:15:00Z. Nothing was done."
        ) from error
    time = time if time.tzinfo is not None else time.replace(tzinfo=UTC)
    return Until(None, Micros((time - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)))
