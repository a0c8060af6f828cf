"""A data folder is brought up to date by a newer program: tried on copies first, and kept as it was beside itself.

The trial copies the three files as of that moment, migrates the copies, replays the copied ledger from genesis and
compares every row. Only when all of that went well are the files themselves changed.
"""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from exchange.app import LEDGER, OFFICE, TRAIL_HEAD, FolderMissing, locked
from exchange.clock import Clock
from exchange.core.units import MILLION, Micros
from exchange.custody import store
from exchange.custody.copying import check_custody, copy_custody
from exchange.custody.custody import CUSTODY
from exchange.ledger import db as ledger_db
from exchange.ledger.copying import copy_ledger
from exchange.ledger.journal import Journal
from exchange.ledger.reconcile import Difference, verify
from exchange.office import db as office_db
from exchange.office.copying import check_office, copy_office
from exchange.settings import load

Progress = Callable[[str, int, int], None]
BEFORE: Final = "before-upgrade-"
"""What the folder with the files as they were is called, and the time behind it."""
_TRIAL: Final = "trial-upgrade-"
_ROOM: Final = 3
"""So many times the files' size must be free: two copies, and what changing them takes."""


class UpgradeRefused(Exception):
    """The folder was not brought up to date; the message says why, and that nothing was changed."""


class Step(msgspec.Struct, frozen=True):
    """One file: the number of scripts it has seen, and of those there are."""

    file: str
    seen: int
    newest: int


class Tried(msgspec.Struct, frozen=True):
    """How a trial went: events replayed, and how many milliseconds copying, migrating and replaying took."""

    events: int
    copied_ms: int
    migrated_ms: int
    replayed_ms: int


def steps(folder: Path) -> list[Step]:
    """The files of a data folder. Raises `FolderMissing`, or what says that a file is damaged."""
    if not (folder / LEDGER).exists() or not (folder / OFFICE).exists():
        raise FolderMissing(f"{folder} is not a data folder. Nothing was changed.")
    found = [Step(LEDGER, *ledger_db.versions(folder / LEDGER)), Step(OFFICE, *office_db.versions(folder / OFFICE))]
    if (folder / CUSTODY).exists():
        found.append(Step(CUSTODY, *store.versions(folder / CUSTODY)))
    return found


def due(folder: Path) -> list[Step]:
    """Those with scripts to come. Raises `UpgradeRefused` for a file that a newer program has written."""
    found = steps(folder)
    for step in found:
        if step.seen > step.newest:
            raise UpgradeRefused(
                f"{folder / step.file}: schema {step.seen} was written by a newer program; this one knows"
                f" {step.newest}. Nothing was changed. Use that program."
            )
    return [step for step in found if step.seen < step.newest]


def require_current(folder: Path) -> None:
    """Raise `UpgradeRefused` for a folder that is to be upgraded first; what is no folder is for others to say."""
    if (folder / LEDGER).exists() and (folder / OFFICE).exists() and (waiting := due(folder)):
        said = ", ".join(f"{step.file} from {step.seen} to {step.newest}" for step in waiting)
        raise UpgradeRefused(
            f"{folder} was written by an older version ({said}). Nothing was started."
            f" `exchange upgrade --dir {folder}` tries the new schema on a copy, and then changes the folder."
        )


def dry_run(folder: Path, clock: Clock, progress: Progress) -> Tried:
    """Try it on copies, which are then removed; a server may be running. Raises `UpgradeRefused` or what was found."""
    _require_room(folder)
    with _scratch(folder, clock) as place:
        begun = clock.now()
        _copy(folder, place, progress)
        return _try(place, begun, clock, progress)


def upgrade(folder: Path, clock: Clock, progress: Progress) -> tuple[Path, Tried]:
    """Keep the files as they are in a folder beside them, try, then change them; where they were kept, how it went.

    The server must be stopped. Raises `FolderBusy`, `UpgradeRefused`, or what was found; then nothing was changed.
    """
    with locked(folder):
        _require_room(folder)
        kept = folder / f"{BEFORE}{clock.now() // MILLION}"
        kept.mkdir(mode=0o700)
        begun = clock.now()
        try:
            _copy(folder, kept, progress)
            with _scratch(folder, clock) as place:
                for path in kept.iterdir():
                    shutil.copy2(path, place / path.name)
                tried = _try(place, begun, clock, progress)
        except BaseException:
            shutil.rmtree(kept)  # nothing was changed, so nothing needs to be kept
            raise
        _migrate(folder)
    return kept, tried


def _require_room(folder: Path) -> None:
    files = [folder / name for name in (LEDGER, OFFICE, CUSTODY)]
    needed = _ROOM * sum(path.stat().st_size for path in files if path.exists())
    free = shutil.disk_usage(folder).free - (load(folder).free_disk_reserve_mib << 20)
    if free < needed:
        there = f"{max(free, 0) >> 20:,} MiB are free above the reserve"
        raise UpgradeRefused(f"{needed >> 20:,} MiB are needed, and {there}. Nothing was changed. Make room.")


@contextmanager
def _scratch(folder: Path, clock: Clock) -> Iterator[Path]:
    place = folder / f"{_TRIAL}{clock.now() // MILLION}"
    place.mkdir(mode=0o700)
    try:
        yield place
    finally:
        shutil.rmtree(place)


def _copy(folder: Path, place: Path, progress: Progress) -> None:
    """The three files as of one moment each, with the ends of their chains."""

    def told(what: str) -> Callable[[int, int], None]:
        return lambda done, total: progress(f"copying {what}", done, total)

    copy_ledger(folder / LEDGER, place / LEDGER, told("the ledger"), older=True)
    copy_office(folder / OFFICE, folder / TRAIL_HEAD, place / OFFICE, place / TRAIL_HEAD, told("people"))
    if (folder / CUSTODY).exists():
        copy_custody(folder / CUSTODY, place / CUSTODY, told("custody"))


def _try(place: Path, begun: Micros, clock: Clock, progress: Progress) -> Tried:
    copied = clock.now()
    _migrate(place)
    migrated = clock.now()
    try:
        verified = verify(place / LEDGER, lambda done, total: progress("replaying", done, total))
    except Difference as difference:
        raise UpgradeRefused(
            f"after the change the ledger's copy differs from its journal. {difference} Nothing was changed: the files"
            " are as they were. Keep running the version that you have, and report this."
        ) from difference
    check_office(place / OFFICE, place / TRAIL_HEAD)
    if (place / CUSTODY).exists():
        check_custody(place / CUSTODY)
    replayed = clock.now()
    times = [(end - start) // 1_000 for start, end in itertools.pairwise((begun, copied, migrated, replayed))]
    return Tried(verified.events, *times)


def _migrate(folder: Path) -> None:
    """Run what scripts are due, each in a transaction with its number: cut short, it goes on where it stopped."""
    Journal(folder / LEDGER).close()
    office_db.open_office(folder / OFFICE).close()
    if (folder / CUSTODY).exists():
        store.open_writer(folder / CUSTODY).close()
