"""Requests of the WebSocket API: from text to id, method and parameters, or refused with the dialect's code."""

from __future__ import annotations

from typing import Final

import msgspec

from exchange.api import errors
from exchange.api.errors import Refusal, Refused

_decode_request: Final = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_FIELDS: Final = {"id", "method", "params"}
_BAD_JSON: Final = Refusal(-1135, "Invalid JSON Request")
_MAX_ID: Final = 128
"""Bytes of an id as sent."""


def parse(text: str) -> dict[str, msgspec.Raw]:
    """The request's fields as they were sent. Raises `Refused`, as all here does."""
    try:
        request = _decode_request(text)
        msgspec.json.decode(text)  # what is kept raw above must be sound too
    except (msgspec.DecodeError, RecursionError):
        raise Refused(_BAD_JSON) from None
    return request


def id_of(request: dict[str, msgspec.Raw]) -> msgspec.Raw:
    """The id as it was sent: a number, a string or null."""
    raw = request.get("id")
    if raw is None:
        raise Refused(errors.missing("id"))
    value = msgspec.json.decode(raw)
    if isinstance(value, bool | list | dict) or len(bytes(raw)) > _MAX_ID:
        raise Refused(errors.invalid("id"))
    return raw


def call_of(request: dict[str, msgspec.Raw]) -> tuple[str, dict[str, str]]:
    """The method's name, and its parameters as the text that a signature is made over."""
    extra = request.keys() - _FIELDS
    if extra:
        raise Refused(errors.unread(len(_FIELDS), len(request), min(extra)[:64]))
    method = msgspec.json.decode(request["method"]) if "method" in request else None
    if not isinstance(method, str):
        raise Refused(errors.missing("method"))
    raw = request.get("params", msgspec.Raw(b"{}"))
    try:
        params = _decode_request(raw)
    except msgspec.DecodeError:
        raise Refused(errors.invalid("params")) from None
    return method, {name: text_of(value) for name, value in params.items()}


def text_of(raw: msgspec.Raw) -> str:
    """A value as it is signed: strings without their quotes, anything else as sent."""
    text = bytes(raw).decode()
    return msgspec.json.decode(text, type=str) if text.startswith('"') else text


def signed_payload(params: dict[str, str]) -> bytes:
    """The parameters by name, `signature` aside, as they are signed."""
    return "&".join(f"{name}={params[name]}" for name in sorted(params) if name != "signature").encode()


def read_flag(text: str | None, otherwise: bool) -> bool:
    """`returnRateLimits`, or `otherwise` where it was not sent."""
    if text is None:
        return otherwise
    if text not in {"true", "false"}:
        raise Refused(errors.invalid("returnRateLimits"))
    return text == "true"


def nothing_left(params: dict[str, str]) -> None:
    """Refuse by name what nobody asked for."""
    if params:
        raise Refused(errors.unread(0, len(params), min(params)[:64]))
