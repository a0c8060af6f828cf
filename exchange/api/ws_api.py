"""The WebSocket API: requests by name over `/ws-api/v3`, and own events pushed to whoever subscribed.

Most methods are endpoints of the main door under another name (`ws_methods`), answered by the very same functions;
the few that only a connection can have are in `ws_session`.
"""

from __future__ import annotations

from functools import cache
from typing import Final

import msgspec

from exchange.api import errors
from exchange.api.answering import Begun, act, begin
from exchange.api.auth import Caller
from exchange.api.connection import POLICY, Connection
from exchange.api.door_limits import DoorLimits
from exchange.api.door_line import Desk, Line, Settled
from exchange.api.errors import Refusal, Refused
from exchange.api.http_routes import Route
from exchange.api.own_stream import OwnStreams
from exchange.api.parameters import fields_of
from exchange.api.reasons import reason_of
from exchange.api.rooms import Rooms
from exchange.api.submission import Document
from exchange.api.user_stream import UserStreams
from exchange.api.ws_beyond import EXTRA, PREFIX, UNDER_EXT, Beyond, Extra
from exchange.api.ws_identity import Identity
from exchange.api.ws_methods import ENDPOINTS, LATER
from exchange.api.ws_quick import quick
from exchange.api.ws_requests import (
    call_of,
    check_shapes,
    id_of,
    nothing_left,
    parse,
    read_flag,
    signed_payload,
    texts_of,
)
from exchange.api.ws_session import OWN, Own, Session
from exchange.api.ws_subscriptions import Subscriptions
from exchange.core.units import Micros

_encode: Final = msgspec.json.Encoder().encode
_NOT_YET: Final = Micros(0)

CONNECT_WEIGHT: Final = 2
_BANNED: Final = 418


Told = tuple[int, bytes]
"""A reply's status, and the reply."""


class _Asked:
    """One request on its way to its reply: it knows its id as soon as that is read, should the rest be refused."""

    __slots__ = ("_began", "_beyond", "_called", "_counted", "_number", "_session", "_shows_limits", "_text")

    def __init__(self, session: ApiSession, text: str, *, shows_limits: bool) -> None:
        """Nothing is understood of `text` yet."""
        self._session = session
        self._text = text
        self._number: msgspec.Raw | int | str = msgspec.Raw(b"null")
        self._shows_limits = shows_limits
        self._counted: Caller | None = None
        self._beyond = False
        self._called = ""
        self._began = _NOT_YET

    def begin(self) -> Begun | Settled:
        """Who asks, may they, and what for; all but the deed. Raises `Refused`."""
        session = self._session
        rooms, address = session.rooms, session.address
        now = self._began = rooms.clock.now()
        rooms.limits.charge(address, 1, now)
        usual = quick(self._text, rooms.keyring, address, session.logged_on, now)
        if usual is None:
            return self._begin_at_length(session)
        self._number, caller, route = usual.number, usual.caller, usual.route
        self._called = route.path
        if route.counts_orders:
            self._counted = caller
        return act(rooms, route, caller, usual.request, address)

    def _begin_at_length(self, session: ApiSession) -> Begun | Settled:
        """The same, looking at everything."""
        request = parse(self._text)
        self._number = id_of(request)
        name, sent = call_of(request)
        self._beyond = name.startswith(PREFIX)
        params = texts_of(sent)
        payload = signed_payload(params) if "signature" in params else b""
        self._shows_limits = read_flag(params.pop("returnRateLimits", None), self._shows_limits)
        method = _method(name)
        self._called = name  # now that it is known to be one of ours
        if isinstance(method, Own):
            session.charge(method.weight - 1)
            return Settled(session.own(method, params, payload))
        check_shapes(method.takes, sent)
        if isinstance(method, Extra):
            session.charge(method.weight - 1)
            return session.beyond.begin(method, params, payload)
        caller = session.caller(method, params, payload)
        if method.counts_orders:
            self._counted = caller
        if not fields_of(method.takes):
            nothing_left(params)
        return session.begin(method, caller, params)

    def told(self, content: object) -> Told:
        """The reply that tells what came of it. Only HTTP has room for what is no JSON."""
        if isinstance(content, Document):
            return self.refused(errors.invalid("format"))
        requests, now = self._session.rooms.requests, self._session.rooms.clock.now()
        if now - self._began > requests.slow_us:
            requests.slow(now - self._began, "WS", self._called, self._session.address, now)
        reply: dict[str, object] = {"id": self._number, "status": 200, "result": content}
        if self._shows_limits:
            reply["rateLimits"] = self._session.limits_used(self._counted)
        return 200, _encode(reply)

    def refused(self, refusal: Refusal) -> Told:
        """The reply that says no. The log's id for it stands in the log alone: this dialect has no room for it."""
        session = self._session
        session.rooms.requests.refused(refusal, "WS", self._called, session.address, session.rooms.clock.now())
        return self._refusal(refusal)

    def _refusal(self, refusal: Refusal) -> Told:
        error = self._session.error_beyond(refusal) if self._beyond else self._session.error(refusal)
        reply: dict[str, object] = {"id": self._number, "status": refusal.status, "error": error}
        if self._shows_limits:
            reply["rateLimits"] = self._session.limits_used(self._counted)
        return refusal.status, _encode(reply)

    def failed(self) -> Told:
        """The reply to what met a bug of ours; to be called while that is being handled."""
        self._session.rooms.requests.failed("WS", self._called, self._session.address)
        return self._refusal(errors.INTERNAL)


