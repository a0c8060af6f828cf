"""From the record that a request is read into to the parameters that are told: type, pattern, default, mandatory."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator
from enum import Enum
from typing import Any, Final

import msgspec

from exchange.api import parameters as read
from exchange.api.docs.words import Word, word
from exchange.core.units import MAX_STORED, Micros
from exchange.market_data.intervals import INTERVALS, Interval

Schema = dict[str, Any]

_SYMBOL: Final = "^[A-Z0-9_.-]{1,20}$"
_KINDS: Final[dict[Any, Schema]] = {
    str: {"type": "string"},
    bool: {"type": "boolean"},
    read.Symbol: {"type": "string", "pattern": _SYMBOL},
    read.Symbols: {
        "type": "array",
        "items": {"type": "string", "pattern": _SYMBOL},
        "minItems": 1,
        "uniqueItems": True,
    },
    read.ClientId: {"type": "string", "pattern": "^[a-zA-Z0-9_-]{1,36}$"},
    read.IdempotencyKey: {"type": "string", "pattern": "^[a-zA-Z0-9_-]{1,64}$"},
    read.Decimal: {"type": "string", "pattern": r"^[0-9]{1,20}(\.[0-9]{1,20})?$"},
    read.Count: {"type": "integer", "minimum": 0, "maximum": MAX_STORED},
    read.Permissions: {"type": "array", "items": {"type": "string"}, "minItems": 1},
    read.Zone: {"type": "string", "pattern": read.ZONE},
    read.Window: {"type": "string", "pattern": read.WINDOW},
    Micros: {"type": "integer", "format": "int64", "minimum": 0, "maximum": 10**17},
    Interval: {"type": "string", "enum": list(INTERVALS)},
}
"""What each kind of parameter may be; enumerations say it themselves."""


class Parameter(msgspec.Struct, frozen=True):
    """One parameter of a request. `listed`: sent as one JSON list."""

    name: str
    schema: Schema
    told: Word
    mandatory: bool
    listed: bool = False


def parameters_of(takes: type[msgspec.Struct]) -> Iterator[Parameter]:
    """What a request may be sent with. Raises `TypeError` for a kind that nobody has described."""
    hints = typing.get_type_hints(takes)
    for field in msgspec.structs.fields(takes):
        kind = _bare(hints[field.name])
        schema = dict(_schema(kind))
        if field.default not in {None, msgspec.NODEFAULT}:
            schema["default"] = field.default.name if isinstance(field.default, Enum) else field.default
        told = word(takes.__name__, field.encode_name)
        yield Parameter(field.encode_name, schema, told, field.required, listed=schema.get("type") == "array")


def _bare(hint: Any) -> Any:  # noqa: ANN401  # any annotation
    """The kind itself, without the None of what may be left out."""
    if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union:
        return next(part for part in typing.get_args(hint) if part is not types.NoneType)
    return hint


def _schema(kind: Any) -> Schema:  # noqa: ANN401  # as above
    if kind in _KINDS:
        return _KINDS[kind]
    if isinstance(kind, type) and issubclass(kind, Enum):
        return {"type": "string", "enum": [member.name for member in kind]}
    raise TypeError(f"nobody has said what a parameter of kind {kind!r} may be: see exchange/api/docs/asking.py")
