"""What is due: countdowns that are through, and at start-up the connections that ended while nobody watched.

Nothing is decided here. A timer that fires is a command like any other, and the sequencer decides what follows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import trio

from exchange.core.commands import EndSession, FireCountdown

if TYPE_CHECKING:
    from exchange.clock import Clock
    from exchange.core.countdowns import CountdownName
    from exchange.core.state import State
    from exchange.sequencer import Sequencer

BEAT_SECONDS: Final = 0.05
"""How late a timer may fire."""


class Timers:
    """Fires what is due, a beat late at the most."""

    def __init__(self, sequencer: Sequencer, clock: Clock) -> None:
        """`sequencer` must be running before anything else is called."""
        self._sequencer = sequencer
        self._clock = clock

    async def catch_up(self) -> None:
        """Do what fell due while the exchange was down: to be awaited before any door opens.

        No connection has outlived the process, so whatever was to be cancelled at its end is cancelled now.
        """
        for account, session in await self._sequencer.read(lambda state: list(state.sessions)):
            await self._sequencer.call(EndSession(account, session))
        await self._fire()

    async def run(self) -> None:
        """Look every beat, for ever."""
        while True:
            await trio.sleep(BEAT_SECONDS)
            if self._sequencer.state.countdowns:  # a peek that saves a reading; what is due is read in its turn
                await self._fire()

    async def _fire(self) -> None:
        now = self._clock.now()

        def due(state: State) -> list[CountdownName]:
            return [name for name, when in state.countdowns.items() if when <= now]

        for name in await self._sequencer.read(due):
            await self._sequencer.call(FireCountdown(*name))
