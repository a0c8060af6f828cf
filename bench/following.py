"""Following a chain: addresses made, a full block read, and a long backlog beside a busy sequencer.

The node is a process that answers from a list; everything else is the house itself, on disk.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec
import trio

from bench._chain_node import PARAMETERS
from bench.figures import Figure
from exchange.app import House, init_folder, offline
from exchange.chain_settings import ChainSettings
from exchange.clock import SystemClock
from exchange.core import commands as co
from exchange.core.networks import Network
from exchange.core.units import Amount, AssetId
from exchange.custody.derivation import account_path
from exchange.custody.port import Purpose
from exchange.custody.signer.seed import root
from exchange.settings import Settings

WATCHED: Final = 100_000
BLOCKS: Final = 30
TRANSACTIONS: Final = 1_000
BACKLOG: Final = 10_000
_SMALL: Final = 20
_ORDERS_EACH_SECONDS: Final = 0.002


def measure(scale: float) -> Iterator[Figure]:
    """Addresses, then blocks of a thousand transactions, then a backlog of smaller ones."""
    with tempfile.TemporaryDirectory() as scratch:
        yield from trio.run(_full_blocks, Path(scratch) / "full", scale)
        yield from trio.run(_backlog, Path(scratch) / "backlog", scale)


class _Steps(trio.abc.Instrument):
    """How long tasks keep the loop, in the loop's own processor time: what others do to this machine is left out."""

    def __init__(self) -> None:
        self.longest = 0.0
        self._begun = time.thread_time()

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        """A task goes on."""
        del task
        self._begun = time.thread_time()

    def after_task_step(self, task: trio.lowlevel.Task) -> None:
        """It waits, or has ended."""
        del task
        self.longest = max(self.longest, time.thread_time() - self._begun)


@contextmanager
def steps() -> Iterator[_Steps]:
    """How long tasks keep the loop while the block lasts."""
    seen = _Steps()
    trio.lowlevel.add_instrument(seen)
    try:
        yield seen
    finally:
        trio.lowlevel.remove_instrument(seen)


@contextmanager
def _node(blocks: int, transactions: int, scripts: Path) -> Iterator[str]:
    argv = [sys.executable, "-m", "bench._chain_node", str(blocks), str(transactions), str(scripts)]
    process = subprocess.Popen(argv, stdout=subprocess.PIPE)
    assert process.stdout is not None
    try:
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def _xpub() -> str:
    return root(bytes(range(64))).below(account_path(PARAMETERS, 0)).xpub().text()


def _settings(url: str, watched: int) -> Settings:
    chain = ChainSettings(
        family="bitcoin", parameters=PARAMETERS, rpc_url=url, first_block=1, address_pool=watched, reorg_limit_blocks=50
    )
    return msgspec.structs.replace(Settings(), chains={"BTC": chain})


async def _furnish(house: House) -> None:
    for command in (
        co.ListAsset("BTC", 8),
        co.OpenAccount("somebody"),
        co.SetNetwork(Network(AssetId(1), "BTC", 8, deposits_open=True, confirmations=((Amount(0), 3),))),
    ):
        assert (await house.sequencer.call(command)).reject is None


