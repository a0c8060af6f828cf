"""How fast one client may ask."""

from __future__ import annotations

from typing import Final

from exchange.clock import Clock
from exchange.core.units import MILLION

BURST: Final = 100
"""Questions in a row."""

PER_SECOND: Final = 20
"""Questions a second in the long run."""


class Bucket:
    """Lets `BURST` questions through at once and `PER_SECOND` in the long run."""

    def __init__(self, clock: Clock) -> None:
        """A full bucket."""
        self._clock = clock
        self._left = BURST * MILLION
        self._at = clock.now()

    def take(self) -> bool:
        """Let one more through, if it may."""
        now = self._clock.now()
        self._left = min(BURST * MILLION, self._left + max(now - self._at, 0) * PER_SECOND)
        self._at = now
        if self._left < MILLION:
            return False
        self._left -= MILLION
        return True
