"""An acknowledgement means it is on disk: the real server killed under load, and stopped under load."""

from __future__ import annotations

import os
import random
import signal
from pathlib import Path

import trio

from tests.faults.server import SYMBOL, Ledger, Load, Running, assert_all_there, demo

KILLS = int(os.environ.get("KILLS", "500" if "NIGHTLY" in os.environ else "20"))
CONNECTIONS = 6
ROUND_SECONDS = 240


async def load_until(server: Running, load: Load, number: signal.Signals, seed: int) -> None:
    """Send the signal at a random request, as often just sent as just answered; return when the server has ended."""
    dice = random.Random(seed)
    sent, answered = (dice.randint(1, 150), 10**9) if dice.random() < 0.5 else (10**9, dice.randint(1, 150))

    def step() -> None:
        if load.sent >= sent or load.answered >= answered:
            load.on_step = lambda: None
            server.process.send_signal(number)

    load.on_step = step
    with trio.fail_after(ROUND_SECONDS):
        await load.run(server, CONNECTIONS)
        await server.process.wait()


async def test_nothing_acknowledged_is_lost_however_often_the_server_is_killed(tmp_path: Path) -> None:
    """`kill -9` at a random moment, again and again in one folder; each start finds the traders and their keys."""
    folder, keys, acknowledged = tmp_path / "data", set(), 0
    last: Load | None = None
    for number in range(KILLS):
        load = Load(f"k{number}", number)
        async with demo(folder, "--bare") as server:
            keys.add(tuple(account.secret for account in server.ready.accounts))
            if last is not None:
                await ask_for_some(server, last)
            await load_until(server, load, signal.SIGKILL, number)
            assert server.process.returncode == -signal.SIGKILL
        assert load.dropped == CONNECTIONS
        assert_all_there(folder, load)
        if number % 5 == 4 or number == KILLS - 1:
            Ledger(folder).verify()
        acknowledged += len(load.placed)
        last = load
    print(f"{KILLS} kills: {acknowledged:,} orders were acknowledged, and all are there")
    assert len(keys) == 1
    assert acknowledged > KILLS


async def ask_for_some(server: Running, load: Load) -> None:
    """The newest acknowledged orders of the life before, over the API, by client id."""
    client = server.client(0)
    for (name, client_id), order in list(load.placed.items())[-10:]:
        if name == server.ready.accounts[0].name:
            reply = await client.signed("GET", "/api/v3/order", symbol=SYMBOL, origClientOrderId=client_id)
            assert (reply["orderId"], reply["clientOrderId"]) == (order, client_id)
    await client._drop()


async def test_a_polite_stop_under_load_loses_nothing_and_exits_0(tmp_path: Path) -> None:
    """SIGTERM: connections are closed, all acknowledged is there, and the journal is whole."""
    folder, load = tmp_path / "data", Load("t", 1)
    async with demo(folder, "--bare") as server:
        await load_until(server, load, signal.SIGTERM, 3)
        assert server.process.returncode == 0
    assert load.dropped == CONNECTIONS
    assert_all_there(folder, load)
    assert Ledger(folder).verify() > 0
    assert not (folder / "admin.sock").exists()


async def test_a_second_start_goes_on_where_the_first_stopped(tmp_path: Path) -> None:
    """The same keys, the same open orders in the same places, the same balances to the last digit."""
    folder = tmp_path / "data"
    seen: list[tuple[object, list[object], object]] = []
    for _ in range(2):
        async with demo(folder, "--bare") as server:
            client = server.client(0)
            if not seen:
                for side, price in (("BUY", "29000"), ("BUY", "29000"), ("SELL", "31000")):
                    order = {"symbol": SYMBOL, "side": side, "type": "LIMIT", "timeInForce": "GTC"}
                    await client.signed("POST", "/api/v3/order", **order, quantity="0.5", price=price)
            orders = await client.signed("GET", "/api/v3/openOrders", symbol=SYMBOL)
            account = await client.signed("GET", "/api/v3/account")
            seen.append((server.ready.accounts, orders, account["balances"]))
            await client._drop()
            server.process.terminate()
            assert await server.process.wait() == 0
    assert len(seen[0][1]) == 3
    assert seen[0] == seen[1]


async def test_verify_passes_beside_a_server_under_load(tmp_path: Path) -> None:
    """From another process, again and again: it sees one commit or the next, and disturbs nobody."""
    folder, load = tmp_path / "data", Load("v", 2)
    async with demo(folder, "--bare") as server:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(load.run, server, CONNECTIONS)
            counts: list[int] = []
            with trio.fail_after(ROUND_SECONDS):
                while len(set(counts)) < 5:
                    counts.append(await trio.to_thread.run_sync(Ledger(folder).verify))
            server.process.terminate()
        assert await server.process.wait() == 0
    assert counts == sorted(counts)
    assert_all_there(folder, load)
