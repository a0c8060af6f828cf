"""R13: a restart under load on sockets that somebody else keeps open: no request fails, and the state is the same."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import trio

from exchange.clock import SystemClock
from exchange.demo import client as client_
from exchange.demo.client import ApiError, Client
from tests.faults.handover import supervised
from tests.faults.server import SYMBOL, Ledger, NotStarted, Ready, Running

RESTARTS = 20 if "NIGHTLY" in os.environ else 1
CALLERS = 8
EACH = 5
"""So many answers each caller gets from every server in turn, before it is stopped and after the last start."""
PATIENCE = 240


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who waits in the queue of a socket while a busy machine restarts must not give up."""
    monkeypatch.setattr(client_, "_TIMEOUT_SECONDS", PATIENCE)


class Caller:
    """One that places and cancels and never tries anything twice; connects anew each time, or only when told to."""

    def __init__(self, number: int, ready: Ready) -> None:
        """Every second one at the fast door; of each two pairs one keeps its connection."""
        account = ready.accounts[number % 2]
        door = ready.fast if number // 2 % 2 else ready.http
        self.name = account.name
        self.placed: dict[tuple[str, str], int] = {}
        self.answers = 0
        self.failures: list[str] = []
        self._keeps = number < CALLERS // 2
        self._client = Client(door, account.api_key, account.secret, SystemClock())
        self._number = number

    async def run(self, stop: trio.Event) -> None:
        """Until `stop`."""
        try:
            while not stop.is_set():
                client_id = f"r{self._number}-{self.answers}"
                reply = await self._ask("POST", side="BUY", price="25000", newClientOrderId=client_id)
                if reply is not None:
                    self.placed[self.name, client_id] = reply["orderId"]
        finally:
            with trio.CancelScope(shield=True):
                await self._client._drop()

    async def _ask(self, method: str, **parameters: str) -> dict[str, int] | None:
        order = {"symbol": SYMBOL, "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.001", "recvWindow": "60000"}
        try:
            reply: dict[str, int] = await self._client.signed(method, "/api/v3/order", **order, **parameters)
        except (OSError, ApiError) as error:
            self.failures.append(repr(error))
            return None
        finally:
            self.answers += 1
            if not self._keeps:
                await self._client._drop()
        return reply


async def each_answered(callers: list[Caller], more: int) -> None:
    """Returns once every caller has had so many more answers."""
    goals = [(caller, caller.answers + more) for caller in callers]
    while any(caller.answers < goal for caller, goal in goals):  # noqa: ASYNC110  # they do not know of us
        await trio.sleep(0.01)


async def test_r13_a_restart_under_load_fails_no_request_and_loses_nothing(tmp_path: Path) -> None:
    """R13: at both doors, with connections that are kept and with a new one for each request, none tried twice."""
    folder, stop = tmp_path / "data", trio.Event()
    callers: list[Caller] = []
    async with supervised(tmp_path) as supervisor, trio.open_nursery() as nursery:
        with trio.fail_after(PATIENCE * (RESTARTS + 1)):
            for number in range(RESTARTS + 1):
                async with supervisor.start(folder, "--bare") as server:
                    if not number:
                        callers = [Caller(one, server.ready) for one in range(CALLERS)]
                        for caller in callers:
                            nursery.start_soon(caller.run, stop)
                    await each_answered(callers, EACH)
                    if number == RESTARTS:
                        stop.set()
                        await done(callers)
                    await ended(server)
    assert [caller.failures for caller in callers] == [[]] * CALLERS
    placed = {key: order for caller in callers for key, order in caller.placed.items()}
    assert len(placed) >= CALLERS * EACH * (RESTARTS + 1)
    rows = Ledger(folder).orders(list(placed))
    assert [row.id if row is not None else None for row in rows] == list(placed.values())
    assert Ledger(folder).verify() > len(placed)


async def done(callers: list[Caller]) -> None:
    """Returns once those who were told to stop have had their last answer."""
    while any(caller._client._stream is not None for caller in callers):  # noqa: ASYNC110  # the same
        await trio.sleep(0.01)


async def ended(server: Running) -> None:
    """Ask it to stop as systemd would; it must do so in peace."""
    server.process.terminate()
    assert await server.process.wait() == 0


async def test_systemd_is_told_of_start_life_and_stop(tmp_path: Path) -> None:
    """READY once the doors are open; a ping while the sequencer answers; STOPPING first of all at a stop."""
    async with supervised(tmp_path) as supervisor:
        with trio.fail_after(PATIENCE):
            async with supervisor.start(tmp_path / "data", "--bare", watchdog_seconds=1) as server:
                await supervisor.heard("READY=1")
                await supervisor.heard("WATCHDOG=1")
                await supervisor.heard("WATCHDOG=1")
                server.process.terminate()
                await supervisor.heard("STOPPING=1")
                assert await server.process.wait() == 0


async def test_sockets_by_other_names_are_refused_in_a_sentence(tmp_path: Path) -> None:
    async with supervised(tmp_path, ("main", "back")) as supervisor:
        with pytest.raises(NotStarted, match="sockets called main, back were handed over") as caught:
            async with supervisor.start(tmp_path / "data", "--bare"):
                pass
    assert caught.value.status == 1
    assert "Traceback" not in caught.value.words
