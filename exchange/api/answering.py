"""From a request to its reply, free of any web framework: both doors call `answer`, the WebSocket API `perform`.

Limits first (an attacker pays before we work), then who asks, then what; every refusal leaves in the dialect's words.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec
import structlog
from msgspec import UNSET, UnsetType

from exchange.api import errors, http_routes
from exchange.api.auth import Caller, authenticate, caller_of, find_key, payload_of, require
from exchange.api.errors import Refusal, Refused
from exchange.api.http_routes import Route, Security
from exchange.api.parameters import decode, distinct, pairs
from exchange.api.rooms import Rooms
from exchange.office.keys import Scope

Headers = list[tuple[str, str]]

_FIXED_HEADERS: Final = (
    ("content-type", "application/json;charset=UTF-8"),
    ("x-content-type-options", "nosniff"),
    ("cache-control", "no-store"),
)
_FORM: Final = "application/x-www-form-urlencoded"
_encode: Final = msgspec.json.Encoder().encode
_log = structlog.get_logger()


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
    headers = list(_FIXED_HEADERS)
    try:
        status, body = 200, _encode(await _answered(rooms, request, headers))
    except Refused as refused:
        status, body = refused.refusal.status, refusal_body(refused.refusal)
        headers += refusal_headers(refused.refusal)
    except Exception:  # noqa: BLE001  # logged with its traceback, answered as what it is
        # A bug in one endpoint must not take the door down; what reached the sequencer stands or fails there.
        _log.exception("endpoint failed", method=request.method, path=request.path)
        status, body = errors.INTERNAL.status, refusal_body(errors.INTERNAL)
    used = str(rooms.limits.used(request.address, rooms.clock.now()))
    headers += [("x-mbx-used-weight", used), ("x-mbx-used-weight-1m", used)]
    return Reply(status, body, headers)


def refusal_body(refusal: Refusal) -> bytes:
    """A refusal as the dialect writes it."""
    return _encode(_Said(refusal.code, refusal.text, UNSET if refusal.details is None else refusal.details))


def refusal_headers(refusal: Refusal) -> Headers:
    """When to come back, if that would help."""
    return [("retry-after", str(refusal.retry_after))] if refusal.retry_after else []


async def _answered(rooms: Rooms, request: Request, headers: Headers) -> Any:  # noqa: ANN401  # any endpoint's reply
    now = rooms.clock.now()
    rooms.limits.charge(request.address, 1, now)
    route = http_routes.find(request.method, request.path)
    _check_form(request)
    sent = distinct([*pairs(request.query), *pairs(request.body)])
    caller = _identify(rooms, route, request, sent)
    reply = await perform(rooms, route, caller, sent, request.address)
    if route.counts_orders and caller is not None:
        headers += order_count_headers(rooms, caller)
    return reply


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
    """Who asks, as far as the route wants to know. A signature on an open route is checked all the same."""
    if route.security is Security.KEY:
        return caller_of(find_key(rooms.keyring, request.api_key))
    if route.security is Security.NONE and "signature" not in sent:
        return None
    payload = payload_of(request.query, request.body)
    return authenticate(rooms.keyring, rooms.clock.now(), request.api_key, payload, sent)


async def perform(rooms: Rooms, route: Route, caller: Caller | None, sent: dict[str, str], address: str) -> Any:  # noqa: ANN401  # any endpoint's reply
    """Check scope, decode, charge what it weighs beyond the 1 already charged, and answer; raises `Refused`."""
    if isinstance(route.security.value, Scope):
        assert caller is not None, route.path
        require(caller, route.security.value)
    asked = decode(route.takes, sent)
    rooms.limits.charge(address, route.weigh(asked) - 1, rooms.clock.now())
    return await route.call(rooms, caller, asked)


def order_count_headers(rooms: Rooms, caller: Caller) -> Headers:
    """How many orders the account has placed in each interval."""
    counts = rooms.limits.orders(caller.account, rooms.clock.now())
    return [(f"x-mbx-order-count-{limit.suffix.lower()}", str(count)) for limit, count in counts]
