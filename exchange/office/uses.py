"""When a key was last used, to the day; and when it runs out because nobody uses it."""

from __future__ import annotations

from typing import Final

from exchange.core.units import Micros

DAY: Final = 86_400_000_000
UNUSED_DAYS: Final = 90
"""Whole days without use after which a key is refused."""


class Use:
    """The one part of a key that changes as it is used. `last` is the beginning of a day (UTC), 0 before the first.

    `noticed` is set by every use and costs nothing; the ring looks at it once in a while and writes down the day.
    """

    __slots__ = ("last", "noticed", "since")

    def __init__(self, since: Micros, last: Micros) -> None:
        """`since` is from when days without use count, if `last` is 0."""
        self.since = since
        self.last = last
        self.noticed = False

    @property
    def runs_out(self) -> Micros:
        """When the key expires unless it is used before; the day of its last use is not counted."""
        counted = max(self.since, self.last + DAY if self.last else 0)
        return Micros(counted + UNUSED_DAYS * DAY)


def day_of(now: Micros) -> Micros:
    """The beginning of the day."""
    return Micros(now - now % DAY)
