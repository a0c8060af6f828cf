"""Scratch folders, readable by their owner alone; what a killed process left of one is swept away by the next."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from exchange.backup.fault import BackupFault
from exchange.settings import Settings

_NAME: Final = re.compile(r"(?:backup|drill)-(\d+)-.*\.scratch")


@contextmanager
def scratch_in(place: Path, what: str) -> Iterator[Path]:
    """A new folder below `place`, gone when the block ends. Raises `BackupFault` where none can be made.

    Copies of secrets lie in it for a while, so what a killed process left there is removed too.
    """
    try:
        _sweep(place)
        made = tempfile.TemporaryDirectory(prefix=f"{what}-{os.getpid()}-", suffix=".scratch", dir=place)
    except OSError as error:
        raise BackupFault(
            f"{place}: no scratch folder can be made here ({error.strerror}). Nothing was done."
        ) from error
    with made as name:
        yield Path(name)


def require_room(place: Path, needed: int, settings: Settings, what: str) -> None:
    """Raise `BackupFault` when `needed` bytes would eat into what the trading process has in reserve."""
    needed += settings.free_disk_reserve_mib << 20
    free = shutil.disk_usage(place).free
    if free < needed:
        raise BackupFault(
            f"{place}: {what} and the reserve need {needed >> 20} MiB, and {free >> 20} MiB are free. Nothing was "
            "done. Make room, or name another place with --scratch."
        )


def _sweep(place: Path) -> None:
    for path in place.iterdir():
        found = _NAME.fullmatch(path.name)
        if found and not _lives(int(found.group(1))):
            shutil.rmtree(path)


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # somebody else's, and alive
    return True
