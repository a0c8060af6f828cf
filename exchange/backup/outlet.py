"""Where a finished backup goes: a file that is there whole or not at all, or the standard input of a command."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from exchange.backup.fault import BackupFault
from exchange.backup.key import sync_folder

Write = Callable[[bytes], object]

PART: Final = ".part"
"""What the name of an unfinished file ends with."""
NAME_VARIABLE: Final = "EXCHANGE_BACKUP_NAME"
"""In a command's environment, what the backup is called."""
_KEPT: Final = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "SSH_AUTH_SOCK")
"""Of our environment, what a command gets besides."""

_STANDARD_ERROR: Final = 2


@contextmanager
def into_file(path: Path) -> Iterator[Write]:
    """Yields what to call with bytes. `path` appears, whole and on the disk, when the block ends; else it does not.

    Raises `BackupFault` when there is such a file, when the disk is full, or whatever else it says.
    """
    if path.exists():
        raise BackupFault(f"{path}: there is such a file already. It was not touched.")
    part = path.with_name(f".{path.name}.{os.getpid()}{PART}")
    try:
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(handle, "wb") as file:
                yield file.write
                file.flush()
                os.fsync(file.fileno())
            part.rename(path)
            sync_folder(path.parent)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
    except OSError as error:
        said = error.strerror or str(error)
        raise BackupFault(f"{path}: no backup was written ({said}). No half file was left behind.") from error


@contextmanager
def into_command(command: str, name: str) -> Iterator[Write]:
    """Yields what to call with bytes for the command's standard input; done when it has ended with status 0.

    What it prints goes to our standard error. Raises `BackupFault` when it fails or takes no more.
    """
    environment = {key: value for key, value in os.environ.items() if key in _KEPT} | {NAME_VARIABLE: name}
    process = subprocess.Popen(  # noqa: S602  # the operator's own command line, pipes and all
        command, shell=True, stdin=subprocess.PIPE, stdout=_STANDARD_ERROR, env=environment, bufsize=0
    )
    assert process.stdin is not None
    pipe, cut_off = process.stdin.fileno(), False
    try:
        try:
            yield lambda content: _write_all(pipe, content)
        except BrokenPipeError:
            cut_off = True
        process.stdin.close()
    except BaseException:
        process.kill()  # it must not take what has come so far for all
        process.wait()
        raise
    status = process.wait()
    if status or cut_off:
        how = f"ended with status {status}" if status else "ended before it had taken everything"
        raise BackupFault(f"the command {how}. This backup does not count. Run it by hand and see: {command}")


def _write_all(pipe: int, content: bytes) -> None:
    """A pipe may take a part of what it is given."""
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(pipe, rest) :]
