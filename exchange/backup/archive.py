"""Journal segments that are kept for good in a folder of their own, and still verified against the ledger."""

from __future__ import annotations

import shutil
from contextlib import closing
from pathlib import Path
from typing import Final

import msgspec

from exchange.backup.copies import Progress
from exchange.backup.fault import BackupFault
from exchange.backup.key import BackupKey, sync_folder
from exchange.backup.names import SegmentName, list_folder
from exchange.backup.outlet import into_file
from exchange.backup.segments import read_segment
from exchange.core.units import Seq
from exchange.ledger.excerpts import Excerpts
from exchange.ledger.journal import link

_PIECE: Final = 1 << 20


class Archived(msgspec.Struct, frozen=True):
    """What was verified: so many segments and rows, from one event to another."""

    segments: int
    rows: int
    first: Seq
    last: Seq


def put_away(path: Path, archive: Path) -> None:
    """Move a file into the archive: it is whole and on the disk there before it is gone here. Raises `BackupFault`."""
    if not archive.is_dir():
        raise BackupFault(f"{archive}: there is no such folder. {path.name} stays where it is. Is its disk mounted?")
    target = archive / path.name
    if not target.exists():  # else it was copied before, and not deleted any more
        with path.open("rb") as file, into_file(target) as write:
            while piece := file.read(_PIECE):
                write(piece)
        shutil.copystat(path, target)
    path.unlink()
    sync_folder(path.parent)


def verify_archive(folder: Path, ledger: Path, key: BackupKey, progress: Progress) -> Archived:
    """Open every segment in `folder`, recompute its part of the hash chain, and compare its ends with the ledger's.

    Raises `BackupFault` naming the first segment that is damaged, does not follow on the one before, or is of another
    history than the ledger.
    """
    names = sorted(list_folder(folder).segments, key=lambda one: one.first)
    if not names:
        raise BackupFault(f"{folder}: there is no journal segment here. Nothing was verified.")
    rows = 0
    with closing(Excerpts(ledger)) as journal:
        for number, name in enumerate(names):
            if number and name.first != names[number - 1].last + 1:
                raise BackupFault(
                    f"{name.text} does not follow on event {names[number - 1].last}, with which the segment before it "
                    "ends. Nothing was changed. A file is missing, or two histories lie in one folder."
                )
            rows += _verified(folder, name, journal, key)
            progress("verifying the archive", number + 1, len(names))
    return Archived(len(names), rows, names[0].first, names[-1].last)


def _verified(folder: Path, name: SegmentName, journal: Excerpts, key: BackupKey) -> int:
    """How many rows a segment has, all of them links of the ledger's own chain."""
    digest, last, count = journal.hash_at(name.first - 1), name.first - 1, 0
    with (folder / name.text).open("rb") as file:
        for row in read_segment(file, name.text, key):
            digest = link(digest or b"", row.first, row.last, row.time, row.events)
            if row.first != last + 1 or row.hash != digest:
                break
            last, count = row.last, count + 1
        else:
            if last == name.last and digest == journal.hash_at(last):
                return count
    raise BackupFault(
        f"{name.text}: from event {last + 1} on it is not what the ledger's journal says. Nothing was changed. One of "
        "the two was altered, or the ledger was restored to an older state since: keep both, and find out which."
    )
