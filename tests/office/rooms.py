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

    def __init__(self) -> None:
        self.time = 1_700_000_010_000_000

    def now(self) -> Micros:
        return Micros(self.time)


class Office:
    """All of the office over one file."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "office.db"
        self.head = folder / "trail.head"
        self.clock = SetClock()
        self.db: apsw.Connection = open_office(self.path)
        self.vault = Vault(bytes(32), self.clock)
        self.keyring = KeyRing(self.db, self.vault, self.clock)
        self.operators = Operators(self.db, self.vault, self.clock)
        self.trail = Trail(self.db, self.clock, self.head)

    def reopened(self) -> Office:
        """The same folder, as the next process finds it."""
        self.db.close()
        again = Office(self.path.parent)
        again.clock.time = self.clock.time
        return again
