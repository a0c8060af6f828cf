"""Why something was refused, in a word that a program can read; and how our clock and the client's differ.

The dialect's own bodies stay as they are: there the word is a header. Under /ext it stands in the body too.
"""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec import UNSET, UnsetType

from exchange.api import errors
from exchange.api.errors import Refusal
from exchange.core.units import Micros

REASON_HEADER: Final = "x-reject-reason"
TIME_HEADER: Final = "x-server-time"
SKEW_HEADER: Final = "x-clock-skew-ms"

BY_CODE: Final = {
    -1000: "INTERNAL",
    -1003: "TOO_MUCH_WEIGHT",
    -1007: "BODY_TOO_SLOW",
    -1015: "TOO_MANY_ORDERS",
    -1020: "NOT_SUPPORTED",
    -1021: "CLOCK_SKEW",
    -1022: "BAD_SIGNATURE",
    -1034: "TOO_MANY_CONNECTIONS",
    -1099: "MALFORMED",
    -1100: "ILLEGAL_CHARACTERS",
    -1101: "TOO_MANY_PARAMETERS",
    -1102: "MISSING_PARAMETER",
    -1104: "UNKNOWN_PARAMETER",
    -1105: "EMPTY_PARAMETER",
    -1106: "UNNEEDED_PARAMETER",
    -1108: "OVERFLOW",
    -1111: "TOO_PRECISE",
    -1115: "BAD_TIME_IN_FORCE",
    -1116: "BAD_ORDER_TYPE",
    -1117: "BAD_SIDE",
    -1120: "BAD_INTERVAL",
    -1121: "UNKNOWN_MARKET",
    -1125: "BAD_LISTEN_KEY",
    -1127: "SPAN_TOO_LONG",
    -1128: "BAD_COMBINATION",
    -1130: "INVALID_PARAMETER",
    -1131: "BAD_RECV_WINDOW",
    -1135: "BAD_JSON",
    -1136: "BAD_RESPONSE_TYPE",
    -1151: "DUPLICATE_SYMBOLS",
    -2013: "NO_SUCH_ORDER",
    -2014: "BAD_KEY_FORMAT",
    -2015: "BAD_KEY",
    -2021: "REPLACE_HALF_FAILED",
    -2022: "REPLACE_FAILED",
    -4033: "ILLEGAL_ADDRESS",
}
"""For refusals of the doors; those of the core have names of their own, and so have most that are not listed here."""

_CONSTANTS: Final = {
    (value.code, value.text): name for name, value in vars(errors).items() if isinstance(value, Refusal)
}


class Beyond(msgspec.Struct, frozen=True, rename="camel"):
    """A refusal beyond the dialect: code and text as ever, the reason, and the time here.

    `clock_skew_ms` is how far the request's timestamp was ahead of our clock, where that was the reason.
    """

    code: int
    msg: str
    reason: str
    server_time: int
    clock_skew_ms: int | UnsetType = UNSET
    data: msgspec.Raw | UnsetType = UNSET


def reason_of(refusal: Refusal) -> str:
    """The word for it."""
    named = refusal.reason or BY_CODE.get(refusal.code) or _CONSTANTS.get((refusal.code, refusal.text))
    return named or f"CODE_{-refusal.code}"


def beyond(refusal: Refusal, now: Micros) -> Beyond:
    """The refusal as it is told outside the dialect."""
    return Beyond(
        refusal.code,
        refusal.text,
        reason_of(refusal),
        now // 1000,
        UNSET if refusal.skew is None else refusal.skew // 1000,
        UNSET if refusal.details is None else refusal.details,
    )


def reason_headers(refusal: Refusal, now: Micros) -> list[tuple[str, str]]:
    """What a client of the dialect may look at, and one that does not know it never sees."""
    headers = [(REASON_HEADER, reason_of(refusal))]
    if refusal.skew is not None:
        headers += [(TIME_HEADER, str(now // 1000)), (SKEW_HEADER, str(refusal.skew // 1000))]
    return headers
