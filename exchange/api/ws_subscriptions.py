"""Accounts' own events on a connection of the WebSocket API: whose are read there, and by whose key."""

from __future__ import annotations

from typing import Final

import msgspec

from exchange.api.auth import Caller
from exchange.api.connection import Connection
from exchange.api.errors import Refusal, Refused
from exchange.api.user_stream import Listener, UserStreams
from exchange.api.ws_identity import Identity
from exchange.core.units import AccountId, Micros

_encode: Final = msgspec.json.Encoder().encode
_ACTIVE: Final = Refusal(-2035, "User Data Stream subscription already active.")
_NOT_ACTIVE: Final = Refusal(-2036, "User Data Stream subscription not active.")


class _Subscription(msgspec.Struct, frozen=True):
    account: AccountId
    api_key: str
    listener: Listener
    by_logon: bool


class Subscriptions:
    """Each has a number, unique on its connection."""

    def __init__(self, connection: Connection, identity: Identity, users: UserStreams, most: int) -> None:
        """None yet, and at most so many at a time."""
        self._connection = connection
        self._identity = identity
        self._users = users
        self._most = most
        self._living: dict[int, _Subscription] = {}
        self._next = 0

    @property
    def numbers(self) -> list[int]:
        """Those that live."""
        return list(self._living)

    def open(self, caller: Caller, *, by_logon: bool) -> int:
        """Push the events of the caller's account from now on; `by_logon`: until the connection logs out."""
        if any(known.account == caller.account for known in self._living.values()):
            raise Refused(_ACTIVE)
        if len(self._living) >= self._most:
            text = f"Too many subscriptions. Connection may create up to '{self._most}' subscriptions at a time."
            raise Refused(Refusal(-1191, text))
        number, self._next = self._next, self._next + 1
        api_key = caller.api_key

        def listener(payload: bytes) -> None:
            if self._identity.living(api_key) is not None:  # a revoked key learns nothing more, not even until the tick
                self._connection.send(b'{"subscriptionId":%d,"event":%b}' % (number, payload))

        self._users.join(caller.account, listener)
        self._living[number] = _Subscription(caller.account, api_key, listener, by_logon)
        return number

    def end(self, number: str | None, now: Micros) -> None:
        """End one subscription, or with None all of them, and say so."""
        chosen = self.numbers
        if number is not None:
            chosen = [known for known in chosen if str(known) == number]
            if not chosen:
                raise Refused(_NOT_ACTIVE)
        for known in chosen:
            self._terminate(known, now)

    def end_logons(self, now: Micros) -> None:
        """End what was opened without a signature of its own."""
        for number in self.numbers:
            if self._living[number].by_logon:
                self._terminate(number, now)

    def tick(self, now: Micros) -> None:
        """End those whose API key has been revoked, or may no longer be used from here."""
        for number in self.numbers:
            if self._identity.living(self._living[number].api_key) is None:
                self._terminate(number, now)

    def close(self) -> None:
        """End all without a word."""
        for number in self.numbers:
            self._drop(number)

    def _terminate(self, number: int, now: Micros) -> None:
        self._drop(number)
        event = {"e": "eventStreamTerminated", "E": now // 1000}
        self._connection.send(_encode({"subscriptionId": number, "event": event}))

    def _drop(self, number: int) -> None:
        gone = self._living.pop(number)
        self._users.leave(gone.account, gone.listener)
