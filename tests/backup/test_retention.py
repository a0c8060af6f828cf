"""What may go from a backup folder, and what never does."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from exchange.backup.names import CopyName, Listing, SegmentName, list_folder
from exchange.backup.retention import SIDES, superfluous
from exchange.core.units import Micros, Seq

HOUR = 3_600_000_000
DAY = 24 * HOUR
MONDAY = 20_458 * DAY  # 2026-01-05


def full(day: int, hour: int = 4) -> CopyName:
    return CopyName("full", Micros(MONDAY + day * DAY + hour * HOUR), Seq(100 * day + hour), "0" * 12)


def segment(day: int, hour: int) -> SegmentName:
    made = Micros(MONDAY + day * DAY + hour * HOUR)
    return SegmentName(made, Seq(1), Seq(2), "0" * 12, "1" * 12)


def left(listing: Listing, daily: int, weekly: int) -> set[str]:
    copies = (*listing.fulls, *listing.sides)
    every = {one.text for one in copies} | {one.text for one in listing.segments}
    return every - set(superfluous(listing, daily, weekly))


def test_the_last_of_each_day_and_of_each_week_stays() -> None:
    """Six weeks of two a day; three days and two weeks kept: of the week before, its Sunday's last."""
    fulls = tuple(full(day, hour) for day in range(40) for hour in (4, 16))
    expected = {full(day, 16).text for day in (37, 38, 39)}
    expected.add(full(34, 16).text)
    assert left(Listing(fulls, (), ()), daily=3, weekly=2) == expected


def test_the_newest_is_never_given_up_however_old() -> None:
    assert left(Listing((full(0),), (), ()), daily=1, weekly=0) == {full(0).text}
    assert left(Listing((full(0, 1), full(0, 2)), (), ()), daily=1, weekly=0) == {full(0, 2).text}


def test_the_journal_since_the_oldest_full_backup_that_stays_stays_too() -> None:
    fulls, segments = (full(0), full(1), full(2)), tuple(segment(day, hour) for day in range(3) for hour in (3, 5))
    kept = left(Listing(fulls, (), segments), daily=2, weekly=0)
    assert kept == {full(1).text, full(2).text} | {one.text for one in segments[3:]}


def test_the_newest_segment_stays_for_the_next_one_leads_on_from_it() -> None:
    listing = Listing((full(1),), (), (segment(0, 1), segment(0, 2)))
    assert superfluous(listing, 1, 0) == [segment(0, 1).text]


def test_without_a_full_backup_nothing_goes() -> None:
    segments = (segment(0, 1), segment(1, 1))
    assert superfluous(Listing((), (), segments), 1, 0) == []


def test_only_the_newest_copies_without_the_ledger_stay() -> None:
    sides = tuple(CopyName("side", Micros(MONDAY + n), Seq(n), "0" * 12) for n in range(SIDES + 3))
    assert superfluous(Listing((), sides, ()), 1, 0) == [one.text for one in sides[:3]]


@given(st.sets(st.integers(0, 24 * 100), min_size=1, max_size=60), st.integers(1, 10), st.integers(0, 10))
def test_as_many_days_as_promised_can_be_gone_back_to(hours: set[int], daily: int, weekly: int) -> None:
    """Or all that there are."""
    fulls = tuple(full(hour // 24, hour % 24) for hour in sorted(hours))
    listing = Listing(fulls, (), ())
    days = {one.made // DAY for one in fulls if one.text in left(listing, daily, weekly)}
    assert len(days) >= min(daily, len({one.made // DAY for one in fulls}))
    assert fulls[-1].text in left(listing, daily, weekly)


def test_names_are_read_back_and_other_files_are_not_ours(tmp_path: Path) -> None:
    side = CopyName("side", Micros(MONDAY + 1), Seq(7), "ab" * 6)
    for name in (full(1).text, side.text, segment(0, 3).text, "full-x.backup", "notes.txt", full(2).text + ".sent"):
        (tmp_path / name).touch()
    assert list_folder(tmp_path) == Listing((full(1),), (side,), (segment(0, 3),))
