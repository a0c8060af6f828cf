"""The candle lengths of the dialect, and where on the clock each begins: in UTC unless moved; weeks start on Monday."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

import msgspec

from exchange.core.units import Micros

_SECOND: Final = 1_000_000
_MINUTE: Final = 60 * _SECOND
_DAY: Final = 86_400 * _SECOND
_MONDAY: Final = 4 * _DAY  # 1970-01-05; the epoch was a Thursday
_MONTHS_A_YEAR: Final = 12


class Interval(msgspec.Struct, frozen=True):
    """A candle length: every `micros` from `offset` on, or, with `micros` 0, calendar months that begin at `offset`."""

    name: str
    micros: int
    offset: int = 0

    @property
    def length(self) -> str:
        """The dialect's name for the length, whatever zone its candles begin in."""
        return self.name.partition("@")[0]

    def in_zone(self, zone: int) -> Interval:
        """The same length where clocks are `zone` microseconds ahead of UTC."""
        offset = self.offset - zone
        if self.micros:
            offset %= self.micros
        if offset == self.offset:
            return self
        return Interval(f"{self.name}@{zone_text(zone)}", self.micros, offset)

    def falls_on(self, unit: int) -> bool:
        """Whether all its candles begin and end on multiples of `unit` microseconds, no longer than a day."""
        return self.offset % unit == 0 and self.micros % unit == 0

    def start(self, time: Micros) -> Micros:
        """When the candle that `time` falls into begins."""
        if self.micros:
            return Micros(time - (time - self.offset) % self.micros)
        day = self._local(time)
        return Micros(_month(day.year, day.month) + self.offset)

    def end(self, start: Micros) -> Micros:
        """When the candle that begins at `start` ends, and the next one begins."""
        if self.micros:
            return Micros(start + self.micros)
        day = self._local(start)
        years, month = divmod(day.month, _MONTHS_A_YEAR)
        return Micros(_month(day.year + years, month + 1) + self.offset)

    def before(self, start: Micros, count: int) -> Micros:
        """When the candle `count` candles before the one at `start` begins; not before 1970."""
        if self.micros:
            return Micros(max(self.start(Micros(0)), start - count * self.micros))
        day = self._local(start)
        months = max(1970 * _MONTHS_A_YEAR, day.year * _MONTHS_A_YEAR + day.month - 1 - count)
        return Micros(_month(months // _MONTHS_A_YEAR, months % _MONTHS_A_YEAR + 1) + self.offset)

    def _local(self, time: Micros) -> datetime:
        """What a calendar in this interval's zone says at `time`."""
        return datetime.fromtimestamp((time - self.offset) // _SECOND, UTC)


def zone_text(zone: int) -> str:
    """A zone as streams name it: "+08:00"."""
    hours, minutes = divmod(abs(zone) // _MINUTE, 60)
    return f"{'-' if zone < 0 else '+'}{hours:02}:{minutes:02}"


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

ZONED_STREAMS: Final = 8 * 60 * _MINUTE
"""The one zone beside UTC, microseconds ahead of it, in which the dialect streams candles."""

STREAMED: Final[dict[str, Interval]] = INTERVALS | {
    f"{name}@{zone_text(ZONED_STREAMS)}": interval.in_zone(ZONED_STREAMS) for name, interval in INTERVALS.items()
}
"""Every candle length in UTC and in that zone, by its name in streams. Most short ones are the same in both."""

LIVE: Final = tuple({interval.name: interval for interval in STREAMED.values()}.values())
"""The candles that are kept up to date with every trade, each once."""
