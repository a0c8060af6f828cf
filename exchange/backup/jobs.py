"""What the schedule of `[backup]` has done: each job in a process of its own, so that none can disturb trading.

A finished file that a command is to carry away is marked as sent when the command has taken it, and is offered again
until it has.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from exchange.backup.archive import put_away
from exchange.backup.contents import CUSTODY, LEDGER, MASTER_KEY, OFFICE, named_by_settings
from exchange.backup.copies import Progress
from exchange.backup.drill import drill
from exchange.backup.fault import BackupFault
from exchange.backup.key import BackupKey, read_backup_key, sync_folder
from exchange.backup.making import back_up_into
from exchange.backup.names import CopyName, Listing, SegmentName, list_folder
from exchange.backup.outlet import PART, into_command
from exchange.backup.retention import SIDES, superfluous
from exchange.backup.segments import NothingToGoOnFrom, write_segment
from exchange.clock import Clock
from exchange.settings import Settings

SENT: Final = ".sent"
"""What the name of the mark beside a file ends with that a command has taken."""
_PIECE: Final = 1 << 20
_PARTS: Final = {"full": ("full",), "segment": ("side", "journal")}
"""What each job's files are called."""

Job = Callable[[Path, Settings, BackupKey, Clock, Progress], str]
"""Does it for a data folder; in words, what it did. Raises `BackupFault` and the like."""


def run_job(name: str, folder: Path, settings: Settings, clock: Clock, progress: Progress) -> str:
    """Do one of `JOBS` by the settings of `[backup]`; what was done, in words. Raises `BackupFault` and the like."""
    backup = settings.backup
    if not backup.folder:
        raise BackupFault(f"{folder}: its exchange.toml has no [backup], so nothing is scheduled. Nothing was done.")
    return JOBS[name](folder, settings, read_backup_key(Path(backup.key_file)), clock, progress)


def _full(folder: Path, settings: Settings, key: BackupKey, clock: Clock, progress: Progress) -> str:
    """A full backup; then what is no longer to be kept goes."""
    place = Path(settings.backup.folder)
    with _alone(place, "full"):
        name = back_up_into(place, folder, settings, key, clock, progress)
        _prune(place, settings)
        _send(place, list_folder(place).fulls, settings, progress)
    return f"backed up as {name.text}"


def _segment(folder: Path, settings: Settings, key: BackupKey, clock: Clock, progress: Progress) -> str:
    """What the journal has that the backups lack, and what lies beside the ledger, if that changed."""
    place = Path(settings.backup.folder)
    with _alone(place, "segment"):
        saved = []
        if _changed(folder, settings, list_folder(place)):  # before the journal: never newer than that
            saved.append(back_up_into(place, folder, settings, key, clock, progress, ledger=False).text)
        try:
            segment = write_segment(folder / LEDGER, place, key, clock)
        except NothingToGoOnFrom:
            return _full(folder, settings, key, clock, progress)
        saved += [segment.text] if segment is not None else []
        for old in list_folder(place).sides[:-SIDES]:
            _delete(place, old.text)
        listing = list_folder(place)
        _send(place, (*listing.sides, *listing.segments), settings, progress)
    return f"saved {' and '.join(saved)}" if saved else "there was nothing new to save"


def _changed(folder: Path, settings: Settings, listing: Listing) -> bool:
    """Whether people, chains or settings were written to since the last copy of them."""
    copied = max((one.made for one in (*listing.fulls, *listing.sides)), default=0)
    names = [*named_by_settings(folder, settings), MASTER_KEY, OFFICE, f"{OFFICE}-wal", CUSTODY, f"{CUSTODY}-wal"]
    files = [folder / name for name in names]
    return any(path.stat().st_mtime_ns // 1_000 >= copied for path in files if path.exists())


def _drill(folder: Path, settings: Settings, key: BackupKey, clock: Clock, progress: Progress) -> str:
    report = drill(folder, None, settings, key, clock, progress)
    if not report.good:
        raise BackupFault(f"the restore drill failed: {report.words}")
    return f"{report.backup}: {report.words}"


JOBS: Final[dict[str, Job]] = {"full": _full, "segment": _segment, "drill": _drill}


@contextmanager
def _alone(place: Path, job: str) -> Iterator[None]:
    """One at a time in this folder, whoever starts it. Raises `BackupFault` when another is at it, or no folder is."""
    try:
        handle = os.open(place / f".{job}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise BackupFault(f"{place}: {error.strerror}. Nothing was backed up. Is its disk mounted?") from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BackupFault(f"{place}: another {job} is being made here. Nothing was done.") from error
        for kind in _PARTS[job]:
            for part in place.glob(f".{kind}-*{PART}"):
                part.unlink()  # of a process that was killed
        yield
    finally:
        os.close(handle)


def _prune(place: Path, settings: Settings) -> None:
    """Delete what need not be kept; of the journal, put it into the archive where there is one."""
    listing, backup = list_folder(place), settings.backup
    segments = {one.text for one in listing.segments}
    for old in superfluous(listing, backup.keep_daily, backup.keep_weekly):
        if backup.archive and old in segments:
            put_away(place / old, Path(backup.archive))
            (place / (old + SENT)).unlink(missing_ok=True)
        else:
            _delete(place, old)


def _delete(place: Path, name: str) -> None:
    (place / name).unlink()
    (place / (name + SENT)).unlink(missing_ok=True)


def _send(place: Path, names: tuple[CopyName | SegmentName, ...], settings: Settings, progress: Progress) -> None:
    """Have the command take what it has not taken yet. Raises `BackupFault` when it fails: it is offered again."""
    if not settings.backup.command:
        return
    for one in sorted(names, key=lambda name: name.made):
        path, mark = place / one.text, place / (one.text + SENT)
        if mark.exists():
            continue
        done, total = 0, path.stat().st_size
        with path.open("rb") as file, into_command(settings.backup.command, one.text) as write:
            while piece := file.read(_PIECE):
                write(piece)
                done += len(piece)
                progress(f"sending {one.text}", done, total)
        mark.touch(mode=0o600)
        sync_folder(place)
