"""What every question of an operator is. Part of `wire`."""

from __future__ import annotations

from typing import ClassVar, Final, Generic, TypeVar

import msgspec

R = TypeVar("R")

MAX_ROWS: Final = 500
"""The most rows in one reply; ask again with `after` for the next ones."""


class Ask(msgspec.Struct, Generic[R], frozen=True, forbid_unknown_fields=True):
    """`method` is its name on the wire, `R` the type of the answer."""

    method: ClassVar[str]
