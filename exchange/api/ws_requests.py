"""Requests of the WebSocket API: from text to id, method and parameters, or refused with the dialect's code.

Numbers stay the text that they were sent as: an amount that became a float would no longer be what was signed.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from exchange.api import errors
from exchange.api.errors import Refusal, Refused
from exchange.api.parameters import MAX_PARAMETERS, fields_of

_FIELDS: Final = {"id", "method", "params"}
_BAD_JSON: Final = Refusal(-1135, "Invalid JSON Request")
_MAX_ID: Final = 128
"""Bytes of an id as sent."""

_NUMBER: Final = '-0123456789"'
_SHAPES: Final = {
    "Count": _NUMBER,
    "Decimal": _NUMBER,
    "Micros": _NUMBER,
    "bool": 'tf"',
    "Symbols": "[",
    "Entries": "[",
    "Permissions": '["',
}
"""What the JSON of a parameter may begin with, by kind; of all other kinds it is a string. An empty one has none."""


class _Name:
    """A member's name: equal to no other, so that one that is sent twice can be seen."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text


def _name(kind: type, text: Any) -> _Name:  # noqa: ANN401  # of msgspec's making
    assert kind is _Name
    return _Name(text)


_decode_object: Final = msgspec.json.Decoder(dict[_Name, msgspec.Raw], dec_hook=_name).decode


def parse(text: str) -> dict[str, msgspec.Raw]:
    """The request's fields as they were sent. Raises `Refused`, as all here does."""
    try:
        request = _distinct(text)
        msgspec.json.decode(text)  # what is kept raw above must be sound too
    except (msgspec.DecodeError, RecursionError):
        raise Refused(_BAD_JSON) from None
    return request


def _distinct(text: str | msgspec.Raw) -> dict[str, msgspec.Raw]:
    """An object's members; the same name twice is refused, for which of the two would count."""
    members = _decode_object(text)
    found = {name.text: value for name, value in members.items()}
    if len(found) < len(members):
        raise Refused(errors.DUPLICATE_PARAMETER)
    return found


def id_of(request: dict[str, msgspec.Raw]) -> msgspec.Raw:
    """The id as it was sent: a number, a string or null."""
    raw = request.get("id")
    if raw is None:
        raise Refused(errors.missing("id"))
    value = msgspec.json.decode(raw)
    if isinstance(value, bool | list | dict) or len(bytes(raw)) > _MAX_ID:
        raise Refused(errors.invalid("id"))
    return raw


def call_of(request: dict[str, msgspec.Raw]) -> tuple[str, dict[str, msgspec.Raw]]:
    """The method's name, and its parameters as they were sent."""
    extra = request.keys() - _FIELDS
    if extra:
        raise Refused(errors.unread(len(_FIELDS), len(request), min(extra)[:64]))
    method = msgspec.json.decode(request["method"]) if "method" in request else None
    if not isinstance(method, str):
        raise Refused(errors.missing("method"))
    try:
        params = _distinct(request.get("params", msgspec.Raw(b"{}")))
    except msgspec.DecodeError:
        raise Refused(errors.invalid("params")) from None
    if len(params) > MAX_PARAMETERS:
        raise Refused(errors.TOO_MANY_PARAMETERS)
    return method, params


def texts_of(params: dict[str, msgspec.Raw]) -> dict[str, str]:
    """The parameters as the text that a signature is made over: strings without their quotes, all else as sent.

    What is null is empty.
    """
    return {name: _text_of(name, bytes(raw).decode()) for name, raw in params.items()}


def _text_of(name: str, text: str) -> str:
    if text.startswith('"'):
        return msgspec.json.decode(text, type=str) if "\\" in text else text[1:-1]
    if text.startswith("{"):
        raise Refused(errors.invalid(name[:64]))
    return "" if text == "null" else text


def check_shapes(takes: type[msgspec.Struct], params: dict[str, msgspec.Raw]) -> None:
    """Refuse a parameter that is sent as another kind of JSON than the dialect has for it, such as a number as name."""
    for field in fields_of(takes):
        raw = params.get(field.name)
        if raw is not None:
            text = bytes(raw)
            if chr(text[0]) not in _SHAPES.get(field.kind, '"') and text != b"null":
                raise Refused(errors.invalid(field.name))


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
