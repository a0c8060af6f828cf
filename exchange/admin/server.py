"""The operators' Unix socket: who may connect, how many, and for how long they stay operators."""

from __future__ import annotations

import os
import socket
import stat
import struct
import traceback
from pathlib import Path
from typing import Final

import structlog
import trio

from exchange.admin import wire
from exchange.admin.feed import Feed
from exchange.admin.house import House
from exchange.admin.session import Session
from exchange.core.units import Micros
from exchange.office.operators import Operator, Role

MAX_SESSIONS: Final = 32
SOCKET_MODE: Final = 0o660
BACKLOG: Final = 64
STRANGER_US: Final = 60_000_000
"""A refused stranger is recorded once in this time, so that he cannot fill the disk."""

MAX_STRANGERS: Final = 1_000

_UCRED: Final = struct.Struct("3i")  # pid, uid, gid: socket(7), SO_PEERCRED
_log = structlog.get_logger("exchange.admin")


class SocketRefused(Exception):
    """The socket cannot be opened. The message says why and what to do."""


async def serve_admin(
    house: House,
    path: Path,
    *,
    stop: trio.Event,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve operators at `path` until `stop`; started once they can connect. Needs a running sequencer.

    In demo mode whoever runs the server is an operator without a code. Acts that were begun are finished.
    """
    desk = _Desk(house, Feed(house), os.getuid() if house.settings.demo else None)
    await desk.feed.restore()
    listener = trio.SocketListener(trio.socket.from_stdlib_socket(open_socket(path)))
    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(desk.feed.run)
            nursery.start_soon(desk.keep_out_removed)
            nursery.start_soon(trio.serve_listeners, desk.serve, [listener])
            task_status.started()
            await stop.wait()
            nursery.cancel_scope.cancel()
    finally:
        os.unlink(path)  # noqa: PTH108  # pathlib is thought to block, and this is as quick


def open_socket(path: Path) -> socket.socket:
    """Listen at `path`, mode 0660 from the first moment. Raises `SocketRefused`.

    A socket left by a killed server is replaced; `data/lock` says that nobody serves there.
    """
    if path.exists() and not stat.S_ISSOCK(path.lstat().st_mode):
        raise SocketRefused(f"{path}: something that is no socket is in the way. It was not touched; move it.")
    path.unlink(missing_ok=True)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o777 & ~SOCKET_MODE)
    try:
        with wire.reachable(path) as address:
            listening.bind(address)
    except OSError as error:
        listening.close()
        raise SocketRefused(f"{path}: no socket can be made here ({error.strerror}).") from error
    finally:
        os.umask(before)
    listening.listen(BACKLOG)
    return listening


class _Desk:
    """Takes connections from operators and from nobody else."""

    def __init__(self, house: House, feed: Feed, demo_uid: int | None) -> None:
        self.feed = feed
        self._house = house
        self._demo_uid = demo_uid
        self._sessions: set[Session] = set()
        self._strangers: dict[int, Micros] = {}

    async def serve(self, stream: trio.SocketStream) -> None:
        """Serve one connection, whatever becomes of it."""
        try:
            await self._serve(stream)
        except Exception:  # noqa: BLE001  # one connection, a stranger's above all, must not end the exchange
            _log.error("a connection failed", trace=traceback.format_exc())
            await trio.aclose_forcefully(stream)

    async def _serve(self, stream: trio.SocketStream) -> None:
        uid = peer_uid(stream)
        operator = self._operator(uid)
        if operator is None:
            self._note_stranger(uid)
            await _hang_up(stream, "not_an_operator", f"user id {uid} belongs to no operator. Nothing was changed.")
        elif len(self._sessions) >= MAX_SESSIONS:
            await _hang_up(stream, "too_many", f"{MAX_SESSIONS} operators are attached, the most there may be.")
        else:
            session = Session(self._house, self.feed, stream, operator, trusted=uid == self._demo_uid)
            self._sessions.add(session)
            try:
                await session.run()
            except Exception:  # noqa: BLE001  # one connection must not end the exchange; it is logged
                _log.error("a session failed", operator=operator.name, trace=traceback.format_exc())
            finally:
                self._sessions.discard(session)

    async def keep_out_removed(self) -> None:
        """End the sessions of those who are operators no more, or have changed."""
        while True:
            await trio.sleep(1)
            for session in tuple(self._sessions):
                current = self._operator(session.operator.uid)
                if current is None or current.name != session.operator.name:
                    session.end("removed")

    def _operator(self, uid: int) -> Operator | None:
        if uid == self._demo_uid:
            return Operator("demo", uid, Role.OPERATIONS, Micros(0))
        return self._house.operators.by_uid(uid)

    def _note_stranger(self, uid: int) -> None:
        now = self._house.clock.now()
        if now - self._strangers.get(uid, Micros(0)) < STRANGER_US:
            return
        if len(self._strangers) >= MAX_STRANGERS:
            self._strangers.clear()
        self._strangers[uid] = now
        _log.warning("refused a stranger", uid=uid)
        self._house.trail.refused("", uid, "attach", '{"code":"not_an_operator"}')


def peer_uid(stream: trio.SocketStream) -> int:
    """The user that the kernel says is at the other end."""
    _, uid, _ = _UCRED.unpack(stream.socket.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size))
    return int(uid)


async def _hang_up(stream: trio.SocketStream, code: str, text: str) -> None:
    """Say why, briefly, and close."""
    with trio.move_on_after(1):
        try:
            await stream.send_all(wire.encode(wire.Refusal(0, code, text)))
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            _log.info("a refused client left at once")
    await trio.aclose_forcefully(stream)
