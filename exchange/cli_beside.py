"""A server started beside the dashboard: a process of its own, which no terminal can stall or take along."""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

LOG: Final = "serve.log"
_SOCKET: Final = "admin.sock"
_START_SECONDS: Final = 120
_PAUSE_SECONDS: Final = 0.05
_TAIL: Final = 2_000


class NotStarted(Exception):
    """The server ended before its doors were open, or did not open them in time."""


def start(folder: Path, options: Sequence[str]) -> int:
    """`exchange serve` on `folder`, its doors open when this returns; its process id. It writes to `serve.log` there.

    In a session of its own, so that neither ctrl-C nor a closed terminal reaches it. Raises `NotStarted`.
    """
    if not folder.is_dir():
        raise NotStarted(
            f"{folder} is not a data folder. Nothing was started. Make one: `exchange init --dir {folder}`."
        )
    if _answers(folder / _SOCKET):
        raise NotStarted(f"{folder} is being served. Nothing was started. `exchange tui --dir {folder}` shows it.")
    log = folder / LOG
    log.touch(0o600)
    begun = log.stat().st_size
    server = _spawn(log, ["-m", "exchange", "serve", "--dir", str(folder), *options])
    give_up = time.monotonic() + _START_SECONDS
    while not _answers(folder / _SOCKET):
        if os.waitpid(server, os.WNOHANG) != (0, 0):
            raise NotStarted(f"the server did not start: {_since(log, begun)}")
        if time.monotonic() > give_up:
            os.kill(server, signal.SIGTERM)
            raise NotStarted(f"the server opened no doors in {_START_SECONDS} s and was asked to stop; see {log}")
        time.sleep(_PAUSE_SECONDS)
    return server


def _spawn(log: Path, words: Sequence[str]) -> int:
    """Another Python that nobody waits for, which reads nothing and writes to `log`."""
    actions = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, str(log), os.O_WRONLY | os.O_APPEND, 0),
        (os.POSIX_SPAWN_DUP2, 1, 2),
    ]
    return os.posix_spawn(sys.executable, [sys.executable, *words], os.environ, file_actions=actions, setsid=True)


def _answers(path: Path) -> bool:
    """Whether somebody listens there."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True


def _since(log: Path, begun: int) -> str:
    """The end of what it wrote."""
    with log.open("rb") as file:
        file.seek(begun)
        return file.read()[-_TAIL:].decode(errors="replace").strip() or f"it ended without a word; see {log}"
