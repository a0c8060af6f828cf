"""Decimal strings <-> whole numbers of units: exact, or refused. No float, no rounding, no exponent."""

from __future__ import annotations

import re
from enum import Enum
from typing import Final

from exchange.core.units import MAX_STORED

_PLAIN: Final = re.compile(r"(\d{1,20})(?:\.(\d{1,30}))?", re.ASCII).fullmatch


class Malformed(Enum):
    """Why a string is not a number of whole units."""

    SYNTAX = "not a plain decimal number"
    TOO_PRECISE = "more decimal places than the unit has"
    TOO_LARGE = "does not fit 63 bits"


def parse(text: str, places: int) -> int | Malformed:
    """`text` in units of 10**-places: "1.5" with 8 places is 150,000,000. Trailing zeros are allowed."""
    match = _PLAIN(text)
    if match is None:
        return Malformed.SYNTAX
    whole, fraction = match.group(1), (match.group(2) or "").rstrip("0")
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
