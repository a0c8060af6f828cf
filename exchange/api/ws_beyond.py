"""What a connection of the WebSocket API can be asked beyond the dialect; see docs/beyond.md.

Some methods are endpoints under `/ext` by another name; the others need a connection: to follow one's own events, and
to have one's orders cancelled when it ends.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

import msgspec
import trio

from exchange.api import auth, errors
from exchange.api.answering import Begun
from exchange.api.auth import Caller
from exchange.api.connection import Connection
from exchange.api.door_line import Desk
from exchange.api.endpoints.records import last_number
from exchange.api.errors import Refusal, Refused, refusal_of
from exchange.api.http_routes import Route, Security, find
from exchange.api.own_stream import Following, OwnStreams
from exchange.api.parameters import Count, Symbols, decode
from exchange.api.rooms import Rooms
from exchange.api.submission import Submission
from exchange.api.ws_identity import Identity
from exchange.core.commands import ArmSession, EndSession
from exchange.core.performing import Outcome
from exchange.core.rejects import Reject
from exchange.core.units import AccountId

PREFIX: Final = "ext."
_NAME_CHARS: Final = 22
_AGAIN_SECONDS: Final = 0.05
_ACTIVE: Final = Refusal(-2035, "Own events are being followed on this connection already.")
_NOT_ACTIVE: Final = Refusal(-2036, "Own events are not being followed on this connection.")


class FollowRequest(msgspec.Struct, frozen=True, rename={"start": "from"}):
    """From which number on; not sent: from the next event on."""

    start: Count | None = None


class ArmRequest(msgspec.Struct, frozen=True):
    """For which markets; not sent: for all, those included that are listed later."""

    symbols: Symbols | None = None


class NoRequest(msgspec.Struct, frozen=True):
    """No parameters."""


class Beyond:
    """What one connection follows, and whose orders go with it."""

    def __init__(
        self, connection: Connection, rooms: Rooms, identity: Identity, desk: Desk, streams: OwnStreams
    ) -> None:
        """Nothing yet."""
        self._connection = connection
        self._rooms = rooms
        self._identity = identity
        self._desk = desk
        self._streams = streams
        self._name = rooms.clock.token(_NAME_CHARS)
        self._armed: dict[AccountId, None] = {}
        self._closed = False
        self._following: Following | None = None

    def begin(self, method: Extra, params: dict[str, str], payload: bytes) -> Begun:
        """All but the deed. Raises `Refused`; on a connection that is gone, always: it would be armed for ever."""
        if self._closed:
            raise Refused(errors.INTERNAL)  # nobody is there to hear it
        caller = self._identity.caller(method.security, params, payload)
        assert caller is not None
        auth.require(caller, method.security.value)
        if not params and method.takes is NoRequest:
            return method.call(self, caller, NoRequest())
        return method.call(self, caller, decode(method.takes, params))

    @property
    def armed(self) -> bool:
        """Whether anybody's orders may go with the connection."""
        return bool(self._armed)

    def close(self, *, busy: bool) -> None:
        """The connection is gone: follow nothing, and cancel what was to be cancelled.

        `busy`: it has begun requests that are not answered yet; the cancels come behind them.
        """
        self._closed = True
        if self._following is not None:
            self._following.end()
        for account in self._armed:
            end = EndSession(account, self._name)
            if busy or not self._rooms.sequencer.submit(end, lambda _: None):
                self._desk.start(_insist, self._rooms, end)

    def follow(self, caller: Caller, request: FollowRequest) -> Begun:
        """Push one's own events from a number on, and a heartbeat every few seconds."""
        return partial(self._follow, caller, request.start)

    async def _follow(self, caller: Caller, start: int | None) -> dict[str, int]:
        last = await last_number(self._rooms, caller.account)
        if self._following is not None:
            raise Refused(_ACTIVE)
        first = last + 1 if start is None else max(1, start)
        if first > last + 1:
            raise Refused(errors.invalid("from"))
        following = Following(self._rooms, self._streams, self._connection, self._identity, caller, first)
        self._following = following
        self._desk.start(following.run)
        return {"from": first, "last": last}

    def unfollow(self, caller: Caller, _: NoRequest) -> Begun:
        """Push no more."""
        return partial(self._unfollow, caller)

    async def _unfollow(self, caller: Caller) -> dict[str, int]:
        await trio.lowlevel.checkpoint()
        if self._following is None or self._following.account != caller.account:
            raise Refused(_NOT_ACTIVE)
        self._following.end()
        self._following = None
        return {}

    def arm(self, caller: Caller, request: ArmRequest) -> Submission:
        """Cancel the account's open orders when this connection ends; asked again, for other markets."""
        symbols = request.symbols or ()
        markets = tuple(self._rooms.catalogue.find(symbol).id for symbol in symbols)
        self._armed[caller.account] = None
        return Submission(ArmSession(caller.account, self._name, markets), partial(_armed, list(symbols)))

    def disarm(self, caller: Caller, _: NoRequest) -> Submission:
        """Leave the orders alone when this connection ends."""
        return Submission(EndSession(caller.account, self._name, disarm=True), _disarmed)


def _armed(symbols: list[str], outcome: Outcome) -> dict[str, object]:
    if outcome.reject is not None:
        raise Refused(refusal_of(outcome.reject))
    return {"armed": True, "symbols": symbols}


def _disarmed(outcome: Outcome) -> dict[str, object]:
    if outcome.reject is not None:
        raise Refused(refusal_of(outcome.reject))
    return {"armed": False}


async def _insist(rooms: Rooms, end: EndSession) -> None:
    """End it, once the tasks of all orders that were begun have run for the first time: that is when they submit them.

    While the queue is full, try again. Should the exchange stop first, it is done when it starts.
    """
    await trio.lowlevel.checkpoint()
    while (await rooms.sequencer.call(end)).reject is Reject.QUEUE_FULL:  # noqa: ASYNC110  # room has no event
        await trio.sleep(_AGAIN_SECONDS)


class Extra(msgspec.Struct, frozen=True):
    """A method that needs a connection."""

    weight: int
    security: Security
    takes: type[msgspec.Struct]
    call: Callable[[Beyond, Caller, Any], Begun]


EXTRA: Final[dict[str, Extra]] = {
    "ext.events.subscribe": Extra(10, Security.READ, FollowRequest, Beyond.follow),
    "ext.events.unsubscribe": Extra(1, Security.READ, NoRequest, Beyond.unfollow),
    "ext.cancelOnDisconnect.arm": Extra(1, Security.TRADE, ArmRequest, Beyond.arm),
    "ext.cancelOnDisconnect.disarm": Extra(1, Security.TRADE, NoRequest, Beyond.disarm),
}

UNDER_EXT: Final[dict[str, Route]] = {
    "ext.batch": find("POST", "/ext/v1/batchOrders"),
    "ext.events": find("GET", "/ext/v1/events"),
    "ext.ledger": find("GET", "/ext/v1/ledger"),
    "ext.countdownCancelAll": find("POST", "/ext/v1/countdownCancelAll"),
}
