"""How late the loop comes to what is due: the one figure that says whether everybody is kept waiting."""

from __future__ import annotations

from typing import Final

import trio

from exchange.ops.buckets import Buckets

BEAT: Final = 0.25
"""Seconds between two looks."""

_LATE_US: Final = (500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 250_000, 1_000_000, 5_000_000)


class Pulse:
    """Sleeps and notes by how much it overslept, for ever."""

    def __init__(self) -> None:
        """Nothing seen yet."""
        self.late_us = Buckets(_LATE_US)

    async def run(self) -> None:
        """Beat until cancelled."""
        while True:
            due = trio.current_time() + BEAT
            await trio.sleep_until(due)
            self.late_us.add(max(0, int((trio.current_time() - due) * 1_000_000)))
