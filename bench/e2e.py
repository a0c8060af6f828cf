"""End to end: signed orders over loopback to a real server, acknowledged when durable; beside it the disk and peers.

Each case lasts some seconds. Only replies with status 200 count. At the end the server is killed, started again, and
asked for every order that it acknowledged; then its ledger is verified.
"""

from __future__ import annotations

import http.client
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec

from bench import generator, orders
from bench.acknowledged import missing
from bench.figures import Figure
from bench.peers import measure_peers
from bench.server import Key, Server, data_folder, furnish, serving, verify
from exchange.ledger import db

ACCOUNTS: Final = 16
SECONDS: Final = 6
_WS_PATH: Final = "/ws-api/v3?returnRateLimits=false"


class Case(msgspec.Struct, frozen=True):
    """One way to load the server; `ceiling` requests a second are prepared for, `rate` are offered (0: closed loop)."""

    name: str
    kind: str
    connections: int
    in_flight: int
    budget: float | None
    ceiling: int
    rate: float = 0
    main_door: bool = False


CASES: Final = (
    Case("WebSocket API, 16 x 16", "ws", 16, 16, 25_000, 50_000),
    Case("WebSocket API, 64 x 1", "ws", 64, 1, 15_000, 40_000),
    Case("HTTP, fast door, 64 x 1", "http", 64, 1, 12_000, 40_000),
    Case("HTTP, main door, 64 x 1", "http", 64, 1, None, 3_000, main_door=True),
    Case("WebSocket API, 2,000/s offered", "ws", 16, 16, None, 2_200, rate=2_000),
)

Sent = list[tuple[Sequence[Sequence[orders.Request]], generator.Run]]


def measure(scale: float) -> Iterator[Figure]:
    """Every case against one server, then what it still knows after a kill."""
    seconds = max(1.0, SECONDS * scale)
    with data_folder() as scratch:
        folder = scratch / "house"
        keys = furnish(folder, ACCOUNTS)
        sent: Sent = []
        with serving(folder) as server:
            for case in CASES:
                if case.kind == "http" and not case.main_door and not _trades_over_http(server.fast_port):
                    print(f"    {case.name}: not measured, the fast door does not trade over HTTP", flush=True)
                    continue
                yield from _measured(server, keys, case, seconds, sent)
            server.kill()
        with serving(folder) as server:
            begun = time.perf_counter()
            acknowledged, lost = missing(server.http_port, keys, sent)
            print(f"    asked for {acknowledged:,} orders in {time.perf_counter() - begun:.0f} s", flush=True)
            server.stop()
        yield Figure("acknowledged, then killed: missing after restart", lost, "orders", 0, at_most=True)
        verify(folder)
        yield from measure_peers(scratch, seconds)


def _trades_over_http(port: int) -> bool:
    """Whether a door knows the way to place an order: an empty request is then refused as such, not as unknown."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("POST", "/api/v3/order")
        return connection.getresponse().status in {400, 401}
    except (http.client.HTTPException, ConnectionError):
        return False
    finally:
        connection.close()


def _measured(server: Server, keys: Sequence[Key], case: Case, seconds: float, sent: Sent) -> Iterator[Figure]:
    """Run one case; figures of what was acknowledged, what it cost, and how long it took."""
    port = server.http_port if case.main_door else server.fast_port
    each = max(1, int(case.ceiling * seconds / case.connections))
    requests = orders.make(case.connections, each, f"c{len(sent)}")
    signed = orders.websocket(requests, keys) if case.kind == "ws" else orders.http(requests, keys, port)
    disk = fdatasync_ms(server.folder) if case.rate else 0.0
    before, cpu = _commits(server.folder), server.cpu_seconds()
    run = generator.send(case.kind, port, _WS_PATH, signed, in_flight=case.in_flight, seconds=seconds, rate=case.rate)
    cpu, commits = server.cpu_seconds() - cpu, _commits(server.folder) - before
    sent.append((requests, run))
    good = run.count(generator.OK)
    yield Figure(f"{case.name}: acknowledged", good / run.seconds, "/s", case.budget)
    yield Figure("  refused or unanswered", run.sent - good, "", 0, at_most=True)
    yield Figure("  orders per commit", good / max(1, commits), "")
    yield Figure("  server, CPU per order", cpu / good * 1e6, "us", 40 if case.budget else None, at_most=True)
    yield Figure("  load generator, CPU per order", run.cpu_seconds / good * 1e6, "us")
    if case.rate:
        disk = (disk + fdatasync_ms(server.folder)) / 2
        yield Figure("  the disk's own fdatasync, p50", disk, "ms")
        yield Figure("  latency p50", run.latency(0.5), "ms", 1.5 * disk + 1.5, at_most=True)
        yield Figure("  latency p99", run.latency(0.99), "ms", 15, at_most=True)
        yield Figure("  latency p99.9", run.latency(0.999), "ms")
    else:
        yield Figure("  latency p50", run.latency(0.5), "ms")
        yield Figure("  latency p99", run.latency(0.99), "ms")


def _commits(folder: Path) -> int:
    connection = db.open_reader(folder / "ledger.db")
    try:
        count: int = connection.execute("SELECT count(*) FROM journal").get
        return count
    finally:
        connection.close()


def fdatasync_ms(folder: Path, times: int = 200) -> float:
    """Milliseconds that half of all syncs of one appended page take on this disk, just now."""
    path, took = folder / "sync-probe", []
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC)
    try:
        for _ in range(times):
            os.write(handle, bytes(4096))
            begun = time.perf_counter()
            os.fdatasync(handle)
            took.append(time.perf_counter() - begun)
    finally:
        os.close(handle)
        path.unlink()
    return sorted(took)[times // 2] * 1000
