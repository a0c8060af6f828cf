"""Consistent copies of a data folder's files in a scratch folder of their own, beside a running server or without one.

Order matters. People and chains are copied before the ledger: so the ledger's copy is never older than theirs, a
deposit that custody takes for credited is credited in it, and what else they lack they ask for again.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Final

import msgspec

from exchange.backup import contents
from exchange.backup.contents import CUSTODY, LEDGER, LEDGER_HEAD, MASTER_KEY, OFFICE, TRAIL_HEAD, VERSION, Manifest
from exchange.backup.fault import BackupFault
from exchange.backup.names import CopyName
from exchange.backup.scratch import require_room, scratch_in
from exchange.clock import Clock
from exchange.custody.copying import copy_custody
from exchange.ledger.copying import copy_ledger
from exchange.ledger.fingerprint import Fingerprint, read_fingerprint
from exchange.office.copying import copy_office
from exchange.office.vault import read_master_key
from exchange.settings import Settings

Progress = Callable[[str, int, int], None]
"""Called now and then with (what is being done, how far, of how many)."""

_PROGRAM: Final = "onebox-exchange"


class Copies(msgspec.Struct, frozen=True):
    """Files ready to be packed, by the names they have in the folder."""

    name: CopyName
    manifest: Manifest
    files: dict[str, Path]


@contextmanager
def copies(
    folder: Path, settings: Settings, clock: Clock, progress: Progress, *, ledger: bool, scratch: Path | None = None
) -> Iterator[Copies]:
    """Copies of everything, gone when the block ends. Without `ledger`, of what lies beside it only.

    They lie, readable by their owner alone, in a folder below `scratch` (the data folder itself). Raises `BackupFault`
    when there is too little room there, or what a damaged file raises.
    """
    if not (folder / LEDGER).exists():
        raise BackupFault(f"{folder} is not a data folder. Nothing was backed up.")
    place = folder if scratch is None else scratch
    require_room(place, _size(folder, ledger=ledger), settings, "the copies")
    with scratch_in(place, "backup") as made:
        yield _copied(folder, made, settings, clock, progress, ledger=ledger)


def _size(folder: Path, *, ledger: bool) -> int:
    """How many bytes the copies will take, at the most."""
    names = (OFFICE, CUSTODY, *([LEDGER] if ledger else []))
    files = [folder / f"{name}{end}" for name in names for end in ("", "-wal")]
    return sum(path.stat().st_size for path in files if path.exists())


def _copied(folder: Path, place: Path, settings: Settings, clock: Clock, progress: Progress, *, ledger: bool) -> Copies:
    files: dict[str, Path] = {}
    read_master_key(folder / MASTER_KEY)  # a backup without it would open nothing: say so now
    for name in (*contents.named_by_settings(folder, settings), MASTER_KEY):
        files[name] = _taken(folder / name, place / "small" / name)
    files[OFFICE], files[TRAIL_HEAD] = place / OFFICE, place / TRAIL_HEAD
    copy_office(
        folder / OFFICE,
        folder / TRAIL_HEAD,
        files[OFFICE],
        files[TRAIL_HEAD],
        lambda done, total: progress("copying people", done, total),
    )
    if (folder / CUSTODY).exists():
        files[CUSTODY] = place / CUSTODY
        copy_custody(folder / CUSTODY, files[CUSTODY], lambda done, total: progress("copying custody", done, total))
    if ledger:
        files[LEDGER], files[LEDGER_HEAD] = place / LEDGER, place / LEDGER_HEAD
        copy_ledger(folder / LEDGER, files[LEDGER], lambda done, total: progress("copying the ledger", done, total))
    fingerprint = read_fingerprint(files[LEDGER] if ledger else folder / LEDGER)
    return _described("full" if ledger else "side", fingerprint, files, clock)


def _described(kind: str, fingerprint: Fingerprint, files: dict[str, Path], clock: Clock) -> Copies:
    made = clock.now()
    sizes = {name: path.stat().st_size for name, path in files.items()}
    manifest = Manifest(VERSION, kind, made, version(_PROGRAM), fingerprint, sizes)
    return Copies(CopyName(kind, made, fingerprint.seq, fingerprint.hash), manifest, files)


def _taken(source: Path, target: Path) -> Path:
    """A plain copy of a small file, which its owner may be changing."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    target.chmod(0o600)
    return target
