"""A restored folder takes its place: whole, on the disk, in a new epoch; or it does not appear at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import msgspec

from exchange.backup.contents import CUSTODY, LEDGER
from exchange.backup.copies import Progress
from exchange.backup.fault import BackupFault
from exchange.backup.key import BackupKey, sync_folder
from exchange.backup.restoring import Rebuilt, Wanted, rebuild
from exchange.clock import Clock
from exchange.custody.copying import retire_pool
from exchange.ledger.replaying import open_epoch


class Placed(msgspec.Struct, frozen=True):
    """What was restored, and the epoch that it begins."""

    rebuilt: Rebuilt
    epoch: int


def restore_to(folder: Path, wanted: Wanted, key: BackupKey, clock: Clock, progress: Progress) -> Placed:
    """Rebuild, prove and place a data folder at `folder`. Raises `BackupFault` where there is something already."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise BackupFault(f"{folder}: there is something here already. Nothing was changed. Restore to a new folder.")
    folder.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".restoring", dir=folder.parent))
    try:
        rebuilt = rebuild(wanted, key, scratch, progress)
        why = f"restored from {wanted.name} as of event {rebuilt.ledger.seq}: see whether signer and chains agree"
        epoch = open_epoch(scratch / LEDGER, clock.now(), why)
        if (scratch / CUSTODY).exists():
            retire_pool(scratch / CUSTODY, clock.now())
        scratch.chmod(0o711)  # as `exchange init` makes it
        _sync(scratch)
        scratch.rename(folder)
        sync_folder(folder.parent)
    except BaseException:
        shutil.rmtree(scratch, ignore_errors=True)
        raise
    return Placed(rebuilt, epoch)


def prove(wanted: Wanted, key: BackupKey, progress: Progress, scratch: Path | None = None) -> Rebuilt:
    """Rebuild below `scratch` (the system's place for such things), check, and leave nothing behind."""
    with tempfile.TemporaryDirectory(prefix="exchange-proof-", dir=scratch) as name:
        return rebuild(wanted, key, Path(name), progress)


def _sync(folder: Path) -> None:
    """Have every file and every name below on the disk."""
    for place, _, files in os.walk(folder):
        for name in files:
            handle = os.open(Path(place) / name, os.O_RDONLY | os.O_CLOEXEC)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
        sync_folder(Path(place))
