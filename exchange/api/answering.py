"""From a request to its reply, free of any web framework.

The main door awaits `answer`; the fast door takes an `Asked` through its steps; the WebSocket API shares `begin`.

Limits first (an attacker pays before we work), then who asks, then what; every refusal leaves in the dialect's words.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final

import msgspec
from msgspec import UNSET, UnsetType

from exchange.api import errors, http_routes
from exchange.api.auth import Caller, authenticate, caller_of, find_key, payload_of, require
from exchange.api.errors import Refusal, Refused
from exchange.api.http_quick import quick
from exchange.api.http_routes import Route, Security
from exchange.api.parameters import decode, distinct, pairs
from exchange.api.reasons import beyond, reason_headers
from exchange.api.request_log import HEADER
from exchange.api.rooms import Rooms
from exchange.api.submission import Document, Submission, submitted
from exchange.core.units import Micros

Headers = list[tuple[str, str]]
Begun = Submission | Callable[[], Awaitable[Any]]
"""A request that is understood and charged for, but not done."""

_FIXED_HEADERS: Final = (
    ("content-type", "application/json;charset=UTF-8"),
    ("x-content-type-options", "nosniff"),
    ("cache-control", "no-store"),
)
EXTENSION: Final = "/ext/"
"""Paths that are not the dialect's."""

_HTTPS_ONLY: Final = ("strict-transport-security", "max-age=31536000")
_FORM: Final = "application/x-www-form-urlencoded"
_encode: Final = msgspec.json.Encoder().encode
_NOT_YET: Final = Micros(0)
_GOOD: Final = 200


class Request(msgspec.Struct, frozen=True):
    """A request as a door received it: query and body are the raw bytes, for they are what was signed."""

    method: str
    path: str
    query: bytes
    body: bytes
    address: str
    api_key: str | None = None
    content_type: str | None = None
    time_unit: str | None = None


class Reply(msgspec.Struct, frozen=True):
    """What a door sends back."""

    status: int
    body: bytes
    headers: Headers


class _Said(msgspec.Struct, frozen=True):
    """A refusal on the wire."""

    code: int
    msg: str
    data: msgspec.Raw | UnsetType = UNSET


async def answer(rooms: Rooms, request: Request) -> Reply:
    """Answer one request. Never raises, but for the end of the process."""
    asked = Asked(rooms, request)
    try:
        return asked.told(await finish(rooms, asked.begin()))
    except Refused as refused:
        return asked.refused(refused.refusal)
    except Exception:  # noqa: BLE001  # logged with its traceback, answered as what it is
        # A bug in one endpoint must not take the door down; what reached the sequencer stands or fails there.
        return asked.failed()


class Asked:
    """One HTTP request on its way to its reply."""

    __slots__ = ("_began", "_caller", "_request", "_rooms", "_route")

    def __init__(self, rooms: Rooms, request: Request) -> None:
        """Nothing is understood of it yet."""
        self._rooms = rooms
        self._request = request
        self._route: Route | None = None
        self._caller: Caller | None = None
        self._began = _NOT_YET

    def begin(self) -> Begun:
        """Who asks, may they, and what for; all but the deed. Raises `Refused`."""
        rooms, request = self._rooms, self._request
        now = self._began = rooms.clock.now()
        rooms.limits.charge(request.address, 1, now)
        route = self._route = http_routes.find(request.method, request.path)
        _check_form(request)
        usual = quick(route, request.query, request.body, request.api_key, request.address, rooms.keyring, now)
        if usual is not None:
            begun = act(rooms, route, usual.caller, usual.request, request.address)
            self._caller = usual.caller
            return begun
        return self._begin_at_length(route)

    def _begin_at_length(self, route: Route) -> Begun:
        """The same, looking at everything."""
        rooms, request = self._rooms, self._request
        sent = distinct([*pairs(request.query), *pairs(request.body)])
        caller = _identify(rooms, route, request, sent)
        begun = begin(rooms, route, caller, sent, request.address)
        self._caller = caller
        return begun

    def told(self, content: object) -> Reply:
        """The reply that tells what came of it."""
        headers = [*_FIXED_HEADERS]
        if self._route is not None and self._route.counts_orders and self._caller is not None:
            headers += order_count_headers(self._rooms, self._caller)
        if isinstance(content, Document):
            headers = [(name, content.content_type if name == "content-type" else text) for name, text in headers]
            return self._reply(200, content.body, headers + content.headers)
        return self._reply(200, _encode(content), headers)

    def refused(self, refusal: Refusal) -> Reply:
        """The reply that says no."""
        now = self._rooms.clock.now()
        id_ = self._rooms.requests.refused(refusal, *self._place(), now)
        return self._refusal(refusal, id_, now)

    def _refusal(self, refusal: Refusal, id_: str, now: Micros) -> Reply:
        headers = [*_FIXED_HEADERS, (HEADER, id_), *refusal_headers(refusal), *reason_headers(refusal, now)]
        body = _encode(beyond(refusal, now)) if self._request.path.startswith(EXTENSION) else refusal_body(refusal)
        return self._reply(refusal.status, body, headers)

    def failed(self) -> Reply:
        """The reply to what met a bug of ours; to be called while that is being handled."""
        id_ = self._rooms.requests.failed(*self._place())
        return self._refusal(errors.INTERNAL, id_, self._rooms.clock.now())

    def _place(self) -> tuple[str, str, str]:
        """Method, path where it is a known one, and the sender's address."""
        request = self._request
        return request.method, self._route.path if self._route is not None else "", request.address

    def _reply(self, status: int, body: bytes, headers: Headers) -> Reply:
        now = self._rooms.clock.now()
        if status == _GOOD and now - self._began > self._rooms.requests.slow_us:
            headers.append((HEADER, self._rooms.requests.slow(now - self._began, *self._place(), now)))
        used = str(self._rooms.limits.used(self._request.address, now))
        headers += [("x-mbx-used-weight", used), ("x-mbx-used-weight-1m", used)]
        if self._rooms.settings.tls_certificate:
            headers.append(_HTTPS_ONLY)
        if self._route is not None and self._route.retiring is not None:
            headers += self._route.retiring.headers()
        return Reply(status, body, headers)


