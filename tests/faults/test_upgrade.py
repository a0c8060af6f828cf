"""R13: an upgrade from an earlier version under load, on sockets that stay open: no request fails, nothing changes.

The first server runs the code of an earlier commit, the next one today's; in between the folder is brought up to date
as the unit's `ExecStartPre=` does it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import trio

from exchange import upgrading
from exchange.custody.custody import CUSTODY
from exchange.ledger.fingerprint import read_fingerprint
from tests.faults import test_restart as restart
from tests.faults.former import Former
from tests.faults.handover import Supervisor, supervised
from tests.faults.server import Ledger

UPGRADES = 5 if "NIGHTLY" in os.environ else 1
MAKE_CUSTODY = "import sys, pathlib; from exchange.custody.store import Store; Store(pathlib.Path(sys.argv[1])).close()"

patient = restart.patient


@pytest.fixture
def former(tmp_path: Path) -> Former:
    """The earlier version."""
    return Former(tmp_path / "former")


async def served_by_both(supervisor: Supervisor, former: Former, folder: Path) -> list[restart.Caller]:
    """One round of the earlier version, the upgrade, one of today's, with callers who never let go."""
    stop, callers = trio.Event(), list[restart.Caller]()
    async with trio.open_nursery() as nursery:
        async with supervisor.start(folder, "--bare", environment=former.environment) as server:
            callers = [restart.Caller(one, server.ready) for one in range(restart.CALLERS)]
            for caller in callers:
                nursery.start_soon(caller.run, stop)
            await restart.each_answered(callers, restart.EACH)
            assert former.python("-c", MAKE_CUSTODY, str(folder / CUSTODY)).returncode == 0
            await restart.ended(server)
        await trio.to_thread.run_sync(brought_up_to_date, folder)
        async with supervisor.start(folder, "--bare") as server:
            await restart.each_answered(callers, restart.EACH)
            stop.set()
            await restart.done(callers)
            await restart.ended(server)
    return callers


def brought_up_to_date(folder: Path) -> None:
    """By today's `exchange upgrade`, which leaves money, books and journal as they were."""
    assert {step.file for step in upgrading.due(folder)} == {"office.db", "custody.db"}
    before = read_fingerprint(folder / "ledger.db")
    command = [sys.executable, "-m", "exchange", "upgrade", "--dir", str(folder)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert "office.db: schema 3 becomes" in ended.stdout
    assert read_fingerprint(folder / "ledger.db") == before
    assert upgrading.due(folder) == []


@pytest.mark.parametrize("_time", range(UPGRADES))
async def test_r13_an_upgrade_under_load_fails_no_request_and_changes_nothing(
    tmp_path: Path, former: Former, _time: int
) -> None:
    """R13: every order that either version acknowledged is there, every row agrees, and the one before reads it too."""
    folder = tmp_path / "data"
    with trio.fail_after(2 * restart.PATIENCE):
        async with supervised(tmp_path) as supervisor:
            callers = await served_by_both(supervisor, former, folder)
    assert [caller.failures for caller in callers] == [[]] * restart.CALLERS
    placed = {key: order for caller in callers for key, order in caller.placed.items()}
    assert len(placed) >= 2 * restart.CALLERS * restart.EACH
    rows = Ledger(folder).orders(list(placed))
    assert [row.id if row is not None else None for row in rows] == list(placed.values())
    events = Ledger(folder).verify()
    assert events > len(placed)
    read = former.exchange("verify", "--dir", str(folder))
    assert read.stdout.startswith(f"verified: {events:,} events; "), read.stderr
