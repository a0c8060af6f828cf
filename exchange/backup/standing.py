"""How backups stand: what there is, how old it is, what failed, and what an operator must be told."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import msgspec

from exchange.backup.drill import Report, last_good, newest_first
from exchange.backup.names import Listing, list_folder
from exchange.core.units import MILLION, Micros
from exchange.settings import Settings

STATE: Final = "backups.json"
"""In the data folder: what the server noted of its schedule."""
DRILL_DAYS: Final = 8
"""A last good drill older than this is an alarm."""
_NAMES: Final = {"full": "full backup", "segment": "saving of the journal", "drill": "restore drill"}
"""What jobs are called to operators."""
_MINUTE: Final = 60 * MILLION
_HOUR: Final = 60 * _MINUTE
_DAY: Final = 24 * _HOUR


class Trouble(msgspec.Struct, frozen=True):
    """A job that fails: since when, how often in a row, and in which words the last time."""

    since: Micros
    times: int
    words: str


class Noted(msgspec.Struct, frozen=True):
    """What the server knows of its schedule, by job: when each last went well, and which ones fail now."""

    done: dict[str, Micros] = {}
    troubles: dict[str, Trouble] = {}


class Standing(msgspec.Struct, frozen=True):
    """`saved`: until when the journal is in a segment or backup. Times are 0 where there was nothing yet.

    `last_drill` is the newest report, `last_good` that of the newest drill that went well. `alarms` are sentences for
    an operator; none: all is as it should be.
    """

    listing: Listing
    saved: Micros
    last_drill: Report | None
    last_good: Report | None
    alarms: tuple[str, ...]


def read_noted(folder: Path) -> Noted:
    """What the server noted in a data folder; nothing where it never did, or where that cannot be read."""
    try:
        return msgspec.json.decode((folder / STATE).read_bytes(), type=Noted)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return Noted()


def write_noted(folder: Path, noted: Noted) -> None:
    """Replace it. Raises `OSError`."""
    fresh = folder / f".{STATE}.{os.getpid()}"
    fresh.touch(mode=0o600)
    fresh.write_bytes(msgspec.json.encode(noted) + b"\n")
    fresh.replace(folder / STATE)


def note_done(folder: Path, job: str, when: Micros) -> None:
    """A job went well that somebody did by hand. Raises `OSError`."""
    noted = read_noted(folder)
    write_noted(
        folder, Noted(noted.done | {job: when}, {name: one for name, one in noted.troubles.items() if name != job})
    )


def look(folder: Path, settings: Settings, noted: Noted, now: Micros) -> Standing:
    """How the backups of a data folder stand. Reads names and reports only; raises nothing."""
    nothing = Listing((), (), ())
    last = next(newest_first(folder), None)
    good = last_good(folder)
    if not settings.backup.folder:
        said = "no backups are made: exchange.toml has no [backup]"
        return Standing(nothing, Micros(0), last, good, () if settings.demo else (said,))
    try:
        listing = list_folder(Path(settings.backup.folder))
    except OSError as error:
        said = f"the backup folder {settings.backup.folder} cannot be read: {error.strerror}. Is its disk mounted?"
        return Standing(nothing, Micros(0), last, good, (said,))
    saved = Micros(max(noted.done.get("segment", 0), listing.newest.made if listing.newest else 0))
    alarms = [
        f"the {_NAMES.get(job, job)} fails since {_age(now, one.since)}: {one.words}"
        for job, one in noted.troubles.items()
    ]
    alarms += _late(listing, saved, settings, now)
    alarms += _drills(listing, last, good, now)
    return Standing(listing, saved, last, good, tuple(alarms))


def _late(listing: Listing, saved: Micros, settings: Settings, now: Micros) -> list[str]:
    newest = listing.newest
    if newest is None:
        return ["there is no full backup yet"]
    alarms = []
    if now - newest.made > settings.backup.every_hours * _HOUR * 5 // 4 + _HOUR:
        alarms.append(f"the newest full backup is {_age(now, newest.made)} old")
    if now - saved > settings.backup.segment_minutes * _MINUTE * 2 + _MINUTE:
        alarms.append(f"the journal was last saved {_age(now, saved)} ago: that much would be lost with this machine")
    return alarms


def _drills(listing: Listing, last: Report | None, good: Report | None, now: Micros) -> list[str]:
    """No good drill within eight days; a first one is due a day after the first backup."""
    alarms = []
    if last is not None and not last.good:
        alarms.append(f"the last restore drill failed, {_age(now, last.time)} ago: {last.words}")
    if good is not None and now - good.time > DRILL_DAYS * _DAY:
        alarms.append(f"the last good restore drill is {_age(now, good.time)} old: run `exchange drill`")
    elif good is None and listing.fulls and now - listing.fulls[0].made > _DAY:
        alarms.append("no backup has ever been restored: run `exchange drill`")
    return alarms


def _age(now: Micros, then: Micros) -> str:
    minutes = max(0, now - then) // _MINUTE
    if minutes < 120:
        return f"{minutes} minutes"
    return f"{minutes // 60} hours" if minutes < 48 * 60 else f"{minutes // 1440} days"