def refusal_body(refusal: Refusal) -> bytes:
    """A refusal as the dialect writes it."""
    return _encode(_Said(refusal.code, refusal.text, UNSET if refusal.details is None else refusal.details))


def refusal_reply(refusal: Refusal, id_: str) -> Reply:
    """The reply to what did not even come to be a request; `id_` is the log's."""
    headers = [*_FIXED_HEADERS, (HEADER, id_), *refusal_headers(refusal)]
    return Reply(refusal.status, refusal_body(refusal), headers)


def refusal_headers(refusal: Refusal) -> Headers:
    """When to come back, if that would help."""
    return [("retry-after", str(refusal.retry_after))] if refusal.retry_after else []


def _check_form(request: Request) -> None:
    """Refuse what would be misread: a body that is no form, or that a GET does not take; times in microseconds."""
    if request.body:
        if request.method == "GET":
            raise Refused(errors.TOO_MANY_PARAMETERS)
        if (request.content_type or "").partition(";")[0].strip().lower() != _FORM:
            raise Refused(errors.WRONG_CONTENT_TYPE)
    unit = (request.time_unit or "MILLISECOND").upper()
    if unit != "MILLISECOND":
        raise Refused(errors.NO_MICROSECONDS if unit == "MICROSECOND" else errors.BAD_TIME_UNIT)


def _identify(rooms: Rooms, route: Route, request: Request, sent: dict[str, str]) -> Caller | None:
    """Who asks, as far as the route wants to know. A signature where none is wanted is checked all the same."""
    if "signature" not in sent:
        if route.security is Security.KEY:
            return caller_of(find_key(rooms.keyring, request.address, request.api_key))
        if route.security is Security.NONE:
            return None
    payload = payload_of(request.query, request.body)
    return authenticate(rooms.keyring, rooms.clock.now(), request.address, request.api_key, payload, sent)


def begin(rooms: Rooms, route: Route, caller: Caller | None, sent: dict[str, str], address: str) -> Begun:
    """Decode, and `act`. Raises `Refused`."""
    if route.scope is not None and caller is not None:
        require(caller, route.scope)  # before anything is said of what was asked
    return act(rooms, route, caller, decode(route.takes, sent), address)


def act(rooms: Rooms, route: Route, caller: Caller | None, asked: msgspec.Struct, address: str) -> Begun:
    """Check scope, and charge what the request weighs beyond the 1 already charged; raises `Refused`.

    What is left to do is a submission, or a call to be awaited.
    """
    scope = route.scope
    if scope is not None:
        assert caller is not None, route.path
        require(caller, scope)
    extra = route.weigh(asked) - 1
    if extra:
        rooms.limits.charge(address, extra, rooms.clock.now())
    if route.begin is not None and getattr(asked, "idempotency_key", None) is None:
        return route.begin(rooms, caller, asked)
    return partial(route.call, rooms, caller, asked)


async def finish(rooms: Rooms, begun: Begun) -> Any:  # noqa: ANN401  # any endpoint's reply
    """Do what was begun, and return the endpoint's reply; raises `Refused`."""
    if isinstance(begun, Submission):
        return await submitted(rooms, begun)
    return await begun()


def order_count_headers(rooms: Rooms, caller: Caller) -> Headers:
    """How many orders the account has placed in each interval."""
    counts = rooms.limits.orders(caller.account, rooms.clock.now())
    return [(limit.header, str(count)) for limit, count in counts]
