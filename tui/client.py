"""One connection to the server: questions and their answers, and what the server says unasked."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from exchange.admin import wire

R = TypeVar("R")

PATIENCE_S: Final = 12.0
"""How long an answer is waited for: longer than the server lets an act take. A later one is dropped, though what was
asked may have been done."""

Pushed = wire.Status | wire.PhaseChanged | wire.BookView | wire.TradesView | wire.Closing


class Refused(Exception):
    """The server said no; `code` is for programs, the message for people."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


class Lost(Exception):
    """The connection ended before the answer came, so whether it was done is unknown."""


class Unasked(Lost):
    """There was no connection to ask over: nothing was sent, so nothing was done."""


class Client:
    """Owns the two streams. `run` must be running for `ask` to get its answers.

    After the end, `farewell` is what the server said about it, and `sent_away` whether it goes on without us.
    """

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        heard: Callable[[Pushed], None],
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._heard = heard
        self._asked: dict[int, asyncio.Future[wire.Reply | wire.Refusal]] = {}
        self._last = 0
        self.farewell = ""
        self.sent_away = False

    async def run(self) -> None:
        """Read until the server hangs up; then everything still asked is `Lost`.

        Raises OSError for a broken connection, ValueError for a line that is too long or is no frame.
        """
        try:
            while line := await self._reader.readline():
                self._take(wire.decode_frame(line))
        finally:
            self.close()

    def close(self) -> None:
        """Hang up. Nothing is asked or answered from here on."""
        self._writer.close()
        for waiting in self._asked.values():
            if not waiting.done():
                waiting.set_exception(Lost("the connection was lost before the answer came"))

    async def ask(self, ask: wire.Ask[R], patience_s: float = PATIENCE_S) -> R:
        """The server's answer. Raises `Refused`, `Lost`, TimeoutError, or ValueError for an answer of another shape."""
        if self._writer.is_closing():
            raise Unasked("not attached to the server")
        self._last += 1
        number = self._last
        waiting = self._asked[number] = asyncio.get_running_loop().create_future()
        try:
            self._writer.write(wire.request(number, ask))
            answer = await asyncio.wait_for(waiting, patience_s)
        finally:
            del self._asked[number]
        if isinstance(answer, wire.Refusal):
            raise Refused(answer.code, answer.text)
        return wire.decode_result(ask, answer)

    def _take(self, frame: wire.FromServer) -> None:
        match frame:
            case wire.Reply() | wire.Refusal():
                waiting = self._asked.get(frame.id)
                if waiting is not None and not waiting.done():
                    waiting.set_result(frame)
                elif isinstance(frame, wire.Refusal) and frame.id == 0:
                    self.farewell, self.sent_away = frame.text, True
            case wire.Closing():
                self.farewell, self.sent_away = frame.text, frame.reason != "stopping"
                self._heard(frame)
            case _:
                self._heard(frame)


async def connect(socket: Path, heard: Callable[[Pushed], None]) -> Client:
    """A client of the server at this socket. Raises OSError where nobody listens or we may not."""
    with wire.reachable(socket) as path:
        reader, writer = await asyncio.open_unix_connection(path, limit=wire.MAX_FRAME + 1)
    return Client(reader, writer, heard)


def reason(error: BaseException) -> str:
    """Why an attempt failed, in words for an operator."""
    match error:
        case FileNotFoundError():
            return "there is no socket at this path"
        case ConnectionRefusedError():
            return "nobody listens at this socket"
        case PermissionError():
            return "you may not open this socket; its group may"
        case TimeoutError():
            return "no answer in time"
        case msgspec.DecodeError() | ValueError():
            return "the server speaks another version of the protocol"
        case _:
            return str(error) or type(error).__name__
