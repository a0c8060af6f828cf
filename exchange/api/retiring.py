"""How an endpoint says that it will go: headers that programs can watch for (RFC 9745, RFC 8594)."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Final

import msgspec

NOTICE_DAYS: Final = 180
"""At least so long before it goes, every answer of an endpoint says so."""


class Retiring(msgspec.Struct, frozen=True):
    """Days in UTC, as `2027-01-31`: since when it is deprecated, and when it goes."""

    since: str
    gone: str

    def headers(self) -> list[tuple[str, str]]:
        """What every answer of the endpoint carries."""
        return [
            ("deprecation", f"@{int(_day(self.since).timestamp())}"),
            ("sunset", format_datetime(_day(self.gone), usegmt=True)),
            ("link", '</docs/changelog>; rel="sunset"'),
        ]

    @property
    def notice(self) -> int:
        """Days between the two."""
        return (_day(self.gone) - _day(self.since)).days


def _day(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
