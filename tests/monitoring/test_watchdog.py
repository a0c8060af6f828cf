"""The watchdog's ping is the ledger's: while a commit hangs, nothing is said, however well the loop turns."""

from __future__ import annotations

from pathlib import Path

import pytest
import trio

from exchange.core.orders import Side
from exchange.monitoring.watchdog import ping
from tests.sequencer.house import furnished, limit, settle

SECONDS = 60
PINGS = 0.03
"""The watchdog's patience here: a ping is due every hundredth of a second."""


async def heard(notices: trio.socket.SocketType, seconds: float = SECONDS) -> bytes:
    """The next notice; empty if none comes in so long."""
    with trio.move_on_after(seconds):
        return await notices.recv(100)
    return b""


async def test_no_ping_while_a_commit_hangs_and_again_once_it_is_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify.sock"))
    notices = trio.socket.socket(trio.socket.AF_UNIX, trio.socket.SOCK_DGRAM)
    with notices:
        await notices.bind(str(tmp_path / "notify.sock"))
        async with furnished(tmp_path) as house, trio.open_nursery() as nursery:
            nursery.start_soon(ping, house.sequencer, PINGS)
            assert await heard(notices) == b"WATCHDOG=1"
            house.journal.hold()
            house.ask(limit(Side.BUY, 99))
            await settle()
            while await heard(notices, 10 * PINGS):
                pass  # those that were on their way when the disk began to hang
            assert await heard(notices, 30 * PINGS) == b""
            house.journal.gate.release(10)
            assert await heard(notices) == b"WATCHDOG=1"
            nursery.cancel_scope.cancel()