async def _full_blocks(folder: Path, scale: float) -> list[Figure]:
    """Addresses are made, then paid by blocks of a thousand transactions."""
    watched, blocks = max(1_000, int(WATCHED * scale)), max(5, int(BLOCKS * scale))
    scripts = folder.with_suffix(".scripts")
    scripts.write_text("")
    init_folder(folder, SystemClock())
    figures = []
    async with offline(folder, _settings("http://127.0.0.1:1", watched), SystemClock()) as house:
        await _furnish(house)
        begun = time.perf_counter()
        await house.custody.lines["BTC"].pool.add_wallet(Purpose.DEPOSIT, _xpub())
        taken = time.perf_counter() - begun
        figures.append(Figure(f"{watched:,} addresses derived and stored", taken, "s", 30 * scale, at_most=True))
        given = [await house.custody.lines["BTC"].pool.address_for(house.sequencer.state.names["somebody"], AssetId(1))]
        key = house.custody.lines["BTC"].chain.key_of(given[0])
        scripts.write_text("\n".join([key, *list(house.custody.lines["BTC"].pool.watched)[:5_000]]))
    with _node(blocks, TRANSACTIONS, scripts) as url:
        async with offline(folder, _settings(url, watched), SystemClock()) as house:
            watcher = house.custody.lines["BTC"].follower.watcher
            begun = time.process_time()
            with steps() as seen:
                while await watcher.step():
                    pass
            cost = (time.process_time() - begun) / blocks * 1_000
            assert watcher.status.height == blocks
            name = f"block of {TRANSACTIONS:,}, {watched:,} watched, {TRANSACTIONS * 2 // 50} paid"
            figures.append(Figure(name, cost, "ms CPU", 100, at_most=True))
            figures.append(
                Figure("  the longest that it keeps the loop", seen.longest * 1e3, "ms CPU", 5, at_most=True)
            )
    return figures


async def _backlog(folder: Path, scale: float) -> list[Figure]:
    """Many blocks to catch up with, beside somebody who asks the sequencer all the time."""
    blocks = max(200, int(BACKLOG * scale))
    scripts = folder.with_suffix(".scripts")
    scripts.write_text("")
    init_folder(folder, SystemClock())
    with _node(blocks, _SMALL, scripts) as url:
        async with offline(folder, _settings(url, 1_000), SystemClock()) as house:
            await _furnish(house)
            await house.custody.lines["BTC"].pool.add_wallet(Purpose.DEPOSIT, _xpub())
            quiet = await _asked(house, 2.0)
            watcher = house.custody.lines["BTC"].follower.watcher
            while watcher.status.height < min(200, blocks // 2):
                await watcher.step()
            before, begun, first = _rss(), time.perf_counter(), watcher.status.height
            waits: list[float] = []
            async with trio.open_nursery() as nursery:
                nursery.start_soon(_ask, house, waits)
                with steps() as seen:
                    while await watcher.step():
                        pass
                nursery.cancel_scope.cancel()
            rate = (blocks - first) / (time.perf_counter() - begun)
    waits.sort()
    return [
        Figure(f"backlog of {blocks:,} blocks of {_SMALL}", rate, "blocks/s"),
        Figure("  memory gained from block 200 to the last", (_rss() - before) / 1024, "MiB", 16, at_most=True),
        Figure(
            "  a command's wait beside it, less a quiet one's: p50", (_at(waits, 0.5) - _at(quiet, 0.5)) * 1e3, "ms"
        ),
        Figure("  the same at p99", (_at(waits, 0.99) - _at(quiet, 0.99)) * 1e3, "ms", 5, at_most=True),
        Figure("  the longest that anything keeps the loop", seen.longest * 1e3, "ms CPU", 5, at_most=True),
        Figure("  the same at its longest", (waits[-1] - quiet[-1]) * 1e3, "ms"),
    ]


async def _asked(house: House, seconds: float) -> list[float]:
    waits: list[float] = []
    with trio.move_on_after(seconds):
        await _ask(house, waits)
    return sorted(waits)


async def _ask(house: House, waits: list[float]) -> None:
    """Something durable, again and again: how long each takes."""
    names = 0
    while True:
        names += 1
        begun = time.perf_counter()
        await house.sequencer.call(co.SetAccountTier(house.sequencer.state.names["somebody"], names % 2 + 1))
        waits.append(time.perf_counter() - begun)
        await trio.sleep(_ORDERS_EACH_SECONDS)


def _at(ordered: list[float], share: float) -> float:
    return ordered[int(len(ordered) * share)]


def _rss() -> float:
    """Peak so far, in KiB: what does not grow does not raise it."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
