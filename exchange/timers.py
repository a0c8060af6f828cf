"""What is due: countdowns that are through, and at start-up the connections that ended while nobody watched.

Nothing is decided here. A timer that fires is a command like any other, and the sequencer decides what follows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import trio

from exchange.core.commands import EndSession, FireCountdown
from exchange.core.market import MarketPhase
from exchange.core.rejects import Reject

if TYPE_CHECKING:
    from collections.abc import Sequence

    from exchange.clock import Clock
    from exchange.core.commands import Command
    from exchange.core.countdowns import CountdownName
    from exchange.core.state import State
    from exchange.sequencer import Sequencer

BEAT_SECONDS: Final = 0.05
"""How late a timer may fire."""
_TOGETHER: Final = 200
"""So many fire at a time: if each waited until the one before is on the disk, the last of many would be late."""


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
        armed = await self._sequencer.read(lambda state: list(state.sessions))
        await self._call([EndSession(account, session) for account, session in armed])
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
            """Those of a halted market wait for its end: to ask at each beat would keep others waiting."""
            halted = {number for number, book in state.books.items() if book.phase == MarketPhase.HALTED}
            return [name for name, when in state.countdowns.items() if when <= now and name[1] not in halted]

        await self._call([FireCountdown(*name) for name in await self._sequencer.read(due)])

    async def _call(self, commands: Sequence[Command]) -> None:
        """Have them all decided and made durable; those that find the queue full try again a beat later."""
        left = list(commands)
        while left:
            again: list[Command] = []
            together, left = left[:_TOGETHER], left[_TOGETHER:]
            async with trio.open_nursery() as nursery:
                for command in together:
                    nursery.start_soon(self._one, command, again)
            if again:
                left += again
                await trio.sleep(BEAT_SECONDS)

    async def _one(self, command: Command, again: list[Command]) -> None:
        """Have one decided; it is put among those to try `again` when there was no room."""
        if (await self._sequencer.call(command)).reject is Reject.QUEUE_FULL:
            again.append(command)
