"""The shapes of what a node of Core's kind answers. What has another shape is a `NodeFault`."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any, Final

from exchange.custody.port import NodeFault

_HASH: Final = re.compile(r"[0-9a-f]{64}")
_HIGHEST: Final = 2**31


def atoms(value: object) -> int:
    """An amount as the node writes it, in whole coins, in the smallest unit. Raises `NodeFault`."""
    if type(value) is int:
        value = Decimal(value)
    if not isinstance(value, Decimal) or not 0 <= value < 10**12 or (value * 10**8) % 1:
        raise NodeFault("an amount that cannot be")
    return int(value * 10**8)


def an_object(value: Any) -> dict[str, Any]:  # noqa: ANN401  # JSON
    if not isinstance(value, dict):
        raise NodeFault("the node gives no object where there must be one")
    return value


def a_hash(value: object) -> str:
    if not isinstance(value, str) or not _HASH.fullmatch(value):
        raise NodeFault("the node gives no hash where there must be one")
    return value


def a_count(value: object) -> int:
    if type(value) is not int or not 0 <= value < _HIGHEST:
        raise NodeFault("the node gives no height or count where there must be one")
    return value


def some_bytes(value: object) -> bytes:
    try:
        return bytes.fromhex(value) if isinstance(value, str) else b""
    except ValueError as error:
        raise NodeFault("the node gives no bytes where there must be some") from error
