"""The real server as a process of its own, real clients under load, and what the ledger says afterwards."""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import trio

from exchange.clock import SystemClock
from exchange.core.orders import OrderRow, OrderStatus
from exchange.core.units import AccountId, MarketId
from exchange.demo.client import ApiError, Client
from exchange.ledger import db
from exchange.ledger.queries import Queries
from exchange.ledger.reconcile import verify

SYMBOL = "BTCUSDT"
START_SECONDS = 180
"""How long a start may take on the busiest machine before the test gives up."""


class Account(msgspec.Struct):
    """A trader's key, as the ready line tells it."""

    name: str
    api_key: str
    secret: str


class Ready(msgspec.Struct):
    """The first line of `--ready-json`."""

    http: str
    fast: str
    ws: str
    admin: str
    accounts: list[Account]
    chains: dict[str, dict[str, str]] = {}
    ops: str = ""


class Running(msgspec.Struct):
    """A started server; `output` is what it printed after its first line, once it has ended."""

    process: trio.Process
    ready: Ready

    def client(self, number: int) -> Client:
        """A signed client; even numbers are alice's."""
        account = self.ready.accounts[number % 2]
        return Client(self.ready.http, account.api_key, account.secret, SystemClock())


class NotStarted(Exception):
    """The server ended before it was ready; says its exit status, and what it wrote."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(f"exit status {status}: {words}")
        self.status = status
        self.words = words


@asynccontextmanager
async def demo(
    folder: Path,
    *options: str,
    before: Sequence[str] = (),
    program: Sequence[str] = ("-m", "exchange"),
    environment: Mapping[str, str] | None = None,
    handed: Sequence[int] = (),
) -> AsyncIterator[Running]:
    """`exchange demo` on `folder`, any free ports; killed at the end if it still runs. Raises `NotStarted`.

    `before`: a program that starts it and gives its place to it. `program`: what stands for `-m exchange`.
    `handed`: descriptors that it inherits.
    """
    argv = [*before, sys.executable, *program, "demo", "--dir", str(folder), "--port", "0", "--fast-port", "0"]
    argv += ["--weight-limit", "0", "--ready-json", *options]
    async with _started(folder, argv, environment, handed) as (process, line):
        yield Running(process, msgspec.json.decode(line, type=Ready))


@asynccontextmanager
async def serve(
    folder: Path, accounts: list[Account], *, environment: Mapping[str, str] | None = None
) -> AsyncIterator[Running]:
    """`exchange serve` on a folder in which these keys were made. Raises `NotStarted`."""
    argv = [sys.executable, "-m", "exchange", "serve", "--dir", str(folder), "--port", "0", "--fast-port", "0"]
    async with _started(folder, argv, environment) as (process, line):
        http, fast, ws = re.findall(r"(?:http|ws)://\S+", line.decode())[:3]
        yield Running(process, Ready(http, fast, ws, str(folder / "admin.sock"), accounts))


@asynccontextmanager
async def _started(
    folder: Path, argv: Sequence[str], environment: Mapping[str, str] | None, handed: Sequence[int] = ()
) -> AsyncIterator[tuple[trio.Process, bytes]]:
    """The process, and the first line that it prints."""
    env = {**os.environ, **(environment or {})}
    with (folder.parent / "stderr.txt").open("ab") as errors:
        process = await trio.lowlevel.open_process(
            argv, stdout=subprocess.PIPE, stderr=errors, env=env, pass_fds=handed
        )
    try:
        with trio.fail_after(START_SECONDS):
            line = await _first_line(process)
        if not line:
            raise NotStarted(await process.wait(), (folder.parent / "stderr.txt").read_text())
        yield process, line
    finally:
        with trio.CancelScope(shield=True):
            if process.returncode is None:
                process.kill()
                await process.wait()
            assert process.stdout is not None
            await process.stdout.aclose()


async def _first_line(process: trio.Process) -> bytes:
    assert process.stdout is not None
    line = b""
    while not line.endswith(b"\n"):
        piece = await process.stdout.receive_some()
        if not piece:
            return b""
        line += piece
    return line


class Load:
    """Several connections that place, cross and cancel, each noting what was acknowledged to it."""

    def __init__(self, tag: str, seed: int) -> None:
        """Client ids begin with `tag`, which must be new."""
        self.tag = tag
        self.placed: dict[tuple[str, str], int] = {}
        """(account, client id) -> order id, acknowledged."""
        self.cancelled: set[tuple[str, str]] = set()
        self.sent = 0
        self.answered = 0
        self.dropped = 0
        self.on_step: Callable[[], None] = lambda: None
        self._random = random.Random(seed)

    async def run(self, server: Running, connections: int) -> None:
        """Load the server until every connection has broken."""
        async with trio.open_nursery() as nursery:
            for number in range(connections):
                nursery.start_soon(self._trade, server, number)

    async def _trade(self, server: Running, number: int) -> None:
        client, name = server.client(number), server.ready.accounts[number % 2].name
        mine: list[str] = []
        count = 0
        try:
            while True:
                count += 1
                if mine and self._random.random() < 0.3:
                    await self._cancel(client, name, mine.pop(self._random.randrange(len(mine))))
                else:
                    client_id = f"{self.tag}-{number}-{count}"
                    await self._place(client, name, client_id)
                    mine.append(client_id)
        except OSError:
            self.dropped += 1
        finally:
            with trio.CancelScope(shield=True):
                await client._drop()

    async def _place(self, client: Client, name: str, client_id: str) -> None:
        side = self._random.choice(["BUY", "SELL"])
        price = 30_000 + self._random.randint(-3, 3)
        reply = await self._ask(
            client,
            "POST",
            symbol=SYMBOL,
            side=side,
            type="LIMIT",
            timeInForce="GTC",
            quantity=f"0.0{self._random.randint(1, 9)}",
            price=str(price),
            newClientOrderId=client_id,
        )
        self.placed[name, client_id] = int(reply["orderId"])

    async def _cancel(self, client: Client, name: str, client_id: str) -> None:
        try:
            reply = await self._ask(client, "DELETE", symbol=SYMBOL, origClientOrderId=client_id)
        except ApiError as error:
            if error.code != -2011:  # else it was filled meanwhile
                raise
        else:
            assert reply["status"] == "CANCELED"
            self.cancelled.add((name, client_id))

    async def _ask(self, client: Client, method: str, **parameters: str) -> Any:
        self.sent += 1
        self.on_step()
        try:
            return await client.signed(method, "/api/v3/order", **parameters)
        finally:
            self.answered += 1
            self.on_step()


class Ledger:
    """What is on the disk, read beside the server or without it."""

    def __init__(self, folder: Path) -> None:
        """`folder` is the data folder."""
        self.path = folder / "ledger.db"
        connection = db.open_reader(self.path)
        self.accounts = {
            name: AccountId(number) for number, name in connection.execute("SELECT id, name FROM accounts")
        }
        self.markets = {name: MarketId(number) for number, name in connection.execute("SELECT id, symbol FROM markets")}
        self.sums = list(connection.execute("SELECT asset, sum(amount) FROM balance_sheet GROUP BY asset"))
        connection.close()

    def orders(self, names: list[tuple[str, str]]) -> list[OrderRow | None]:
        """The orders of these (account, client id) pairs."""
        queries = Queries(self.path)
        market = self.markets[SYMBOL]
        found = [queries.order(self.accounts[name], market, client_id=client_id) for name, client_id in names]
        queries.close()
        return found

    def verify(self) -> int:
        """Verify everything; how many events there are."""
        return verify(self.path, lambda done, total: None).events


def assert_all_there(folder: Path, load: Load) -> None:
    """Every acknowledged order by its client id, every acknowledged cancel, and all sums 0."""
    ledger = Ledger(folder)
    for (name, client_id), row in zip(load.placed, ledger.orders(list(load.placed)), strict=True):
        assert row is not None, f"{name}'s {client_id} was acknowledged and is gone"
        assert row.id == load.placed[name, client_id]
    for key, row in zip(load.cancelled, ledger.orders(list(load.cancelled)), strict=True):
        assert row is not None
        assert row.status == OrderStatus.CANCELED, key
    assert {total for _, total in ledger.sums} == {0}
