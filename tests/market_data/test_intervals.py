"""When candles begin and end."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.core.units import Micros
from exchange.market_data.intervals import INTERVALS, Interval

TIMES = st.integers(0, 4_000_000_000_000_000).map(Micros)


def at(text: str) -> Micros:
    return Micros(int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1_000_000)


@pytest.mark.parametrize(
    ("name", "time", "start", "end"),
    [
        ("1s", "2024-02-29T23:59:59", "2024-02-29T23:59:59", "2024-03-01T00:00:00"),
        ("1m", "2024-02-29T23:59:59", "2024-02-29T23:59:00", "2024-03-01T00:00:00"),
        ("4h", "2024-02-29T23:59:59", "2024-02-29T20:00:00", "2024-03-01T00:00:00"),
        ("12h", "2024-02-29T11:59:59", "2024-02-29T00:00:00", "2024-02-29T12:00:00"),
        ("1d", "2024-02-29T23:59:59", "2024-02-29T00:00:00", "2024-03-01T00:00:00"),
        ("3d", "1970-01-06T12:00:00", "1970-01-04T00:00:00", "1970-01-07T00:00:00"),
        ("1w", "2024-03-03T23:59:59", "2024-02-26T00:00:00", "2024-03-04T00:00:00"),
        ("1w", "2024-03-04T00:00:00", "2024-03-04T00:00:00", "2024-03-11T00:00:00"),
        ("1M", "2024-02-29T23:59:59", "2024-02-01T00:00:00", "2024-03-01T00:00:00"),
        ("1M", "2023-12-31T23:59:59", "2023-12-01T00:00:00", "2024-01-01T00:00:00"),
    ],
)
def test_candles_begin_on_the_clock_in_utc(name: str, time: str, start: str, end: str) -> None:
    interval = INTERVALS[name]
    assert interval.start(at(time)) == at(start)
    assert interval.end(at(start)) == at(end)


@given(st.sampled_from(list(INTERVALS.values())), TIMES)
def test_every_moment_lies_in_exactly_one_candle(interval: Interval, time: Micros) -> None:
    start = interval.start(time)
    end = interval.end(start)
    assert start <= time < end
    assert interval.start(start) == start
    assert interval.start(Micros(end - 1)) == start
    assert interval.start(end) == end


@given(st.sampled_from(list(INTERVALS.values())), TIMES, st.integers(0, 50))
def test_going_back_is_the_reverse_of_going_on(interval: Interval, time: Micros, count: int) -> None:
    start = interval.start(time)
    later = start
    for _ in range(count):
        later = interval.end(later)
    assert interval.before(later, count) == start


def test_nothing_begins_long_before_1970() -> None:
    for interval in INTERVALS.values():
        assert interval.before(Micros(0), 1_000) <= 0
        assert interval.before(Micros(0), 1_000) > -7 * 86_400_000_000
