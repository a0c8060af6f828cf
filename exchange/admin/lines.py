"""Lines out of a byte stream, none longer than a limit."""

from __future__ import annotations

from typing import Final

import trio

_CHUNK: Final = 65_536


class LineTooLong(Exception):
    """The peer sent more than the limit without a line end."""


class Lines:
    """Reads `stream` line by line."""

    def __init__(self, stream: trio.abc.ReceiveStream, limit: int) -> None:
        """`limit` is the longest line, in bytes, without its end."""
        self._stream = stream
        self._limit = limit
        self._buffer = bytearray()
        self._searched = 0

    async def next(self) -> bytes | None:
        """The next line without its end; None when the peer has ended. Raises `LineTooLong`, and Trio's own.

        Cancelled half-way, it loses nothing.
        """
        while (end := self._buffer.find(b"\n", self._searched)) < 0:
            self._searched = len(self._buffer)
            if self._searched > self._limit:
                raise LineTooLong
            chunk = await self._stream.receive_some(_CHUNK)
            if not chunk:
                return None
            self._buffer += chunk
        if end > self._limit:
            raise LineTooLong
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        self._searched = 0
        return line
