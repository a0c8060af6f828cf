"""Fan-out: a thousand readers of one trade stream at 100 messages a second, and ten more who never read.

What a delivered message costs the server (its 200 orders a second included), how late it comes, whether any is lost,
and how soon those who never read are cut off.
"""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec

from bench import generator, orders, workload
from bench.figures import Figure
from bench.server import SYMBOL, Key, Server, data_folder, furnish, serving

READERS: Final = 1_000
LAZY: Final = READERS // 100
MESSAGES: Final = 100
SECONDS: Final = 15
_SETTLE: Final = 2
"""Seconds that readers go on reading after the last order."""
_ESTABLISHED: Final = "01"


class Told(msgspec.Struct):
    """What the readers saw."""

    delivered: int
    missing: int
    cut_off: int
    delays: list[tuple[int, int]]

    def delay(self, share: float) -> int:
        """Milliseconds within which that share of all messages came."""
        left = share * self.delivered
        for milliseconds, count in self.delays:
            left -= count
            if left <= 0:
                return milliseconds
        return -1


def measure(scale: float) -> Iterator[Figure]:
    """One run of all readers; `scale` shortens it."""
    seconds = max(2.0, SECONDS * scale)
    with data_folder() as scratch:
        keys = furnish(scratch / "house", 2)
        with serving(scratch / "house") as server:
            cpu, told, cuts = _run(server, keys, seconds)
            server.stop()
    yield Figure("messages delivered", told.delivered, "")
    yield Figure("messages delivered, all readers", told.delivered / seconds, "/s")
    yield Figure("server, CPU per delivered message", cpu / max(1, told.delivered) * 1e6, "us", 6, at_most=True)
    yield Figure("server, share of one core", cpu / seconds * 100, "%")
    yield Figure("delivery p50", told.delay(0.5), "ms")
    yield Figure("delivery p99", told.delay(0.99), "ms", 50, at_most=True)
    yield Figure("messages lost", told.missing, "", 0, at_most=True)
    yield Figure("readers cut off though they read", told.cut_off, "", 0, at_most=True)
    yield Figure("never-readers cut off", len(cuts), f"of {LAZY}", LAZY)
    yield Figure("  the last of them after", max(cuts, default=seconds), "s", 5, at_most=True)


def _run(server: Server, keys: Sequence[Key], seconds: float) -> tuple[float, Told, list[float]]:
    """Processor seconds of the server, what readers saw, and seconds after which each never-reader was cut off."""
    where = ["127.0.0.1", str(server.fast_port), f"/ws/{SYMBOL.lower()}@trade", str(READERS), str(LAZY)]
    command = [str(generator.compiled("readers")), *where, str(seconds + _SETTLE)]
    requests = orders.websocket(_pairs(int(MESSAGES * seconds * 1.5)), keys)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as readers:
        assert readers.stdout is not None
        lazy = {int(port) for port in readers.stdout.readline().split()}
        cuts: list[float] = []
        watch = threading.Thread(target=_watch, args=(lazy, server.fast_port, cuts, seconds + _SETTLE))
        cpu = server.cpu_seconds()
        watch.start()
        generator.send("ws", server.fast_port, "/ws-api/v3", requests, in_flight=1, seconds=seconds, rate=2 * MESSAGES)
        said = readers.stdout.readline().split()
        cpu = server.cpu_seconds() - cpu
        watch.join()
    delays = [(int(ms), int(count)) for ms, _, count in (pair.partition(":") for pair in said[4:])]
    return cpu, Told(int(said[0]), int(said[1]), int(said[2]), delays), cuts


def _pairs(count: int) -> list[list[orders.Request]]:
    """One connection sells, the other buys just that: a trade for every two requests."""
    price, lots = workload.MIDDLE, 1_000
    return [
        [orders.Request(orders.PLACE, f"s{number}", "SELL", price, lots) for number in range(count)],
        [orders.Request(orders.CROSS, f"b{number}", "BUY", price, lots) for number in range(count)],
    ]


def _watch(lazy: set[int], port: int, cuts: list[float], seconds: float) -> None:
    """Note when the server gives up each connection from one of the `lazy` ports, as the kernel shows it."""
    begun = time.monotonic()
    left = set(lazy)
    while left and (now := time.monotonic() - begun) < seconds:
        gone = left - _connected(port)
        left -= gone
        cuts += [now] * len(gone)
        time.sleep(0.1)


def _connected(port: int) -> set[int]:
    """The ports of those to whom a connection at `port` stands."""
    found = set()
    for line in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]:
        _, local, remote, state, *_ = line.split()
        if state == _ESTABLISHED and int(local.rpartition(":")[2], 16) == port:
            found.add(int(remote.rpartition(":")[2], 16))
    return found
