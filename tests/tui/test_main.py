"""The command's own manners."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path


def test_without_a_terminal_it_says_so_and_fails(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tui", str(tmp_path / "admin.sock")]
    run = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout, run.stderr) == (2, "", "exchange tui needs a terminal.\n")


def rest(terminal: int) -> bytes:
    """All that is still written to this terminal until nobody holds its other side, which Linux calls an error."""
    written = b""
    with open(terminal, "rb", buffering=0) as reading, suppress(OSError):
        while piece := reading.read(65_536):
            written += piece
    return written


def test_told_to_end_it_leaves_the_terminal_as_it_was(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "tui", str(tmp_path / "admin.sock")]
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        drawn = b""
        while b"SERVER GONE" not in drawn:
            drawn += os.read(ours, 65_536)
        process.send_signal(signal.SIGTERM)
        drawn += rest(ours)
        assert process.wait() == 0
    assert b"\x1b[?1049l" in drawn  # back from the alternate screen
