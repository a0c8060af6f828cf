"""Make one backup now: into a folder, or into the standard input of a command."""

from __future__ import annotations

from pathlib import Path

from exchange.backup.copies import Progress, copies
from exchange.backup.fault import BackupFault
from exchange.backup.key import BackupKey
from exchange.backup.names import CopyName
from exchange.backup.outlet import into_command, into_file
from exchange.backup.packing import pack
from exchange.clock import Clock
from exchange.settings import Settings


def back_up_into(
    target: Path,
    folder: Path,
    settings: Settings,
    key: BackupKey,
    clock: Clock,
    progress: Progress,
    scratch: Path | None = None,
    *,
    ledger: bool = True,
) -> CopyName:
    """Back the data folder `folder` up to a new file in `target`; its name. Whole and on the disk on return.

    Without `ledger` only what lies beside it. Raises `BackupFault`, or what a damaged file raises.
    """
    if not target.is_dir():
        raise BackupFault(f"{target}: there is no such folder. Nothing was backed up. Is its disk mounted?")
    with (
        copies(folder, settings, clock, progress, ledger=ledger, scratch=scratch) as copied,
        into_file(target / copied.name.text) as write,
    ):
        pack(copied, key, write, progress)
    return copied.name


def back_up_through(
    command: str,
    folder: Path,
    settings: Settings,
    key: BackupKey,
    clock: Clock,
    progress: Progress,
    scratch: Path | None = None,
) -> CopyName:
    """The same into a command's standard input. Done when it ended with status 0."""
    with (
        copies(folder, settings, clock, progress, ledger=True, scratch=scratch) as copied,
        into_command(command, copied.name.text) as write,
    ):
        pack(copied, key, write, progress)
    return copied.name
