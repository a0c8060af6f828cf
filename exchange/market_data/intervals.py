"""The candle lengths of the dialect, and where on the clock each begins. All in UTC; weeks start on Monday."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

import msgspec

from exchange.core.units import Micros

_SECOND: Final = 1_000_000
_DAY: Final = 86_400 * _SECOND
_MONDAY: Final = 4 * _DAY  # 1970-01-05; the epoch was a Thursday
_MONTHS_A_YEAR: Final = 12


class Interval(msgspec.Struct, frozen=True):
    """A candle length: every `micros` from `offset` on, or, with `micros` 0, calendar months."""

    name: str
    micros: int
    offset: int = 0

    def start(self, time: Micros) -> Micros:
        """When the candle that `time` falls into begins."""
        if self.micros:
            return Micros(time - (time - self.offset) % self.micros)
        day = datetime.fromtimestamp(time // _SECOND, UTC)
        return _month(day.year, day.month)

    def end(self, start: Micros) -> Micros:
        """When the candle that begins at `start` ends, and the next one begins."""
        if self.micros:
            return Micros(start + self.micros)
        day = datetime.fromtimestamp(start // _SECOND, UTC)
        years, month = divmod(day.month, _MONTHS_A_YEAR)
        return _month(day.year + years, month + 1)

    def before(self, start: Micros, count: int) -> Micros:
        """When the candle `count` candles before the one at `start` begins; not before 1970."""
        if self.micros:
            return Micros(max(self.start(Micros(0)), start - count * self.micros))
        day = datetime.fromtimestamp(start // _SECOND, UTC)
        months = max(1970 * _MONTHS_A_YEAR, day.year * _MONTHS_A_YEAR + day.month - 1 - count)
        return _month(months // _MONTHS_A_YEAR, months % _MONTHS_A_YEAR + 1)


def _month(year: int, month: int) -> Micros:
    return Micros(int(datetime(year, month, 1, tzinfo=UTC).timestamp()) * _SECOND)


_LENGTHS: Final = {
    "1s": _SECOND,
    "1m": 60 * _SECOND,
    "3m": 180 * _SECOND,
    "5m": 300 * _SECOND,
    "15m": 900 * _SECOND,
    "30m": 1_800 * _SECOND,
    "1h": 3_600 * _SECOND,
    "2h": 7_200 * _SECOND,
    "4h": 14_400 * _SECOND,
    "6h": 21_600 * _SECOND,
    "8h": 28_800 * _SECOND,
    "12h": 43_200 * _SECOND,
    "1d": _DAY,
    "3d": 3 * _DAY,
}

INTERVALS: Final[dict[str, Interval]] = {name: Interval(name, length) for name, length in _LENGTHS.items()} | {
    "1w": Interval("1w", 7 * _DAY, _MONDAY),
    "1M": Interval("1M", 0),
}
"""Every candle length, by the dialect's name for it, the shortest first."""
