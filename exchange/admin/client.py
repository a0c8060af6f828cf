"""The other end of the operators' socket, for the commands of the command line (the dashboard has its own)."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final, TypeVar

import msgspec
import trio

from exchange.admin import wire
from exchange.admin.house import Refused
from exchange.admin.lines import Lines, LineTooLong

R = TypeVar("R")

MAX_PUSHES: Final = 10_000
"""Pushes kept for a reader who asks questions in between; older ones are dropped."""


class NotServed(Exception):
    """No server listens at that socket."""


class Disconnected(Exception):
    """The server hung up; what was asked last may or may not have been done. The message says why, if it said so."""


class AdminClient:
    """Asks one question at a time."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        """`stream` is connected to the operators' socket."""
        self._stream = stream
        self._lines = Lines(stream, wire.MAX_FRAME)
        self._number = 0
        self._pushes: deque[wire.FromServer] = deque(maxlen=MAX_PUSHES)

    async def call(self, ask: wire.Ask[R]) -> R:
        """The answer to `ask`. Raises `Refused` or `Disconnected`."""
        self._number += 1
        with suppress(trio.BrokenResourceError):  # the server may have said why before it hung up
            await self._stream.send_all(wire.request(self._number, ask))
        while True:
            frame = await self._frame()
            match frame:
                case wire.Reply(id=self._number):
                    return wire.decode_result(ask, frame)
                case wire.Refusal(id=number, code=code, text=text) if number in (0, self._number):
                    raise Refused(code, text)
                case _:
                    self._pushes.append(frame)

    async def push(self) -> wire.FromServer:
        """The next frame that was not asked for. Raises `Disconnected`."""
        return self._pushes.popleft() if self._pushes else await self._frame()

    async def _frame(self) -> wire.FromServer:
        try:
            line = await self._lines.next()
            frame = wire.decode_frame(line) if line is not None else None
        except (trio.BrokenResourceError, LineTooLong, msgspec.DecodeError) as error:
            raise Disconnected(f"the server's answer could not be read ({type(error).__name__})") from error
        if frame is None:
            raise Disconnected("the server hung up")
        if isinstance(frame, wire.Closing):
            raise Disconnected(wire.clean(frame.text))
        return frame


@asynccontextmanager
async def connect(path: Path) -> AsyncIterator[AdminClient]:
    """A client of the server at `path`, not attached yet. Raises `NotServed` or `PermissionError`."""
    try:
        with wire.reachable(path) as address:
            stream = await trio.open_unix_socket(address)
    except (FileNotFoundError, ConnectionRefusedError) as error:
        raise NotServed(f"{path}: no server listens here") from error
    async with stream:
        yield AdminClient(stream)
