"""Who asks, and may they? API key, signature over the bytes as received, time window, scope."""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from typing import Final

import msgspec
from nacl.exceptions import BadSignatureError

from exchange.api import errors
from exchange.api.errors import Refused
from exchange.api.parameters import read_time
from exchange.core.units import AccountId, Micros
from exchange.office.keys import ApiKey, KeyRing, Scope

DEFAULT_WINDOW: Final = 5_000_000
MAX_WINDOW: Final = 60_000_000
MAX_AHEAD: Final = 1_000_000
"""Microseconds: how old a request may be unless it says so, at most, and how far ahead of our clock."""

AUTH_PARAMETERS: Final = ("timestamp", "recvWindow", "signature")

_KEY: Final = re.compile(r"[A-Za-z0-9]{1,128}").fullmatch
_WINDOW: Final = re.compile(r"([0-9]{1,8})(?:\.([0-9]{1,3}))?", re.ASCII).fullmatch


class Caller(msgspec.Struct, frozen=True):
    """Whose key signed the request."""

    account: AccountId
    api_key: str
    scopes: frozenset[Scope]


def payload_of(query: bytes, body: bytes) -> bytes:
    """What a client signs: query and body, joined by nothing, without the signature itself."""
    return _without_signature(query) + _without_signature(body)


def _without_signature(raw: bytes) -> bytes:
    if b"signature=" not in raw:
        return raw
    return b"&".join(part for part in raw.split(b"&") if not part.startswith(b"signature="))


def find_key(keys: KeyRing, address: str, api_key: str | None) -> ApiKey:
    """The living key of that name; refused as malformed, or as unknown, which it is to addresses not on its list."""
    if not api_key or _KEY(api_key) is None:
        raise Refused(errors.BAD_KEY_FORMAT)
    key = keys.find_from(address, api_key)
    if key is None:
        raise Refused(errors.BAD_KEY)
    return key


def authenticate(
    keys: KeyRing, now: Micros, address: str, api_key: str | None, payload: bytes, sent: dict[str, str]
) -> Caller:
    """Check key, address, signature and time window; take the parameters that only serve these out of `sent`."""
    key = find_key(keys, address, api_key)
    values = {name: sent.pop(name, "") for name in AUTH_PARAMETERS}
    for name in ("signature", "timestamp"):
        if not values[name]:
            raise Refused(errors.missing(name))
    timestamp = read_time("timestamp", values["timestamp"])
    window = read_window(values["recvWindow"])
    if not verify(key, payload, values["signature"]):
        raise Refused(errors.BAD_SIGNATURE)
    check_window(now, timestamp, window)
    return caller_of(key)


def caller_of(key: ApiKey) -> Caller:
    """The caller that a key stands for; so the key has been used."""
    key.use.noticed = True
    return Caller(key.account, key.api_key, key.scopes)


def read_window(text: str) -> int:
    """`recvWindow` in microseconds; sent in milliseconds with at most three decimal places."""
    if not text:
        return DEFAULT_WINDOW
    match = _WINDOW(text)
    if match is None:
        raise Refused(errors.illegal("recvWindow", r"^([0-9]{1,8})(\.[0-9]{1,3})?$"))
    window = int(match.group(1)) * 1000 + int((match.group(2) or "").ljust(3, "0"))
    if window > MAX_WINDOW:
        raise Refused(errors.BAD_RECV_WINDOW)
    return window


def check_window(now: Micros, timestamp: Micros, window: int) -> None:
    """Refuse what was signed too long ago, or too far ahead of our clock."""
    if timestamp >= now + MAX_AHEAD:
        raise Refused(msgspec.structs.replace(errors.TOO_EARLY, skew=timestamp - now))
    if now - timestamp > window:
        raise Refused(msgspec.structs.replace(errors.TOO_LATE, skew=timestamp - now))


def verify(key: ApiKey, payload: bytes, signature: str) -> bool:
    """Whether `signature` over `payload` was made with `key`: HMAC-SHA256 in hex, or Ed25519 in base64."""
    if key.mac is not None:
        return signature.isascii() and hmac.compare_digest(key.mac(payload), signature.lower())
    assert key.verify_key is not None
    try:
        key.verify_key.verify(payload, base64.b64decode(signature, validate=True))
    except (BadSignatureError, binascii.Error, ValueError):
        return False
    return True


def require(caller: Caller, scope: Scope) -> None:
    """Refuse a key that lacks the scope, in the words that clients know."""
    if scope not in caller.scopes:
        raise Refused(errors.BAD_KEY)
