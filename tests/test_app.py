"""The composition root: one owner per folder, doors before sequencer, and a disk that runs full."""

from __future__ import annotations

import os
import shutil
import sys
import threading
from pathlib import Path

import msgspec
import pytest
import trio
import trio.testing

from exchange.app import (
    FolderBusy,
    FolderMissing,
    House,
    dashboard_command,
    init_folder,
    offline,
    open_house,
)
from exchange.clock import SystemClock
from exchange.core import commands as co
from exchange.ledger.db import LedgerDamaged
from exchange.serving import Doors, serve
from exchange.settings import Settings

SETTINGS = Settings(http_port=0, fast_port=0, weight_limit_per_minute=0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    init_folder(tmp_path / "data", SystemClock())
    return tmp_path / "data"


def test_a_folder_has_one_owner_at_a_time(folder: Path) -> None:
    """The second is told who; once the first has left, it may come."""
    with (
        open_house(folder, SETTINGS, SystemClock()),
        pytest.raises(FolderBusy, match=f"process {os.getpid()}"),
        open_house(folder, SETTINGS, SystemClock()),
    ):
        pass
    with open_house(folder, SETTINGS, SystemClock()) as house:
        assert house.folder == folder


async def test_long_readings_of_candles_keep_no_orders_status_waiting(folder: Path) -> None:
    """Candles and one's own orders are asked of the ledger on two connections: one question at a time on each."""
    with open_house(folder, SETTINGS, SystemClock()) as house:
        release, asked = threading.Event(), trio.Event()
        history = house.hub._history
        assert history is not None

        async def long() -> None:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(history._queries.run, release.wait)
                await trio.testing.wait_all_tasks_blocked()
                asked.set()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(long)
            await asked.wait()
            try:
                with trio.fail_after(120):
                    assert await house.queries.run(lambda: 7) == 7
            finally:
                release.set()


def test_a_folder_that_lacks_key_or_ledger_is_none(folder: Path) -> None:
    """A server must never start with an empty ledger where a full one was lost."""
    for name in ("ledger.db", "keystore/master.key"):
        copy = shutil.copytree(folder, folder.parent / f"without {Path(name).name}")
        (copy / name).unlink()
        with pytest.raises(FolderMissing, match="is not a data folder"), open_house(copy, SETTINGS, SystemClock()):
            pass
        assert not (copy / name).exists()


def test_a_room_that_cannot_be_opened_lets_go_of_the_folder(folder: Path) -> None:
    """The lock and every file: once mended, the same process opens it."""
    whole = (folder / "ledger.db").read_bytes()
    (folder / "ledger.db").write_bytes(b"nonsense" * 1_000)
    with pytest.raises(LedgerDamaged), open_house(folder, SETTINGS, SystemClock()):
        pass
    (folder / "ledger.db").write_bytes(whole)
    with open_house(folder, SETTINGS, SystemClock()) as house:
        assert house.sequencer.state.seq == 0


def test_an_init_that_was_cut_short_after_its_key_can_be_repeated(tmp_path: Path) -> None:
    """The key stays as it is; nothing was sealed with it yet."""
    whole, partial = tmp_path / "whole", tmp_path / "partial"
    init_folder(whole, SystemClock())
    key = (whole / "keystore" / "master.key").read_bytes()
    shutil.copytree(whole / "keystore", partial / "keystore")
    init_folder(partial, SystemClock())
    assert (partial / "keystore" / "master.key").read_bytes() == key
    with open_house(partial, SETTINGS, SystemClock()) as house:
        assert house.sequencer.state.seq == 0


@pytest.mark.parametrize("name", ["ledger.db", "office.db"])
def test_init_never_replaces_what_was_lost(folder: Path, name: str) -> None:
    """A folder without its ledger, or without its office, is for a backup, not for a new exchange."""
    (folder / name).unlink()
    with pytest.raises(FolderMissing, match="already"):
        init_folder(folder, SystemClock())
    assert not (folder / name).exists()


async def test_what_is_done_offline_is_there_at_the_next_opening(folder: Path) -> None:
    """Committed before the house closes."""
    async with offline(folder, SETTINGS, SystemClock()) as house:
        await house.sequencer.call(co.OpenAccount("ann"))
    with open_house(folder, SETTINGS, SystemClock()) as again:
        assert list(again.sequencer.state.names) == ["ann"]


async def until_served(house: House, stop: trio.Event, doors: list[Doors]) -> None:
    await serve(house, stop, doors.append)


async def test_a_stop_ends_every_connection_even_idle_ones_and_then_drains(folder: Path) -> None:
    """A client that says nothing holds nobody up longer than the limit, and the admin socket is gone."""
    settings = msgspec.structs.replace(SETTINGS, shutdown_limit_seconds=1)
    stop, doors = trio.Event(), list[Doors]()
    with open_house(folder, settings, SystemClock()) as house:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(until_served, house, stop, doors)
            while not doors:
                await trio.lowlevel.checkpoint()
            idle = [await connect(url) for url in (doors[0].http, doors[0].fast)]
            await idle[1].send_all(b"GET /api/v3/ping HT")
            assert (folder / "admin.sock").exists()
            waits = await house.sequencer.read(lambda state: state.seq)
            assert waits == 0
            stop.set()
        for stream in idle:
            assert await gone(stream)
        with pytest.raises(OSError, match="all attempts to connect"):
            await connect(doors[0].http)
        assert not (folder / "admin.sock").exists()
        assert not house.sequencer.submit(co.OpenAccount("late"), lambda outcome: None)


async def connect(url: str) -> trio.SocketStream:
    host, port = url.removeprefix("http://").split(":")
    return await trio.open_tcp_stream(host, int(port))


async def gone(stream: trio.SocketStream) -> bool:
    """Whether the other end has closed, politely or not."""
    try:
        while await stream.receive_some():
            pass
    except trio.BrokenResourceError:
        pass
    await stream.aclose()
    return True


async def test_too_little_disk_refuses_orders_while_it_lasts(folder: Path) -> None:
    """The watch looks before the first second is over."""
    settings = msgspec.structs.replace(SETTINGS, free_disk_reserve_mib=1 << 40)
    stop, doors = trio.Event(), list[Doors]()
    with open_house(folder, settings, SystemClock()) as house:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(until_served, house, stop, doors)
            while not house.sequencer.storage_low:
                await trio.lowlevel.checkpoint()
            assert (await house.sequencer.call(co.OpenAccount("ann"))).reject is None
            stop.set()


async def test_a_ledger_that_fails_ends_the_server_and_its_doors(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is answered, and `serve` raises."""

    def full(*_: object) -> None:
        raise OSError("no space left")

    answers: list[object] = []
    with open_house(folder, SETTINGS, SystemClock()) as house:
        monkeypatch.setattr(house.sequencer._journal, "commit", full)

        def ready(doors: Doors) -> None:
            house.sequencer.submit(co.OpenAccount("ann"), answers.append)

        with pytest.raises(ExceptionGroup) as caught:
            await serve(house, trio.Event(), ready)
        assert caught.group_contains(OSError, match="no space left")
        assert answers == []


async def test_a_port_that_is_taken_is_told_with_its_number(folder: Path) -> None:
    """And nothing runs on: the folder is free for the next start."""
    taken = (await trio.open_tcp_listeners(0, host="127.0.0.1"))[0]
    port = taken.socket.getsockname()[1]
    settings = msgspec.structs.replace(SETTINGS, fast_port=port)
    async with taken:
        with (
            pytest.raises(OSError, match=rf"on 127\.0\.0\.1:{port}: Address already in use. Nothing was started"),
            open_house(folder, settings, SystemClock()) as house,
        ):
            await serve(house, trio.Event(), lambda doors: None)
    with open_house(folder, SETTINGS, SystemClock()):
        pass


@pytest.mark.parametrize(
    ("called", "word"),
    [(".venv/bin/exchange", ".venv/bin/exchange"), ("/opt/x/exchange", "/opt/x/exchange"), ("-m", "exchange")],
)
def test_the_dashboards_command_can_be_pasted(monkeypatch: pytest.MonkeyPatch, called: str, word: str) -> None:
    """It names the program as it was called, and a folder with a space in one piece."""
    monkeypatch.setattr(sys, "argv", [called, "serve"])
    assert dashboard_command(Path("my data")) == f"{word} tui --dir 'my data'"
