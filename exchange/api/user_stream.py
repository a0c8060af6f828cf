"""Accounts' own events on their way to whoever reads them."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from exchange.api.catalogue import Catalogue
from exchange.api.user_events import events_of
from exchange.core.committed import Committed
from exchange.core.units import AccountId
from exchange.sequencer import Sequencer

Listener = Callable[[bytes], None]
"""Is handed one event as JSON; must be quick and must not raise."""

_encode = msgspec.json.Encoder().encode


class UserStreams:
    """Who listens to which account. An account is watched only while somebody listens."""

    def __init__(self, sequencer: Sequencer, catalogue: Catalogue) -> None:
        """Subscribes to `sequencer`, behind all who did before: so `catalogue` already knows what an event names."""
        self._sequencer = sequencer
        self._catalogue = catalogue
        self._listeners: dict[AccountId, list[Listener]] = {}
        sequencer.subscribe(self._consume)

    def join(self, account: AccountId, listener: Listener) -> None:
        """Let `listener` have every event decided from here on, once it is durable."""
        self._listeners.setdefault(account, []).append(listener)
        self._sequencer.watch(account)

    def leave(self, account: AccountId, listener: Listener) -> None:
        """Stop."""
        listeners = self._listeners[account]
        listeners.remove(listener)
        if not listeners:
            del self._listeners[account]
        self._sequencer.unwatch(account)

    def _consume(self, committed: Committed) -> None:
        for report in committed.reports:
            listeners = self._listeners.get(report.account)
            if listeners:
                for event in events_of(report, self._catalogue):
                    payload = _encode(event)
                    for listener in listeners:
                        listener(payload)
