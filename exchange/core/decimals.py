"""Decimal strings <-> whole numbers of units: exact, or refused. No float, no rounding, no exponent."""

from __future__ import annotations

from enum import Enum
from typing import Final

from exchange.core.units import MAX_STORED

_MAX_WHOLE: Final = 20
_MAX_FRACTION: Final = 30
"""Digits on either side of the point."""


class Malformed(Enum):
    """Why a string is not a number of whole units."""

    SYNTAX = "not a plain decimal number"
    TOO_PRECISE = "more decimal places than the unit has"
    TOO_LARGE = "does not fit 63 bits"


def parse(text: str, places: int) -> int | Malformed:
    """`text` in units of 10**-places: "1.5" with 8 places is 150,000,000. Trailing zeros are allowed."""
    whole, point, fraction = text.partition(".")
    if not (text.isascii() and whole.isdigit() and (fraction.isdigit() or not point)):
        return Malformed.SYNTAX
    if len(whole) > _MAX_WHOLE or len(fraction) > _MAX_FRACTION:
        return Malformed.SYNTAX
    fraction = fraction.rstrip("0")
    if len(fraction) > places:
        return Malformed.TOO_PRECISE
    value = int(whole + fraction.ljust(places, "0"))
    return value if value <= MAX_STORED else Malformed.TOO_LARGE


def render(value: int, places: int) -> str:
    """`value` units of 10**-places as a plain decimal string with all its places: 150,000,000 -> "1.50000000"."""
    if not places:
        return str(value)
    sign = "-" if value < 0 else ""
    digits = str(abs(value)).rjust(places + 1, "0")
    return f"{sign}{digits[:-places]}.{digits[-places:]}"
