"""An office in a folder, and a clock that a test moves."""

from __future__ import annotations

from pathlib import Path

import apsw

from exchange.clock import SystemClock
from exchange.core.units import Micros
from exchange.office.db import open_office
from exchange.office.keys import KeyRing
from exchange.office.operators import Operators
from exchange.office.trail import Trail
from exchange.office.vault import Vault


class SetClock(SystemClock):
    """The machine's randomness, and a time that stands still until it is moved."""

    def __init__(self, now: int = 1_700_000_010_000_000) -> None:
        self.time = now

    def now(self) -> Micros:
        return Micros(self.time)


class Office:
    """All of the office over one file."""

    def __init__(self, folder: Path, clock: SetClock | None = None) -> None:
        self.path = folder / "office.db"
        self.head = folder / "trail.head"
        self.clock = clock or SetClock()
        self.db: apsw.Connection = open_office(self.path)
        self.vault = Vault(bytes(32), self.clock)
        self.keyring = KeyRing(self.db, self.vault, self.clock)
        self.operators = Operators(self.db, self.vault, self.clock)
        self.trail = Trail(self.db, self.clock, self.head)

    def reopened(self) -> Office:
        """The same folder, as the next process finds it."""
        self.db.close()
        return Office(self.path.parent, SetClock(self.clock.time))
