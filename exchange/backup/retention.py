"""Which files of a backup folder may go, of what days and weeks that are over have left there.

The newest full backup never goes, nor the newest segment, nor the journal since the oldest full backup that stays.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from datetime import UTC, datetime
from typing import Final

from exchange.backup.names import CopyName, Listing
from exchange.core.units import Micros

SIDES: Final = 12
"""So many of the newest copies of what lies beside the ledger are kept, besides those within the full backups."""
_SECOND: Final = 1_000_000


def superfluous(listing: Listing, keep_daily: int, keep_weekly: int) -> list[str]:
    """Names of the files that may be deleted, oldest first."""
    kept = _last_of_each(listing.fulls, _day, keep_daily) | _last_of_each(listing.fulls, _week, keep_weekly)
    if listing.newest is not None:
        kept.add(listing.newest)
    gone = [one.text for one in listing.fulls if one not in kept]
    oldest = min((one.made for one in kept), default=Micros(0))
    gone += [one.text for one in listing.segments[:-1] if one.made < oldest]  # the next one leads on from the last
    gone += [one.text for one in listing.sides[:-SIDES]]
    return gone


def _last_of_each(fulls: tuple[CopyName, ...], part: Callable[[CopyName], Hashable], count: int) -> set[CopyName]:
    """The last full backup of each of the newest `count` days (or weeks) that have one."""
    last = {part(one): one for one in fulls}
    return set(list(last.values())[max(0, len(last) - count) :])


def _day(one: CopyName) -> Hashable:
    return _date(one).date()


def _week(one: CopyName) -> Hashable:
    return _date(one).isocalendar()[:2]


def _date(one: CopyName) -> datetime:
    return datetime.fromtimestamp(one.made // _SECOND, UTC)
