"""What the doors count for metrics: refusals by code, requests that took long, and who is connected.

Nothing is counted for a request that goes well but what the sequencer counts anyway.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable


class DoorCounts:
    """Filled by both doors. `refused` by the dialect's code, of which there is a fixed number."""

    __slots__ = ("failed", "readers", "refused", "slow", "sockets")

    def __init__(self) -> None:
        """`sockets` by door and `readers` by what they read: each says how many there are now."""
        self.refused: Counter[int] = Counter()
        self.failed = 0
        self.slow = 0
        self.sockets: dict[str, Callable[[], int]] = {}
        self.readers: dict[str, Callable[[], int]] = {}
