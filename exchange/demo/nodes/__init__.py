"""Real chain nodes for demos and tests: got once into a cache, run on loopback, ended by their pid."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

CACHE: Final = Path.home() / ".cache" / "onebox-nodes"


class NoNode(Exception):
    """A node cannot be had or started here. The message says why."""


@contextmanager
def one_at_a_time(name: str) -> Iterator[None]:
    """Only one process at a time fills this part of the cache."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
