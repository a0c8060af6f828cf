"""R15: hours under a steady load. Memory, file descriptors and WAL stay what they were; the slope is printed.

By night an hour, which is the short form; `SOAK_SECONDS=28800` is the long one.
"""

from __future__ import annotations

import os
import random
import statistics
import time
from pathlib import Path

import msgspec
import pytest
import trio

from exchange.demo.client import ApiError, Client
from tests.faults.server import SYMBOL, Ledger, Running, demo

SECONDS = int(os.environ.get("SOAK_SECONDS", "3600"))
EVERY_SECONDS = max(1, SECONDS // 240)
TRADERS = 8
PAUSE_SECONDS = 0.08
"""Between two requests of a trader: about 100 a second in all."""
OPEN_ORDERS = 20
"""Of each trader, at the most."""
MOST_MIB_PER_HOUR = 40
"""While the ledger grows its page cache fills, up to 32 MiB, and then no more."""
MOST_WAL_MIB = 128


class Sample(msgspec.Struct):
    """The server at a moment: seconds since the start, and how much it uses."""

    at: float
    memory_kib: int
    descriptors: int
    wal_bytes: int


def sample(server: Running, folder: Path, began: float) -> Sample:
    process = Path(f"/proc/{server.process.pid}")
    memory = int((process / "status").read_text().split("VmRSS:")[1].split()[0])
    descriptors = len(list((process / "fd").iterdir()))
    return Sample(time.monotonic() - began, memory, descriptors, (folder / "ledger.db-wal").stat().st_size)


async def trade(server: Running, number: int) -> None:
    """One request after the other, for ever."""
    client, dice, mine = server.client(number), random.Random(number), list[int]()
    try:
        while True:
            await trio.sleep(PAUSE_SECONDS)
            try:
                await place_or_cancel(client, dice, mine)
            except ApiError as refused:
                if refused.code != -2011:  # else it was filled meanwhile
                    raise
    finally:
        with trio.CancelScope(shield=True):
            await client._drop()


async def place_or_cancel(client: Client, dice: random.Random, mine: list[int]) -> None:
    """No more than a few orders stay; some of them meet."""
    if len(mine) < OPEN_ORDERS and dice.random() < 0.6:
        side, price = dice.choice(["BUY", "SELL"]), 30_000 + dice.randint(-4, 4)
        wish = {"symbol": SYMBOL, "side": side, "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.001"}
        reply = await client.signed("POST", "/api/v3/order", **wish, price=str(price))
        mine.append(reply["orderId"])
    elif mine:
        await client.signed("DELETE", "/api/v3/order", symbol=SYMBOL, orderId=str(mine.pop(0)))


def slope(samples: list[Sample]) -> float:
    """How many MiB an hour memory grows by, the line through all samples of the later three quarters."""
    later = samples[len(samples) // 4 :]
    line = statistics.linear_regression([one.at for one in later], [one.memory_kib for one in later])
    return line.slope * 3_600 / 1_024


@pytest.mark.nightly
async def test_nothing_grows(tmp_path: Path) -> None:
    """Memory by no more than 40 MiB an hour, descriptors not at all, the WAL never beyond 128 MiB."""
    folder, samples = tmp_path / "data", list[Sample]()
    async with demo(folder, "--bare") as server, trio.open_nursery() as nursery:
        for number in range(TRADERS):
            nursery.start_soon(trade, server, number)
        began = time.monotonic()
        while time.monotonic() - began < SECONDS:
            await trio.sleep(EVERY_SECONDS)
            samples.append(sample(server, folder, began))
        nursery.cancel_scope.cancel()
    later = samples[len(samples) // 4 :]
    grown, events = slope(samples), Ledger(folder).verify()
    print(
        f"{SECONDS} s, {events:,} events; memory {later[0].memory_kib >> 10} → {later[-1].memory_kib >> 10} MiB",
        end=", ",
    )
    print(f"{grown:+.1f} MiB/h; descriptors {later[0].descriptors} → {later[-1].descriptors}", end=", ")
    print(f"WAL at most {max(one.wal_bytes for one in samples) >> 20} MiB")
    assert max(one.descriptors for one in later) <= later[0].descriptors + 4
    assert max(one.wal_bytes for one in samples) < MOST_WAL_MIB << 20
    assert grown < MOST_MIB_PER_HOUR or SECONDS < 600
