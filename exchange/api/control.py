"""What a reader of market streams may ask over its connection: to subscribe, unsubscribe, list, and combine."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

import msgspec

from exchange.api.book_feed import SUFFIX, WEIGHT
from exchange.api.connection import Connection
from exchange.api.errors import Refused
from exchange.api.feeds import Message
from exchange.api.rooms import Rooms
from exchange.api.streams import Streams, UnknownStream
from exchange.api.user_stream import Listener, UserStreams
from exchange.api.ws_codec import NORMAL
from exchange.core.units import AccountId, Micros

_encode: Final = msgspec.json.Encoder().encode
_ID_TEXT: Final = re.compile(r"[0-9A-Za-z_-]{1,36}", re.ASCII).fullmatch
METHODS: Final = ("SUBSCRIBE", "UNSUBSCRIBE", "LIST_SUBSCRIPTIONS", "SET_PROPERTY", "GET_PROPERTY")
_VARIANTS: Final = ", ".join(f"`{method}`" for method in METHODS)
_FIELDS: Final = {"method", "params", "id"}


class Invalid(Exception):
    """A request that cannot be done, with the dialect's code for it."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


class MarketSession:
    """One connection to `/ws` or `/stream`, and what it reads: market streams, and user streams by listen key."""

    def __init__(
        self, connection: Connection, rooms: Rooms, streams: Streams, users: UserStreams, max_streams: int
    ) -> None:
        """Reads nothing yet."""
        self._connection = connection
        self._rooms = rooms
        self._streams = streams
        self._users = users
        self._max_streams = max_streams
        self._names: dict[str, tuple[AccountId, Listener] | None] = {}

    def enter(self, names: list[str]) -> None:
        """Read these streams too: all of them or, raising `Invalid` or `Refused`, none."""
        fresh = [name for name in dict.fromkeys(names) if name not in self._names]
        if len(self._names) + len(fresh) > self._max_streams:
            raise Invalid(2, f"Invalid request: at most {self._max_streams} streams on one connection")
        for name in fresh:
            if self._owner(name) is None:
                try:
                    self._streams.check(name)
                except UnknownStream:
                    raise Invalid(2, f"Invalid request: invalid stream {name[:64]}") from None
        books = sum(name.endswith(SUFFIX) for name in fresh)
        if books:
            self._rooms.limits.charge(self._connection.client, WEIGHT * books, self._rooms.clock.now())
        for name in fresh:
            self._join(name)

    def leave(self, names: list[str]) -> None:
        """Stop reading these, where it does."""
        for name in names:
            if name in self._names:
                private = self._names.pop(name)
                if private is None:
                    self._streams.leave(name, self._connection)
                else:
                    self._users.leave(*private)

    def close(self) -> None:
        """Stop reading everything."""
        self.leave(list(self._names))

    def _owner(self, name: str) -> AccountId | None:
        return None if "@" in name else self._reads(name, self._rooms.clock.now())

    def _reads(self, listen_key: str, now: Micros) -> AccountId | None:
        """Whose events that key lets this client read."""
        return self._rooms.listen_keys.find(listen_key, now, self._connection.client)

    def _join(self, name: str) -> None:
        owner = self._owner(name)
        if owner is None:
            self._streams.join(name, self._connection)
            self._names[name] = None
            return

        def listener(payload: bytes) -> None:
            if self._owner(name) == owner:  # a key that has ended tells nothing more, not even until the tick
                self._connection.offer(Message(name, payload))

        self._users.join(owner, listener)
        self._names[name] = (owner, listener)

    def tick(self, now: Micros) -> None:
        """Part from listen keys that have expired or were closed, or that are not for this client any more.

        A connection that reads nothing else is closed: who waits for events of its own must notice.
        """
        ended = [name for name, private in self._names.items() if private and self._reads(name, now) != private[0]]
        for name in ended:
            farewell = {"e": "listenKeyExpired", "E": now // 1000, "listenKey": name}
            self._connection.offer(Message(name, _encode(farewell)))
        self.leave(ended)
        if ended and not self._names:
            self._connection.cut(NORMAL, "the listen key has ended")

    def farewell(self, now: Micros) -> None:
        """Say that the server is about to stop."""
        event = {"e": "serverShutdown", "E": now // 1000}
        self._connection.offer(Message("!serverShutdown", _encode(event)))

    def busy(self) -> bool:
        """Never: all that can be asked is done at once."""
        return False

    def answer(self, text: str) -> None:
        """Do what one message asks, and reply."""
        number: int | str | None = None
        try:
            request = _parsed(text)
            number = _id_of(request)
            reply: dict[str, object] = {"result": self._perform(request, text), "id": number}
        except Invalid as invalid:
            reply = {"error": {"code": invalid.code, "msg": invalid.text}, "id": number}
        except Refused as refused:
            reply = {"error": {"code": refused.refusal.code, "msg": refused.refusal.text}, "id": number}
        self._connection.send(_encode(reply))

    def _perform(self, request: dict[str, object], text: str) -> object:
        method, params = request.get("method"), request.get("params", [])
        actions: dict[str, Callable[[list[object]], object]] = {
            "SUBSCRIBE": self._subscribe,
            "UNSUBSCRIBE": self._unsubscribe,
            "LIST_SUBSCRIPTIONS": self._list,
            "SET_PROPERTY": self._set_property,
            "GET_PROPERTY": self._get_property,
        }
        if "method" not in request:
            raise Invalid(2, f"Invalid request: missing field `method` at line 1 column {len(text)}")
        if not isinstance(method, str) or method not in actions:
            named = method[:64] if isinstance(method, str) else _encode(method)[:64].decode(errors="replace")
            raise Invalid(2, f"Invalid request: unknown variant `{named}`, expected one of {_VARIANTS}")
        if not isinstance(params, list):
            raise Invalid(2, "Invalid request: params must be a list")
        if not request.keys() <= _FIELDS:
            raise Invalid(2, "Invalid request: too many parameters")
        return actions[method](params)

    def _subscribe(self, params: list[object]) -> None:
        self.enter(_names(params))

    def _unsubscribe(self, params: list[object]) -> None:
        self.leave(_names(params))

    def _list(self, params: list[object]) -> list[str]:
        if params:
            raise Invalid(2, "Invalid request: too many parameters")
        return list(self._names)

    def _set_property(self, params: list[object]) -> None:
        _property_name(params, 2)
        if not isinstance(params[1], bool):
            raise Invalid(1, "Invalid value type: expected Boolean")
        self._connection.combined = params[1]

    def _get_property(self, params: list[object]) -> bool:
        _property_name(params, 1)
        return self._connection.combined


def _parsed(text: str) -> dict[str, object]:
    try:
        request = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        place = re.search(r"byte (\d+)", str(error))
        column = int(place.group(1)) + 1 if place else 1
        raise Invalid(3, f"Invalid JSON: expected value at line 1 column {column}") from None
    if not isinstance(request, dict):
        raise Invalid(2, "Invalid request: expected an object")
    return request


def _id_of(request: dict[str, object]) -> int | str | None:
    """The id to answer with: a whole number of 63 bits and a sign, a short word, or null."""
    number = request.get("id")
    known = "id" in request and (
        number is None
        or (isinstance(number, int) and not isinstance(number, bool) and -(1 << 63) <= number < 1 << 63)
        or (isinstance(number, str) and _ID_TEXT(number) is not None)
    )
    if not known:
        raise Invalid(2, "Invalid request: request ID must be an unsigned integer")
    assert number is None or isinstance(number, int | str)
    return number


def _names(params: list[object]) -> list[str]:
    names = [name for name in params if isinstance(name, str)]
    if not names or len(names) < len(params):
        raise Invalid(2, "Invalid request: params must be a list of stream names")
    return names


def _property_name(params: list[object], expected: int) -> None:
    if not params or not isinstance(params[0], str):
        raise Invalid(2, "Invalid request: property name must be a string")
    if params[0] != "combined":
        raise Invalid(0, "Unknown property")
    if len(params) > expected:
        raise Invalid(2, "Invalid request: too many parameters")
    if len(params) < expected:
        raise Invalid(1, "Invalid value type: expected Boolean")
