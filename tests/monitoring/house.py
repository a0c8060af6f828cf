"""A running house with its pages, for tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import trio

from exchange.app import House, init_folder, open_house
from exchange.clock import Clock, SystemClock
from exchange.serving import Doors, serve
from exchange.settings import Settings

SETTINGS = Settings(http_port=0, fast_port=0, weight_limit_per_minute=0)


@asynccontextmanager
async def monitored(
    folder: Path, settings: Settings = SETTINGS, clock: Clock | None = None
) -> AsyncIterator[tuple[House, Doors, httpx.AsyncClient]]:
    """A served house in a new folder, where it can be reached, and a client of its pages for those who watch."""
    clock = clock or SystemClock()
    init_folder(folder, clock)
    stop, doors = trio.Event(), list[Doors]()
    opened = trio.Event()

    def ready(told: Doors) -> None:
        doors.append(told)
        opened.set()

    with open_house(folder, settings, clock) as house:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(serve, house, stop, ready)
            with trio.fail_after(60):
                await opened.wait()
            async with httpx.AsyncClient(base_url=doors[0].ops, timeout=60) as client:
                yield house, doors[0], client
            stop.set()
