"""The operators' socket: who gets in, and how it is told to those who do not."""

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path

import pytest
import trio

from exchange.admin import wire
from exchange.admin.client import Disconnected, NotServed, connect
from exchange.admin.house import Refused
from exchange.admin.server import SocketRefused, open_socket
from exchange.core.market import MarketPhase
from exchange.core.units import MarketId
from exchange.office.operators import Role
from tests.admin.furnished import ME, STRANGER, attached, code, enrol, furnished, served


async def test_b43_the_socket_is_for_owner_and_group_only(tmp_path: Path) -> None:
    """B43: mode 0660."""
    async with furnished(tmp_path) as house, served(house):
        assert stat.S_IMODE(house.socket.stat().st_mode) == 0o660


async def test_b43_a_user_who_is_no_operator_is_refused_by_his_uid(tmp_path: Path) -> None:
    """B43: the kernel's word for the peer's uid decides, and only another uid is registered here."""
    async with furnished(tmp_path) as house:
        house.operators.add("eve", STRANGER, Role.OPERATIONS)
        async with served(house), connect(house.socket) as client:
            with pytest.raises(Refused) as refused:
                await client.call(wire.Attach("123456"))
        assert refused.value.code == "not_an_operator"
        assert [(entry.uid, entry.stage, entry.method) for entry in house.trail.tail(9)] == [(ME, "refused", "attach")]


async def test_a_stranger_who_cannot_be_recorded_ends_nothing(tmp_path: Path) -> None:
    """He is hung up on, and the desk serves on."""
    in_the_way = tmp_path / "trail.head.new"
    async with furnished(tmp_path) as house, served(house):
        in_the_way.mkdir()
        async with connect(house.socket) as client:
            with pytest.raises(Disconnected):
                await client.call(wire.Attach("123456"))
        in_the_way.rmdir()
        async with connect(house.socket) as client:
            with pytest.raises(Refused, match="belongs to no operator"):
                await client.call(wire.Attach("123456"))


async def test_b43_nothing_is_answered_before_a_code(tmp_path: Path) -> None:
    """B43: every method but attach is refused to a peer who has not attached."""
    async with furnished(tmp_path) as house:
        enrol(house)
        async with served(house), connect(house.socket) as client:
            with pytest.raises(Refused) as refused:
                await client.call(wire.ListMarkets())
        assert refused.value.code == "not_attached"


async def test_b43_a_right_code_lets_the_operator_in(tmp_path: Path) -> None:
    """B43: TOTP at attach; the answer says what the role may do."""
    async with furnished(tmp_path) as house:
        totp = enrol(house)
        async with served(house), connect(house.socket) as client:
            told = await client.call(wire.Attach(code(house, totp)))
        assert (told.operator, told.role, "market.phase" in told.may) == ("ann", "operations", True)


async def test_without_a_code_one_is_asked_for(tmp_path: Path) -> None:
    """The dashboard tries without first: in a demo that is enough."""
    async with furnished(tmp_path) as house:
        enrol(house)
        async with served(house), connect(house.socket) as client:
            with pytest.raises(Refused) as refused:
                await client.call(wire.Attach())
        assert refused.value.code == "code_needed"


async def test_b4_a_code_attaches_once(tmp_path: Path) -> None:
    """B4: the same code on a second connection is refused."""
    async with furnished(tmp_path) as house:
        totp = enrol(house)
        async with served(house):
            async with connect(house.socket) as client:
                await client.call(wire.Attach(code(house, totp)))
            async with connect(house.socket) as client:
                with pytest.raises(Refused) as refused:
                    await client.call(wire.Attach(code(house, totp)))
        assert refused.value.code == "wrong_code"


async def test_in_the_demo_whoever_started_it_needs_no_code(tmp_path: Path) -> None:
    async with furnished(tmp_path, demo=True) as house, served(house), connect(house.socket) as client:
        told = await client.call(wire.Attach())
        assert (told.operator, told.role, told.demo) == ("demo", "operations", True)


async def test_a_removed_operator_is_shown_the_door(tmp_path: Path) -> None:
    async with furnished(tmp_path) as house, attached(house) as client:
        house.operators.remove("ann")
        with pytest.raises(Disconnected, match="no longer an operator"):
            await client.push()


async def test_a_removed_operator_does_nothing_more_in_the_moment_that_is_left_to_him(tmp_path: Path) -> None:
    """His session is ended within a second; if his next question comes before that, it is refused all the same."""
    async with furnished(tmp_path) as house, attached(house) as client:
        house.operators.remove("ann")
        with pytest.raises((Refused, Disconnected), match="no longer an operator"):
            await client.call(wire.SetPhase("BTCUSDT", "HALTED", "revenge"))
        assert await house.sequencer.read(lambda state: state.books[MarketId(1)].phase) is MarketPhase.OPEN
        assert "done" not in {entry.stage for entry in house.trail.tail(9) if entry.method == "market.phase"}


async def test_a_stopping_server_says_so(tmp_path: Path) -> None:
    """Clients can tell a stop from a crash, and the socket is gone afterwards."""
    async with furnished(tmp_path) as house:
        totp = enrol(house)
        async with served(house) as stop, connect(house.socket) as client:
            await client.call(wire.Attach(code(house, totp)))
            stop.set()
            with pytest.raises(Disconnected, match="the server stops"):
                await client.push()
        assert not house.socket.exists()


async def test_the_socket_of_a_killed_server_is_replaced(tmp_path: Path) -> None:
    async with furnished(tmp_path) as house:
        open_socket(house.socket).close()
        totp = enrol(house)
        async with served(house), connect(house.socket) as client:
            assert (await client.call(wire.Attach(code(house, totp)))).operator == "ann"


def test_a_file_in_the_way_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "admin.sock").write_text("mine")
    with pytest.raises(SocketRefused, match="not touched"):
        open_socket(tmp_path / "admin.sock")
    assert (tmp_path / "admin.sock").read_text() == "mine"


async def test_a_path_too_long_for_the_kernel_works_all_the_same(tmp_path: Path) -> None:
    folder = tmp_path / ("deep" * 30)
    folder.mkdir()
    async with furnished(folder, demo=True) as house, served(house), connect(house.socket) as client:
        assert (await client.call(wire.Attach())).operator == "demo"


async def test_where_nobody_listens_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(NotServed, match="no server listens"):
        async with connect(tmp_path / "admin.sock"):
            pass


async def test_no_more_sessions_than_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exchange.admin.server.MAX_SESSIONS", 1)
    async with furnished(tmp_path, demo=True) as house, served(house), connect(house.socket) as first:
        await first.call(wire.Attach())
        async with connect(house.socket) as second:
            with pytest.raises(Refused) as refused:
                await second.call(wire.Attach())
        assert refused.value.code == "too_many"


async def test_the_peer_is_who_the_kernel_says(tmp_path: Path) -> None:
    """SO_PEERCRED, not anything that the client sends."""
    from exchange.admin.server import peer_uid

    ours, theirs = socket.socketpair()
    with ours, theirs:
        stream = trio.SocketStream(trio.socket.from_stdlib_socket(ours))
        assert peer_uid(stream) == os.getuid()
