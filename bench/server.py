"""The real server under load: a data folder on the real disk, funded accounts with keys, and a process that serves it.

Everything is as an operator would have it (`synchronous=FULL`, checksums, signatures), but that limits on requests are
lifted: all load comes from one address.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec
import trio

from bench.core import RULES
from exchange.app import House, init_folder, offline
from exchange.clock import SystemClock
from exchange.core import commands as co
from exchange.core.market import MarketPhase
from exchange.core.units import AccountId, Amount, AssetId
from exchange.office.keys import ApiKey, Scope
from exchange.settings import Settings, load

ROOT: Final = Path(__file__).parent.parent
SYMBOL: Final = RULES.symbol
_SETTINGS: Final = """
http_port = 0
fast_port = 0
weight_limit_per_minute = 0
connections_per_address = 4000
"""
_TICKS: Final = os.sysconf("SC_CLK_TCK")


class Key(msgspec.Struct, frozen=True):
    """A trader's API key and secret."""

    account: AccountId
    name: str
    secret: bytes


class Server(msgspec.Struct):
    """A running server: its process and the ports of its doors."""

    process: subprocess.Popen[str]
    folder: Path
    http_port: int
    fast_port: int

    def cpu_seconds(self) -> float:
        """What it has used so far, all threads, kernel included."""
        return cpu_seconds(self.process.pid)

    def kill(self) -> None:
        """End it without a warning, as a power cut would."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """Ask it to end, and wait until it has."""
        self.process.send_signal(signal.SIGTERM)
        if self.process.wait(timeout=60):
            raise AssertionError(f"the server ended with {self.process.returncode}")


def cpu_seconds(pid: int) -> float:
    """Processor seconds of a process so far, all threads, kernel included."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


@contextmanager
def data_folder() -> Iterator[Path]:
    """A scratch folder beside the operator's own data: on a real disk, where `/tmp` may be memory."""
    (ROOT / "data").mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="bench-", dir=ROOT / "data"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def furnish(folder: Path, accounts: int) -> list[Key]:
    """Make a data folder with one open market and so many rich accounts, a key each."""
    init_folder(folder, SystemClock(), _SETTINGS)
    return trio.run(_furnish, folder, load(folder), accounts)


async def _furnish(folder: Path, settings: Settings, accounts: int) -> list[Key]:
    async with offline(folder, settings, SystemClock()) as house:
        await _do(house, co.ListAsset("BTC", 8))
        await _do(house, co.ListAsset("USDT", 8))
        await _do(house, co.ListMarket(RULES, MarketPhase.OPEN))
        return [await _trader(house, number) for number in range(accounts)]


async def _trader(house: House, number: int) -> Key:
    name = f"trader {number}"
    await _do(house, co.OpenAccount(name))
    account = await house.sequencer.read(lambda state: state.names[name])
    await _do(house, co.Credit(account, AssetId(1), Amount(10**14), f"base {number}"))
    await _do(house, co.Credit(account, AssetId(2), Amount(10**16), f"quote {number}"))
    made = house.keyring.create(account, frozenset({Scope.READ, Scope.TRADE}), "hmac").key
    assert isinstance(made, ApiKey)
    return Key(account, made.api_key, made.secret)


async def _do(house: House, command: co.Command) -> None:
    outcome = await house.sequencer.call(command)
    assert outcome.reject is None, (command, outcome.reject)


@contextmanager
def serving(folder: Path) -> Iterator[Server]:
    """The server of `folder`, a process of its own; killed at the end if it still runs."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "exchange", "serve", "--dir", str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment)
    assert process.stdout is not None
    try:
        ports = re.findall(r"http://[^ ]*:(\d+)", process.stdout.readline())
        yield Server(process, folder, int(ports[0]), int(ports[1]))
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def verify(folder: Path) -> None:
    """`exchange verify` on the folder of a stopped server; raises when it finds anything."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "exchange", "verify", "--dir", str(folder)]
    subprocess.run(command, check=True, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
