"""The real day: 32,173 recorded commands (and the book before them) through sequencer and ledger, in seconds."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import trio

from bench.figures import Figure
from exchange.app import init_folder, offline
from exchange.clock import SystemClock
from exchange.demo.flow import recording
from exchange.replay import Replay, Row
from exchange.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator


def measure(scale: float) -> Iterator[Figure]:
    """Wall seconds for the recording, one funded account per order, and the trades that came of it."""
    rows = recording()
    rows = rows[: int(len(rows) * scale)]
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "day"
        init_folder(folder, SystemClock())
        seconds, trades = trio.run(_replay, folder, rows)
    yield Figure("commands replayed", len(rows), "")
    yield Figure("trades (369 in the whole day)", trades, "")
    yield Figure("wall time, opening and funding accounts included", seconds, "s")


async def _replay(folder: Path, rows: list[Row]) -> tuple[float, int]:
    async with offline(folder, Settings(), SystemClock()) as house:
        replay = Replay(house, "BTCUSD", lambda _what, _done, _total: None)
        begun = time.perf_counter()
        done = await replay.run(rows)
        return time.perf_counter() - begun, done.trades