class ApiSession:
    """One connection to the WebSocket API."""

    def __init__(
        self,
        connection: Connection,
        rooms: Rooms,
        users: UserStreams,
        own_streams: OwnStreams,
        desk: Desk,
        address: str,
        limits: DoorLimits,
        *,
        show_limits: bool,
    ) -> None:
        """`address` is the client's: it pays the weights, and keys may be good there or not.

        `show_limits`: replies tell what it has used of the limits, unless a request says.
        """
        self._identity = Identity(rooms.keyring, rooms.clock, address)
        self._subscriptions = Subscriptions(connection, self._identity, users, limits.subscriptions_per_connection)
        self._session = Session(self._identity, self._subscriptions, rooms.clock, show_limits=show_limits)
        self.beyond = Beyond(connection, rooms, self._identity, desk, own_streams)
        self._connection = connection
        self.rooms = rooms
        self.address = address
        self._show_limits = show_limits
        self._line: Line[Told] = Line(desk, limits.requests_in_flight)
        self.busy = self._line.full

    def close(self) -> None:
        """End all subscriptions without a word. What is on its way to the sequencer stands, though nobody is told.

        Of an armed connection nothing is begun any more: its orders would come behind the cancels.
        """
        self._subscriptions.close()
        if self.beyond.armed:
            self._line.close()
        self.beyond.close(busy=not self._line.empty)

    def tick(self, now: Micros) -> None:
        """End subscriptions whose API key has been revoked, or may no longer be used from here."""
        self._subscriptions.tick(now)

    def farewell(self, now: Micros) -> None:
        """Say that the server is about to stop."""
        self._connection.send(_encode({"event": {"e": "serverShutdown", "E": now // 1000}}))

    def answer(self, text: str) -> None:
        """See to one request, beside those begun before."""
        self._line.put(_Asked(self, text, shows_limits=self._show_limits), self._reply)

    def _reply(self, told: Told) -> None:
        status, reply = told
        self._connection.send(reply)
        if status == _BANNED:
            self._connection.cut(POLICY, "far too many requests: come back when the ban is over")
        self._connection.go_on()

    def charge(self, weight: int) -> None:
        """Let the address pay. Raises `Refused`."""
        self.rooms.limits.charge(self.address, weight, self.rooms.clock.now())

    def own(self, method: Own, params: dict[str, str], payload: bytes) -> object:
        """What a method of the connection's own comes to. Raises `Refused`."""
        return method.call(self._session, params, payload)

    def caller(self, method: Route, params: dict[str, str], payload: bytes) -> Caller | None:
        """Whose request this is. Raises `Refused`."""
        return self._identity.caller(method.security, params, payload)

    @property
    def logged_on(self) -> str:
        """The key that speaks for requests which name none; "" when nobody has logged on."""
        return self._identity.api_key

    def begin(self, method: Route, caller: Caller | None, params: dict[str, str]) -> Begun:
        """All but the deed of an endpoint. Raises `Refused`."""
        return begin(self.rooms, method, caller, params, self.address)

    def error(self, refusal: Refusal) -> dict[str, object]:
        """A refusal in this API's words."""
        error: dict[str, object] = {"code": refusal.code, "msg": refusal.text}
        if refusal.details is not None:
            error["data"] = refusal.details
        elif refusal.retry_after:
            now = self._now() // 1000
            error["data"] = {"serverTime": now, "retryAfter": now + 1000 * refusal.retry_after}
        elif refusal.skew is not None:
            error["data"] = {"serverTime": self._now() // 1000, "clockSkewMs": refusal.skew // 1000}
        return error

    def error_beyond(self, refusal: Refusal) -> dict[str, object]:
        """The same, and why in a word that a program can read."""
        return self.error(refusal) | {"reason": reason_of(refusal)}

    def limits_used(self, caller: Caller | None) -> msgspec.Raw:
        """What is used of the limits, as JSON: on orders those of `caller`, on weight those of the address."""
        limits, now = self.rooms.limits, self._now()
        weight = _used("REQUEST_WEIGHT", "MINUTE", 1, limits.weight_limit) % limits.used(self.address, now)
        if caller is None:
            return msgspec.Raw(b"[%b]" % weight)
        counts = [
            _used("ORDERS", one.interval, one.number, one.limit) % count
            for one, count in limits.orders(caller.account, now)
            if one.limit
        ]
        return msgspec.Raw(b"[%b]" % b",".join([*counts, weight]))

    def _now(self) -> Micros:
        return self.rooms.clock.now()


@cache
def _used(kind: str, interval: str, number: int, limit: int) -> bytes:
    """What is said of a limit, but for the count."""
    said = {"rateLimitType": kind, "interval": interval, "intervalNum": number, "limit": limit}
    return _encode(said).replace(b"%", b"%%")[:-1] + b',"count":%d}'


METHODS: Final[dict[str, Route | Own]] = {**ENDPOINTS, **OWN}
"""All of the dialect that this door answers."""

BEYOND: Final[dict[str, Route | Extra]] = {**UNDER_EXT, **EXTRA}
"""What it answers beyond the dialect."""


def _method(name: str) -> Route | Own | Extra:
    """The method of that name, a leading `v3/` aside."""
    bare = name.removeprefix("v3/")
    found = METHODS.get(bare) or BEYOND.get(bare)
    if found is not None:
        return found
    if bare in LATER:
        raise Refused(Refusal(-1020, f"This operation is not supported. Not here yet: '{bare}'."))
    raise Refused(Refusal(-1020, f"This operation is not supported. No method is called '{name[:64]}'."))
