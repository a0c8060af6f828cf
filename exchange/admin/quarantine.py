"""Which markets stand still because the exchange failed in them, and why: operators are told until they open again.

The halt is an event like any other and outlives a restart; its reason is looked for in the newest part of the journal.
"""

from __future__ import annotations

from functools import partial

from exchange.admin import wire
from exchange.admin.house import House
from exchange.core.events import MarketPhaseSet
from exchange.core.market import MarketPhase
from exchange.core.units import MarketId
from exchange.sequencer import QUARANTINED


class Quarantine:
    """The markets' last changes of phase, as far as they are quarantines."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._reasons: dict[MarketId, str] = {}

    def take(self, event: MarketPhaseSet) -> None:
        """A market changed its phase."""
        if event.phase is MarketPhase.HALTED and event.reason.startswith(QUARANTINED):
            self._reasons[event.market] = event.reason
        else:
            self._reasons.pop(event.market, None)

    async def restore(self) -> None:
        """Look for the reasons of markets that were halted before the start."""
        halted = await self._house.sequencer.read(
            lambda state: [number for number, book in state.books.items() if book.phase is MarketPhase.HALTED]
        )
        queries = self._house.queries
        for market in halted:
            event = await queries.run(partial(queries.last_phase, market))
            if event is not None and market not in self._reasons:
                self.take(event)

    async def sentences(self) -> tuple[str, ...]:
        """One for each such market."""
        reasons = dict(self._reasons)
        symbols = await self._house.sequencer.read(
            lambda state: {market: state.books[market].rules.symbol for market in reasons}
        )
        return tuple(
            wire.clean(f"{symbols[market]} is {reason}; nothing was cancelled; the log has the trace")
            for market, reason in reasons.items()
        )
