"""How a chain is, for operators: one word, a sentence, and since when."""

from __future__ import annotations

from enum import Enum

import msgspec

from exchange.core.units import Micros


class Following(Enum):
    """What a chain's watcher is doing. WAITING: for a node that is late, broken or contradicted; it tries on."""

    STARTING = "starting"
    FOLLOWING = "following"
    CATCHING_UP = "catching up"
    WAITING = "waiting"
    STOPPED = "stopped"


class ChainStatus(msgspec.Struct):
    """Filled by the chain's watcher, read by whoever shows it."""

    name: str
    following: Following = Following.STARTING
    words: str = ""
    since: Micros = Micros(0)
    """When it began to be so."""
    height: int = 0
    tip: int = 0

    def say(self, following: Following, words: str, now: Micros) -> None:
        """How it is now."""
        if following is not self.following:
            self.since = now
        self.following, self.words = following, words
