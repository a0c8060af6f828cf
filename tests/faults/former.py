"""The program as it was at an earlier commit, run by today's interpreter: what an upgrade begins with."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest

FORMER: Final = "2a6791195f79668ee0b5f3927ac3765bf352eeca"
"""Stands for the last release until there is one. It is the first commit whose stop loses no request on kept sockets;
one script of office.db and three of custody.db came later, and both files had no page checksums yet. To be moved on
when its code no longer runs with the packages of the lock file."""
ROOT: Final = Path(__file__).parents[2]


class Former:
    """Code of that commit in a folder of its own, and what it takes to run it."""

    def __init__(self, folder: Path) -> None:
        """Take it out of this repository. Skips the test where the clone has no such commit."""
        command = ["git", "-C", str(ROOT), "archive", FORMER, "exchange", "tui"]
        try:
            packed = subprocess.run(command, capture_output=True, check=True).stdout
        except FileNotFoundError:
            pytest.skip("there is no git: an upgrade from an earlier version is NOT tried")
        except subprocess.CalledProcessError as error:
            said = error.stderr.decode().strip()
            pytest.skip(f"this clone has no commit {FORMER[:7]} ({said}): an upgrade from it is NOT tried")
        with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
            archive.extractall(folder)  # noqa: S202  # what git has just packed for us
        self.folder = folder

    @property
    def environment(self) -> Mapping[str, str]:
        """Its code before ours, and never the working folder's."""
        return {"PYTHONPATH": str(self.folder), "PYTHONSAFEPATH": "1"}

    def python(self, *words: str) -> subprocess.CompletedProcess[str]:
        """The interpreter with these words upon that code."""
        command = [sys.executable, *words]
        return subprocess.run(
            command, env={**os.environ, **self.environment}, capture_output=True, text=True, check=False
        )

    def exchange(self, *words: str) -> subprocess.CompletedProcess[str]:
        """One command of that version."""
        return self.python("-m", "exchange", *words)
