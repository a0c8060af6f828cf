"""The short way of a request that looks as most do: signed, flat, with every parameter known and of its usual kind.

What cannot be told quickly, and what would be refused, goes the long way (`ws_requests`, `parameters`), which words the
refusal: so there is one set of rules, and this is only a way not to look at each of them again for every order. How a
request of certain names and kinds is read is worked out once and remembered.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import itemgetter
from typing import Any, Final

import msgspec

from exchange.api.auth import MAX_AHEAD, MAX_WINDOW, Caller, caller_of, verify
from exchange.api.http_routes import Route, Security
from exchange.api.readings import Reading, reading_of
from exchange.api.ws_methods import ENDPOINTS
from exchange.core.units import Micros
from exchange.office.keys import KeyRing

_MAX_PLANS: Final = 4_096
"""So many shapes of requests are remembered, of those that a living key asked for; any other goes the long way."""

_MAX_ID: Final = 64
_MILLISECONDS: Final = range(10**12, 10**13)
"""Times that are surely milliseconds: from 2001 to 2286."""

_DEFAULT_WINDOW_MS: Final = 5_000
_PROOF: Final = {"apiKey": str, "signature": str, "timestamp": int, "recvWindow": int}


class _Number(str):
    """A number with a point or an exponent, as the text that it was sent as."""

    __slots__ = ()


_NUMBERS: Final = frozenset({int, _Number})
_KINDS: Final = frozenset({str, int, _Number})


class _Request(msgspec.Struct, gc=False):
    """What every request is."""

    id: int | str
    method: str
    params: dict[str, Any]


class Quick(msgspec.Struct, gc=False):
    """A request understood: its id, its route, who asks, and what."""

    number: int | str
    route: Route
    caller: Caller
    request: msgspec.Struct


class _Plan(msgspec.Struct):
    """How requests of one method whose parameters have certain names and kinds are read."""

    route: Route
    payload: str
    signed: Callable[[dict[str, Any]], Any] | None
    reading: Reading
    whole: tuple[str, ...]


_decode: Final = msgspec.json.Decoder(_Request, float_hook=_Number).decode
_plans: Final[dict[tuple[object, ...], _Plan]] = {}


def quick(text: str, keyring: KeyRing, address: str, logged_on: str, now: Micros) -> Quick | None:
    """The request, its signature, address and time checked; None when it has to go the long way. Changes nothing.

    `logged_on` is the key that speaks for requests which name none; "" when nobody has logged on.
    """
    if "\\" in text:
        return None
    try:
        request = _decode(text)
    except (msgspec.DecodeError, RecursionError):
        return None
    number, params = request.id, request.params
    if text.count('":') != 3 + len(params):
        return None  # in a text without escapes, '":' ends a name: were there more, one would have been sent twice
    if not (0 < number < 1 << 63 if type(number) is int else len(number) <= _MAX_ID):  # type: ignore[arg-type]
        return None  # -0, or something long, would not be written as it was sent
    shape = (request.method, *params, *map(type, params.values()))
    known = _plans.get(shape)
    plan = known or _plan(request.method, params)
    if plan is None or (known is None and len(_plans) >= _MAX_PLANS):
        return None
    key = keyring.find_from(address, params.get("apiKey", logged_on))
    timestamp, window = params["timestamp"], params.get("recvWindow", _DEFAULT_WINDOW_MS)
    if key is None or timestamp not in _MILLISECONDS or not 0 < window <= MAX_WINDOW // 1000:
        return None
    for name in plan.whole:
        if params[name] <= 0:  # -0 is signed as it was sent, and no longer to be seen
            return None
    if not -MAX_AHEAD < now - timestamp * 1000 <= window * 1000:
        return None
    signed = plan.signed
    if signed is not None and not verify(key, (plan.payload % signed(params)).encode(), params["signature"]):
        return None
    if known is None:  # only now: strangers could else fill all places, and memory with names of their own
        _plans[shape] = plan
    asked = plan.reading.read(params)
    return Quick(number, plan.route, caller_of(key), asked) if asked is not None else None


def _plan(method: str, params: dict[str, Any]) -> _Plan | None:
    route = ENDPOINTS.get(method)
    if route is None or route.security in {Security.NONE, Security.KEY}:
        return None
    if "timestamp" not in params or ("apiKey" in params and "signature" not in params):
        return None
    if any(type(params[name]) is not kind for name, kind in _PROOF.items() if name in params):
        return None
    rest = {name: type(value) for name, value in params.items() if name not in _PROOF}
    if not _KINDS.issuperset(rest.values()):
        return None
    reading = reading_of(route.takes, rest, _NUMBERS)
    if reading is None:
        return None
    names = [name for name in sorted(params) if name != "signature"]
    payload = "&".join(f"{name}=%s" for name in names)
    signed = itemgetter(*names) if "signature" in params else None
    whole = tuple(name for name, kind in rest.items() if kind is int)
    return _Plan(route, payload, signed, reading, whole)
