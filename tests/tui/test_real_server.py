"""The dashboard against the real thing: a demo exchange as a process of its own, killed and started again."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import trio

from tests.tui.driving import Desk, Recorded
from tests.tui.server import Server


@asynccontextmanager
async def demo(folder: Path) -> AsyncIterator[tuple[Process, Path]]:
    """A bare demo exchange in this folder and its admin socket; stopped at the end if it still runs."""
    command = ("-m", "exchange", "demo", "--dir", folder, "--port", "0", "--fast-port", "0", "--ready-json", "--bare")
    process = await asyncio.create_subprocess_exec(sys.executable, *command, stdout=PIPE)
    assert process.stdout is not None
    try:
        ready = json.loads(await process.stdout.readline())
        yield process, Path(ready["admin"])
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        await process.communicate()


async def halted_through_a_restart(folder: Path) -> None:
    """Attach, halt a market, kill the server, start it again; the dashboard is the same one throughout."""
    async with demo(folder) as (process, socket):
        app = Recorded(socket)
        app.ends, app.notes = [], []
        async with app.run_test(size=(80, 24), notifications=True) as pilot:
            desk = Desk(app, pilot, Server(), socket, [0.0])
            await desk.shows("markets open, invariants")
            await desk.press("2")
            await desk.shows("the book is empty")
            await desk.press("h")
            await desk.type("a rehearsal")
            await desk.press("y")
            await desk.shows("Done: BTCUSDT is halted now.")
            process.kill()
            await desk.shows("SERVER GONE")
            async with demo(folder):
                await desk.shows("▲ HALTED: BTCUSDT")
                await desk.press("o")
                await desk.type("rehearsed")
                await desk.press("y")
                await desk.shows("Done: BTCUSDT is open now.")
                await desk.shows("ALL WELL")


async def test_a_market_halted_from_the_dashboard_is_still_halted_after_a_kill_and_can_be_opened(
    tmp_path: Path,
) -> None:
    await trio.to_thread.run_sync(asyncio.run, halted_through_a_restart(tmp_path / "demo"))
