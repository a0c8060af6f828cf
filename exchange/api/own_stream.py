"""An account's own events over a connection: replayed from a number on, then live, without a gap or a repetition.

The ledger is what is told; the live events only save reading it. Whatever does not follow on what was told last is
looked up there, so nothing can be missed; and a heartbeat says how far the account is, so that silence means something.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, Final

import msgspec
import trio

from exchange.api.auth import Caller
from exchange.api.connection import Connection
from exchange.api.endpoints.records import last_number
from exchange.api.own_words import own_event
from exchange.api.rooms import Rooms
from exchange.api.ws_identity import Identity
from exchange.core.committed import Committed
from exchange.core.units import AccountId
from exchange.ledger.records import OwnEvent, numbers_of

HEARTBEAT_SECONDS: Final = 5
_PAGE: Final = 200
_KEPT: Final = 1_000
"""Live events that may wait; of more, the oldest are forgotten and read from the ledger."""
_STUCK_SECONDS: Final = 0.05

_encode: Final = msgspec.json.Encoder().encode
Listener = Callable[[OwnEvent], None]


class OwnStreams:
    """Who follows which account; one for a door. An account is watched only while somebody does."""

    def __init__(self, rooms: Rooms) -> None:
        """Subscribes to the sequencer."""
        self._sequencer = rooms.sequencer
        self._listeners: dict[AccountId, set[Listener]] = {}
        rooms.sequencer.subscribe(self._consume)

    def join(self, account: AccountId, listener: Listener) -> None:
        """Let `listener` have every event decided from here on, once it is durable."""
        self._listeners.setdefault(account, set()).add(listener)
        self._sequencer.watch(account)

    def leave(self, account: AccountId, listener: Listener) -> None:
        """Stop."""
        listeners = self._listeners[account]
        listeners.remove(listener)
        if not listeners:
            del self._listeners[account]
        self._sequencer.unwatch(account)

    def _consume(self, committed: Committed) -> None:
        if not self._listeners:
            return
        for report in committed.reports:
            for listener in self._listeners.get(report.account, ()):
                for number in numbers_of(report.event, report.account):
                    listener(OwnEvent(number, report.seq, report.event))


class Following:
    """One account's events on one connection, from `start` on. `run` it in a task; `end` ends it."""

    def __init__(
        self,
        rooms: Rooms,
        streams: OwnStreams,
        connection: Connection,
        identity: Identity,
        caller: Caller,
        start: int,
    ) -> None:
        """Nothing is told yet. Whose key is revoked, or no longer good from there, is told nothing more."""
        self.account = caller.account
        self._rooms = rooms
        self._streams = streams
        self._connection = connection
        self._identity = identity
        self._api_key = caller.api_key
        self._next = start
        self._live: deque[OwnEvent] = deque(maxlen=_KEPT)
        self._bell = trio.Event()
        self._scope = trio.CancelScope()

    def end(self) -> None:
        """Tell nothing more."""
        self._scope.cancel()

    async def run(self) -> None:
        """Tell all there is and all that comes, until it is ended or the key is revoked."""
        self._streams.join(self.account, self._heard)
        try:
            with self._scope:
                while self._allowed():
                    await self._catch_up(await last_number(self._rooms, self.account))
                    self._say("heartbeat", {"number": self._next - 1, "time": self._rooms.clock.now() // 1000})
                    await self._follow()
        finally:
            self._streams.leave(self.account, self._heard)

    def _heard(self, own: OwnEvent) -> None:
        self._live.append(own)
        self._bell.set()

    def _allowed(self) -> bool:
        return not self._connection.ending and self._identity.living(self._api_key) is not None

    async def _catch_up(self, last: int) -> None:
        """Tell what the ledger has, up to event `last`."""
        records = self._rooms.records
        while self._next <= last and self._allowed():
            start = self._next
            page = await records.run(lambda start=start: records.events(self.account, start, _PAGE))  # type: ignore[misc]
            for own in page:
                self._tell(own)
            while self._connection.stuck:  # noqa: ASYNC110  # a replay can wait: no event for each peer's sake
                await trio.sleep(_STUCK_SECONDS)

    async def _follow(self) -> None:
        """Tell what is live until it is time for a heartbeat, or something is missing."""
        with trio.move_on_after(HEARTBEAT_SECONDS):
            while True:
                while self._live:
                    own = self._live.popleft()
                    if own.number > self._next:
                        return
                    if not self._allowed():
                        return
                    if own.number == self._next:
                        self._tell(own)
                self._bell = trio.Event()
                await self._bell.wait()

    def _tell(self, own: OwnEvent) -> None:
        self._say("event", own_event(own, self._rooms.catalogue))
        self._next = own.number + 1

    def _say(self, what: str, content: dict[str, Any]) -> None:
        self._connection.send(_encode({"ext.events": what, what: content}))
