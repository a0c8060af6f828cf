"""The demo as a process of its own, for programs that know nothing of this house but its addresses and a key."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from tests.faults.server import Ready


class Served(msgspec.Struct, frozen=True):
    """A running demo."""

    ready: Ready

    def here(self, text: str) -> str:
        """The text with this server's addresses for those of `make demo`."""
        return text.replace("127.0.0.1:8080", self.ready.http.removeprefix("http://")).replace(
            "127.0.0.1:8081", self.ready.ws.removeprefix("ws://")
        )

    def environment(self) -> dict[str, str]:
        """Alice's key, and no proxy on the way."""
        kept = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
        alice = self.ready.accounts[0]
        return kept | {"KEY": alice.api_key, "SECRET": alice.secret}


@contextmanager
def serving(folder: Path, *options: str) -> Iterator[Served]:
    """`exchange demo` with a house maker and no recorded flow, on any free ports."""
    argv = [sys.executable, "-m", "exchange", "demo", "--dir", str(folder / "data"), "--port", "0", "--fast-port", "0"]
    argv += ["--quiet-market", "--ready-json", *(options or ("--weight-limit", "0"))]
    with (folder / "stderr.txt").open("ab") as errors:
        process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=errors)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, (folder / "stderr.txt").read_text()
        yield Served(msgspec.json.decode(line, type=Ready))
    finally:
        process.terminate()
        process.communicate(timeout=30)
