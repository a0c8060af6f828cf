"""The short way of a signed HTTP request that looks as most do, as `ws_quick` is that of the WebSocket API.

All parameters in the query or all in the body, plain ASCII without escapes, the signature last, times in milliseconds.
Whatever else comes, and what would be refused, goes the long way, which has the rules and the words.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import msgspec

from exchange.api.auth import AUTH_PARAMETERS, DEFAULT_WINDOW, MAX_AHEAD, MAX_WINDOW, Caller, caller_of, verify
from exchange.api.http_routes import Route
from exchange.api.parameters import MAX_PARAMETERS
from exchange.api.readings import Reading, reading_of
from exchange.core.units import Micros
from exchange.office.keys import KeyRing

_MAX_READINGS: Final = 4_096
"""So many sequences of names are remembered, of those that came with a good signature; any other goes the long way."""

_STAMP_DIGITS: Final = 13
"""Digits of a time in milliseconds, from 2001 to 2286."""

_WINDOW_DIGITS: Final = 5
_PROOF: Final = "&signature="

_readings: Final[dict[tuple[object, ...], Reading | None]] = {}


class Usual(NamedTuple):
    """A request understood: who asks, and what."""

    caller: Caller
    request: msgspec.Struct


def quick(
    route: Route, query: bytes, body: bytes, api_key: str | None, address: str, keyring: KeyRing, now: Micros
) -> Usual | None:
    """The request, its key, signature and time checked; None when it has to go the long way. Changes nothing.

    `address` is the client's: a key may be for some only.
    """
    raw = query or body
    if route.scope is None or api_key is None or (query and body) or b"%" in raw or b"+" in raw or not raw.isascii():
        return None
    payload, _, signature = raw.decode("ascii").rpartition(_PROOF)
    parts = payload.split("&")
    try:
        sent = dict([part.split("=", 1) for part in parts])
        stamp = sent["timestamp"]
    except (ValueError, KeyError):
        return None
    if len(sent) != len(parts) or "signature" in sent or len(parts) >= MAX_PARAMETERS or "&" in signature:
        return None
    key = keyring.find_from(address, api_key)
    if key is None or not _is_timely(stamp, sent.get("recvWindow"), now):
        return None
    if not verify(key, raw[: len(payload)], signature):
        return None
    reading = _reading(route, sent)
    asked = reading.read(sent) if reading is not None else None
    return Usual(caller_of(key), asked) if asked is not None else None


def _is_timely(stamp: str, window: str | None, now: Micros) -> bool:
    """Whether a request with these is answered now, as far as that can be told quickly."""
    if len(stamp) != _STAMP_DIGITS or not stamp.isdigit():
        return False
    age, most = now - int(stamp) * 1000, DEFAULT_WINDOW
    if window is not None:
        if len(window) > _WINDOW_DIGITS or not window.isdigit():
            return False
        most = int(window) * 1000
    return most <= MAX_WINDOW and -MAX_AHEAD < age <= most


def _reading(route: Route, sent: dict[str, str]) -> Reading | None:
    """How a request of these names, in this order, is read."""
    shape = (route.takes, *sent)
    if shape in _readings:
        return _readings[shape]
    if len(_readings) >= _MAX_READINGS:
        return None
    names = {name: str for name in sent if name not in AUTH_PARAMETERS}
    reading = _readings[shape] = reading_of(route.takes, names, frozenset())
    return reading
