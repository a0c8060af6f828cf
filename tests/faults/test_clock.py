"""R7: the machine's clock jumps under a running server. What is timed fails closed, and order is kept by numbers.

The monotonic clock is left alone, as it is when a real clock is set.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyotp
import pytest
import trio

from exchange.admin import wire
from exchange.admin.client import connect
from exchange.admin.house import Refused
from exchange.app import offline
from exchange.clock import SystemClock
from exchange.core.units import Micros
from exchange.demo.client import ApiError, Client
from exchange.ledger import db
from exchange.office.operators import Role
from exchange.office.totp import STEP_US
from exchange.settings import DEFAULT_FILE, load
from tests.chains.nodes import REQUIRED
from tests.faults.server import SYMBOL, Account, Ledger, Running, demo, serve

HOURS = 2 * 3_600
SHARED = Path("/dev/shm")
LIBRARIES = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))


@pytest.fixture(autouse=True)
def _nothing_left_behind() -> Iterator[None]:
    """The library shares memory by name, which a killed process leaves there."""
    before = set(SHARED.glob("*faketime*"))
    yield
    for path in set(SHARED.glob("*faketime*")) - before:
        path.unlink(missing_ok=True)


class Shifted(SystemClock):
    """A client whose clock is ahead by so many seconds."""

    def __init__(self, seconds: int) -> None:
        self.seconds = seconds

    def now(self) -> Micros:
        return Micros(super().now() + self.seconds * 1_000_000)


class Jumping:
    """A clock that a server is started under, and that is set while it runs."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "time"
        self.set(0)

    def set(self, seconds: int) -> None:
        """So far ahead of ours."""
        scratch = self._file.with_name("time.new")
        scratch.write_text(f"{seconds:+d}\n")
        scratch.rename(self._file)

    @property
    def environment(self) -> dict[str, str]:
        """What a process is to be started with."""
        if not LIBRARIES:
            if REQUIRED:
                pytest.fail("libfaketime is not here: apt-get install faketime")
            pytest.skip("libfaketime is not here, so no clock jumps: apt-get install faketime")
        return {
            "LD_PRELOAD": str(LIBRARIES[0]),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }


async def ask(server: Running, ahead: int, method: str, path: str, **parameters: str) -> Any:
    """The answer to a client so many seconds ahead of ours. Raises `ApiError`."""
    account = server.ready.accounts[0]
    client = Client(server.ready.http, account.api_key, account.secret, Shifted(ahead))
    try:
        return await client.signed(method, path, **parameters)
    finally:
        await client._drop()


async def order(server: Running, ahead: int, price: str) -> Any:
    """An order by such a client."""
    wish = {"symbol": SYMBOL, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01", "price": price}
    return await ask(server, ahead, "POST", "/api/v3/order", **wish, newOrderRespType="RESULT")


async def attach(server: Running, code: str) -> None:
    """Attach as an operator. Raises `Refused`."""
    async with connect(Path(server.ready.admin)) as client:
        await client.call(wire.Attach(code))


def code(totp: pyotp.TOTP, ahead: int) -> str:
    """What an authenticator shows that is so far ahead of ours."""
    return totp.generate_otp(Shifted(ahead).now() // STEP_US)


@contextmanager
def outside_window() -> Iterator[None]:
    """The request came too late, or too early."""
    with pytest.raises(ApiError) as refused:
        yield
    assert refused.value.code == -1021


async def operator_of(folder: Path) -> pyotp.TOTP:
    """Make whoever runs this test an operator of a stopped folder; what is in his authenticator."""
    async with offline(folder, load(folder), SystemClock()) as house:
        totp = pyotp.parse_uri(house.operators.add("ann", os.getuid(), Role.OPERATIONS).uri)
    assert isinstance(totp, pyotp.TOTP)
    return totp


async def earnest(folder: Path) -> list[Account]:
    """A folder like a demo's, but that operators need their codes there; the traders' keys."""
    async with demo(folder, "--bare") as server:
        server.process.terminate()
        assert await server.process.wait() == 0
    settings = folder / DEFAULT_FILE
    settings.write_text(settings.read_text().replace("\ndemo = true\n", "\n"))
    return server.ready.accounts


def assert_in_order(folder: Path) -> None:
    """The journal's numbers have no gap, and its times never go back."""
    connection = db.open_reader(folder / "ledger.db")
    rows = list(connection.execute("SELECT first_seq, last_seq, time FROM journal ORDER BY first_seq"))
    connection.close()
    for (_, last, before), (first, _, time) in pairwise(rows):
        assert first == last + 1
        assert time >= before


async def test_two_hours_forth_and_back(tmp_path: Path) -> None:
    """Requests signed by the right time are refused, and so are its one-time codes; codes once used stay used."""
    folder, clock = tmp_path / "data", Jumping(tmp_path)
    environment = clock.environment
    accounts = await earnest(folder)
    totp = await operator_of(folder)
    async with serve(folder, accounts, environment=environment) as server:
        times = [(await order(server, 0, "29000"))["transactTime"]]
        await ask(server, 0, "POST", "/ext/v1/countdownCancelAll", symbol=SYMBOL, countdownTime="60000")
        clock.set(HOURS)
        with outside_window():
            await order(server, 0, "29000")
        with trio.fail_after(60):  # a minute is over when the clock says so: orders go rather than stay
            while await ask(server, HOURS, "GET", "/api/v3/openOrders"):  # noqa: ASYNC110  # another process's doing
                await trio.sleep(0.05)
        times.append((await order(server, HOURS, "29001"))["transactTime"])
        with pytest.raises(Refused):
            await attach(server, code(totp, 0))
        used = code(totp, HOURS)
        await attach(server, used)
        clock.set(-HOURS)
        for ahead in (0, HOURS):
            with outside_window():
                await order(server, ahead, "29000")
        times.append((await order(server, -HOURS, "29002"))["transactTime"])
        for old in (used, code(totp, -HOURS)):
            with pytest.raises(Refused):
                await attach(server, old)
        server.process.kill()
        await server.process.wait()
    assert times == sorted(times)
    async with serve(folder, accounts, environment=environment) as server:
        times.append((await order(server, -HOURS, "29003"))["transactTime"])
    assert times == sorted(times)
    assert_in_order(folder)
    assert Ledger(folder).verify() > 0


async def test_one_second_forth_and_back(tmp_path: Path) -> None:
    """A client that is right is served through both; numbers and times go on."""
    folder, clock = tmp_path / "data", Jumping(tmp_path)
    async with demo(folder, "--bare", environment=clock.environment) as server:
        for number, seconds in enumerate((0, 1, 0, -1, 0, 1, -1)):
            clock.set(seconds)
            reply = await order(server, min(seconds, 0), f"29{number:03}")
            assert reply["status"] == "NEW"
    assert_in_order(folder)
    assert Ledger(folder).verify() > 0
