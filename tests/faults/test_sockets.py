"""R8: a crowd of WebSockets, a hundredth of which never reads. Those are let go, the others are served."""

from __future__ import annotations

import os
import resource
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import trio

from exchange.demo.client import Client
from exchange.settings import DEFAULT_FILE
from tests.conftest import NIGHTLY
from tests.faults.crowd import Crowd
from tests.faults.server import Ledger, Load, Running, assert_all_there, demo

SIZE = int(os.environ.get("SOCKETS", "10000" if NIGHTLY else "1000"))
SILENT = SIZE // 100
PATIENCE_SECONDS = 120
MOST_MIB = 300 + SIZE // 10
"""What the server may use, with 100 KiB for each of the crowd."""
CONNECTIONS = 4
LIMITS = f"connections_per_address = {2 * SIZE}\nfast_connections = {2 * SIZE}\nconnection_attempts_per_5_minutes = 0\n"


class Timed(Load):
    """Load that notes how long each answer took, in seconds."""

    def __init__(self, tag: str, seed: int) -> None:
        super().__init__(tag, seed)
        self.took: list[float] = []

    async def _ask(self, client: Client, method: str, **parameters: str) -> Any:
        began = time.perf_counter()
        try:
            return await super()._ask(client, method, **parameters)
        finally:
            self.took.append(time.perf_counter() - began)

    def percentile(self, share: float) -> float:
        """Milliseconds."""
        return 1_000 * sorted(self.took)[int(len(self.took) * share)]


def memory_mib(process: trio.Process) -> int:
    """The server's resident memory."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) // 1_024


@pytest.fixture
def _many_files() -> Iterator[None]:
    """As many open files as this process may have: the crowd's own ends are here."""
    soft, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most < SIZE + 200:
        pytest.skip(f"R8 WAS NOT TRIED: {SIZE} sockets, and this process may open no more than {most} files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, most))


async def loaded(server: Running, load: Load, seconds: float) -> None:
    """Load it for so long."""
    with trio.move_on_after(seconds):
        await load.run(server, CONNECTIONS)


@pytest.mark.usefixtures("_many_files")
async def test_a_crowd_of_which_some_never_read(tmp_path: Path) -> None:
    """Who never reads is let go; readers get what there is; memory stays bounded; nothing acknowledged is lost."""
    folder, idle, load = tmp_path / "data", Timed("i", 1), Timed("c", 2)
    async with demo(folder, "--bare") as server:
        server.process.terminate()
        assert await server.process.wait() == 0
    settings = folder / DEFAULT_FILE
    settings.write_text(LIMITS + settings.read_text())
    async with demo(folder, "--bare") as server:
        await loaded(server, idle, 2)
        before = memory_mib(server.process)
        port = urlsplit(server.ready.fast).port
        assert port is not None
        crowd = await trio.to_thread.run_sync(Crowd, port, SIZE, SILENT)
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(load.run, server, CONNECTIONS)
                took = await trio.to_thread.run_sync(crowd.seconds_until_let_go, PATIENCE_SECONDS)
                await trio.sleep(20 if NIGHTLY else 0)
                after = memory_mib(server.process)
                served = len(crowd.received) - len(crowd.hung_up)
                server.process.send_signal(signal.SIGTERM)
            assert await server.process.wait() == 0
        finally:
            await trio.to_thread.run_sync(crowd.close)
    ratio = load.percentile(0.99) / idle.percentile(0.99)
    print(f"{SIZE} sockets: the {SILENT} who never read were let go after {took:.1f} s of load; {before} → {after} MiB")
    print(f"orders p50 {idle.percentile(0.5):.1f} → {load.percentile(0.5):.1f} ms", end=", ")
    print(f"p99 {idle.percentile(0.99):.1f} → {load.percentile(0.99):.1f} ms: {ratio:.1f} times")
    assert served == SIZE - SILENT
    assert all(crowd.received.values())
    assert after < MOST_MIB
    assert_all_there(folder, load)
    assert Ledger(folder).verify() > 0
