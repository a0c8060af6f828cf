"""Backups of the real server under load: made beside it, restored after its folder is gone, and traded on."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import trio

from exchange.backup.key import create_backup_key
from exchange.backup.names import list_folder
from exchange.clock import SystemClock
from exchange.core.networks import ALL_ASSETS
from exchange.ledger import db
from tests.faults.server import SYMBOL, Ledger, Load, demo
from tests.faults.test_kill import CONNECTIONS, ROUND_SECONDS

PATIENCE = 300
"""Jobs are nice: on a busy machine they come last."""


async def exchange(*argv: str) -> str:
    """Run a command; what it printed. It must succeed."""
    command = [sys.executable, "-m", "exchange", *argv]
    with trio.fail_after(PATIENCE):
        done = await trio.run_process(command, capture_stdout=True, capture_stderr=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


def assert_there(folder: Path, acknowledged: dict[tuple[str, str], int]) -> None:
    """Every one of these orders, by its client id; and sums of 0."""
    ledger = Ledger(folder)
    for (key, number), row in zip(acknowledged.items(), ledger.orders(list(acknowledged)), strict=True):
        assert row is not None, f"{key} was acknowledged before the backup and is gone"
        assert row.id == number
    assert {total for _, total in ledger.sums} == {0}


def schedule(folder: Path, backups: Path, key: Path) -> None:
    """What jobs go by; a running server does not read it again."""
    with (folder / "exchange.toml").open("a") as file:
        file.write(f'\n[backup]\nfolder = "{backups}"\nkey_file = "{key}"\n')


def shut(folder: Path) -> tuple[int, str]:
    """The epoch, and why all payouts are shut."""
    connection = db.open_reader(folder / "ledger.db")
    epoch = connection.execute("SELECT max(number) FROM epochs").get
    reason = connection.execute("SELECT reason FROM payouts_shut WHERE asset = ?", (ALL_ASSETS,)).get
    connection.close()
    return epoch, str(reason)


async def test_a_backup_and_a_segment_made_under_load_restore_all_that_was_acknowledged_before(tmp_path: Path) -> None:
    """Made while orders come in; the folder is destroyed; the restored one is verified, served, and traded on."""
    folder, load = tmp_path / "data", Load("b", 7)
    create_backup_key(tmp_path / "k", SystemClock())
    key = ("--key-file", str(tmp_path / "k"))
    async with demo(folder, "--bare") as server:
        enough = trio.Event()
        load.on_step = lambda: enough.set() if len(load.placed) >= 100 else None
        async with trio.open_nursery() as nursery:
            nursery.start_soon(load.run, server, CONNECTIONS)
            with trio.fail_after(ROUND_SECONDS):
                await enough.wait()
            said = await exchange("backup", "--dir", str(folder), "--to", str(tmp_path / "backups"), *key)
            schedule(folder, tmp_path / "backups", tmp_path / "k")
            before = dict(load.placed)
            await exchange("backup-job", "segment", "--dir", str(folder))
            assert len(load.placed) > len(before)  # trading went on meanwhile
            server.process.kill()
        await server.process.wait()
        accounts = server.ready.accounts
    shutil.rmtree(folder)
    backup = said.splitlines()[-1]
    assert Path(backup).parent == tmp_path / "backups"
    assert len(list_folder(tmp_path / "backups").segments) == 1
    await exchange("restore", "--from", backup, *key, "--dir", str(folder))
    assert_there(folder, before)
    assert "Every row agrees" in await exchange("verify", "--dir", str(folder))
    epoch, reason = shut(folder)
    assert epoch == 2
    assert "restored from full-" in reason
    async with demo(folder, "--bare") as server:
        assert server.ready.accounts == accounts  # the same keys with the same secrets
        client = server.client(0)
        order = {"symbol": SYMBOL, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01"}
        reply = await client.signed("POST", "/api/v3/order", **order, price="29000")
        assert reply["orderId"] > max(before.values())
        await client._drop()
        server.process.terminate()
        assert await server.process.wait() == 0
    assert Ledger(folder).verify() > 0


async def test_a_server_backs_itself_up_and_a_lost_machine_costs_what_came_after_the_last_segment(
    tmp_path: Path,
) -> None:
    """Full backup, drill and segments by itself; the machine is lost; the newest files hold all until the segment."""
    folder, backups = tmp_path / "data", tmp_path / "backups"
    backups.mkdir()
    create_backup_key(tmp_path / "k", SystemClock())
    markets = str(Path(__file__).parents[2] / "config" / "markets.toml")
    await exchange("init", "--dir", str(folder), "--markets", markets)
    (folder / "exchange.toml").write_text(
        f"http_port = 0\nfast_port = 0\nfree_disk_reserve_mib = 1\n"
        f'[backup]\nfolder = "{backups}"\nkey_file = "{tmp_path / "k"}"\nsegment_minutes = 1\n'
    )
    argv = [sys.executable, "-m", "exchange", "serve", "--dir", str(folder)]
    with (tmp_path / "log.txt").open("wb") as log:
        process = await trio.lowlevel.open_process(argv, stdout=subprocess.DEVNULL, stderr=log)
    try:
        with trio.fail_after(PATIENCE):
            while not list_folder(backups).fulls or not list((folder / "drills").glob("drill-*.json")):
                await trio.sleep(0.2)
                assert process.returncode is None, (tmp_path / "log.txt").read_text()
        process.terminate()
        with trio.fail_after(PATIENCE):
            assert await process.wait() == 0
    finally:
        process.kill()
        await process.wait()
    await exchange("account", "create", "late", "--dir", str(folder))
    await exchange("backup-job", "segment", "--dir", str(folder))
    expected = Ledger(folder).verify()
    assert "good" in await exchange("backup-status", "--dir", str(folder))
    shutil.rmtree(folder)
    newest = list_folder(backups).newest
    assert newest is not None
    await exchange(
        "restore", "--from", str(backups / newest.text), "--key-file", str(tmp_path / "k"), "--dir", str(folder)
    )
    assert Ledger(folder).verify() == expected + 1  # the new epoch
    assert "late" in Ledger(folder).accounts
