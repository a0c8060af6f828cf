"""The peers of the end-to-end bench, each a server of its own, loaded over HTTP by the same generator.

`matching-engine` 0.1.1 from PyPI: a book and a write-ahead log synced per batch; no accounts' money, no signatures, no
ledger. It is sent the placing requests only: it numbers orders itself, so that a cancel cannot be made beforehand. It
needs Python 3.12, in a virtual environment of its own in the cache. And Quart-Trio alone, which answers every request
with the same few bytes.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from bench import generator, orders
from bench.figures import Figure
from bench.server import ROOT, cpu_seconds

PINNED: Final = "matching-engine[gateway]==0.1.1"
_CONNECTIONS: Final = 64
_CEILING: Final = 6_000
_MARKET: Final = "BTC-USDT"


def measure_peers(folder: Path, seconds: float) -> Iterator[Figure]:
    """Both peers at 64 keep-alive connections, one request each at a time."""
    requests = orders.make(_CONNECTIONS, max(1, int(_CEILING * seconds / _CONNECTIONS)), "peer")
    python = _environment()
    if python is None:
        print("    matching-engine: not measured, no Python 3.12 or newer, or nothing to install it from", flush=True)
    else:
        command = [str(python), "-m", "matching_engine.cli", "serve", "--port"]
        yield from _measured("peer: matching-engine 0.1.1, HTTP, 64 x 1", command, folder, _placing(requests), seconds)
    command = [sys.executable, "-m", "bench.quart_alone"]
    yield from _measured("peer: Quart-Trio alone, HTTP, 64 x 1", command, folder, _empty(requests), seconds)


def _measured(
    name: str, command: list[str], folder: Path, requests: Sequence[Sequence[bytes]], seconds: float
) -> Iterator[Figure]:
    with _started(command, folder) as (port, pid):
        cpu = cpu_seconds(pid)
        run = generator.send("http", port, "", requests, in_flight=1, seconds=seconds)
        cpu = cpu_seconds(pid) - cpu
    good = run.count(generator.OK)
    yield Figure(f"{name}: answered", good / run.seconds, "/s")
    yield Figure("  refused or unanswered", run.sent - good, "")
    yield Figure("  server, CPU per order", cpu / max(1, good) * 1e6, "us")
    yield Figure("  latency p99", run.latency(0.99), "ms")


def _environment() -> Path | None:
    """The Python of the environment that `matching-engine` is installed in; made when first asked for."""
    home = generator.cache() / "matching-engine"
    python = home / "bin" / "python"
    if (home / "ready").exists():
        return python
    for base in _pythons():
        shutil.rmtree(home, ignore_errors=True)
        subprocess.run([base, "-m", "venv", str(home)], check=True)
        install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", PINNED]
        if subprocess.run(install, check=False, stderr=subprocess.DEVNULL).returncode == 0:
            (home / "ready").touch()
            return python
    return None


def _pythons() -> Iterator[str]:
    """Every Python here that is new enough and runs."""
    names = [found for name in ("python3.12", "python3.13", "python3.14") if (found := shutil.which(name))]
    names += [str(path) for path in sorted((Path.home() / ".pyenv" / "versions").glob("3.1[2-9]*/bin/python"))]
    for name in names:
        test = [name, "-c", "import sys, venv; sys.exit(sys.version_info < (3, 12))"]
        if subprocess.run(test, check=False, stderr=subprocess.DEVNULL).returncode == 0:
            yield name


@contextmanager
def _started(command: list[str], folder: Path) -> Iterator[tuple[int, int]]:
    """The peer on a free port: the port and its process id. Killed at the end."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "ME_DATA_DIR": str(folder / "peer")}
    process = subprocess.Popen(
        [*command, str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment
    )
    try:
        _await(port, process)
        yield port, process.pid
    finally:
        process.kill()
        process.wait()


def _await(port: int, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 30
    while time.monotonic() < until and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError(f"{process.args!r} does not answer")


def _placing(requests: Sequence[Sequence[orders.Request]]) -> list[list[bytes]]:
    """The requests that place an order, in the words of `matching-engine`."""
    return [
        [_order(request, peer + 1) for request in own if request.kind != orders.CANCEL]
        for peer, own in enumerate(requests)
    ]


def _order(request: orders.Request, account: int) -> bytes:
    body = json.dumps(
        {
            "account": account,
            "side": request.side.lower(),
            "price": f"{request.price // 100}.{request.price % 100:02}",
            "quantity": f"{request.lots // 100_000}.{request.lots % 100_000:05}",
            "time_in_force": "gtc" if request.kind == orders.PLACE else "ioc",
        }
    )
    head = f"Host: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return f"POST /markets/{_MARKET}/orders HTTP/1.1\r\n{head}{body}".encode()


def _empty(requests: Sequence[Sequence[orders.Request]]) -> list[list[bytes]]:
    one = b"POST /order HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\n\r\n"
    return [[one] * len(own) for own in requests]
