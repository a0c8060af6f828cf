"""One WebSocket connection: bounded buffers both ways, pings, limits, and an orderly end.

The `websockets` library knows the protocol and touches no socket; this class owns the socket. Messages of streams go
past the library, framed once for all readers.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final

import trio
from websockets.frames import Frame, Opcode
from websockets.http11 import Response
from websockets.protocol import OPEN
from websockets.server import ServerProtocol

from exchange.api.door_limits import DoorLimits
from exchange.api.feeds import Message, text_frame

POLICY: Final = 1008
GOING_AWAY: Final = 1001
_NOT_TEXT: Final = 1003
_NOT_UTF8: Final = 1007
_TOO_BIG: Final = 1009

_READ_BYTES: Final = 16_384
_PARTS: Final = 256
"""A message comes in so many frames at most: frames without content would else pile up without an end."""

_TURN: Final = 16
"""So many frames of one peer are seen to before others have their turn."""


class Connection:
    """A peer whose handshake is done. All but `run` returns at once.

    What is queued is written by `deliver`, which somebody calls for many connections in turn; only what a full socket
    does not take at once is left to a task of this connection's own.
    """

    def __init__(
        self,
        stream: trio.abc.HalfCloseableStream,
        protocol: ServerProtocol,
        limits: DoorLimits,
        post: Callable[[Connection], None] | None = None,
        *,
        combined: bool,
        metered: bool,
    ) -> None:
        """`combined`: messages name their stream. `metered`: every message counts, not only pings and pongs.

        `post` is called when there is something to `deliver`; without it the connection writes everything itself.
        """
        self.combined = combined
        self.ending = ""
        self._stream = stream
        self._post = post
        self._posted = False
        self._protocol = protocol
        self._limits = limits
        self._metered = metered
        self._allowance = float(2 * limits.messages_per_second)
        self._allowed_at = self._pinged_at = self._answered_at = trio.current_time()
        self._pings: deque[bytes] = deque(maxlen=8)
        self._outgoing: deque[bytes] = deque()
        self._bell = trio.Event()
        self._sending_since: float | None = None
        self._taken = trio.Event()
        self._parts: list[bytes] = []
        self._scope = trio.CancelScope()
        self._rest = b""  # of a frame begun: whatever else is dropped, it must be ended
        self._finished = False
        self._closed = False

    def greet(self, response: Response) -> None:
        """Queue the answer that completes the handshake, ahead of all else."""
        self._protocol.send_response(response)
        self._flush()

    def offer(self, message: Message) -> None:
        """Queue a message of a stream, or cut the reader off if it has fallen too far behind."""
        self._push(message.combined() if self.combined else message.raw())

    def send(self, payload: bytes) -> None:
        """Queue a text of its own."""
        self._push(text_frame(payload))

    def _push(self, frame: bytes) -> None:
        if self.ending:
            return
        outgoing = self._outgoing
        outgoing.append(frame)
        if len(outgoing) > self._limits.buffer_messages and self._too_slow():
            self.cut(POLICY, "you read too slowly: too many messages were waiting", drop=True)
            return
        self._ring()

    def _ring(self) -> None:
        """See to it that what is queued gets written."""
        if self._post is None or self._finished:
            self._bell.set()
        elif not self._posted:
            self._posted = True
            self._post(self)

    def deliver(self) -> None:
        """Write what is queued as far as the socket takes it at once; the rest is for `run` to write."""
        self._posted = False
        outgoing = self._outgoing
        if self._closed or not outgoing or self._sending_since is not None:
            return
        assert isinstance(self._stream, trio.SocketStream)
        frames = b"".join(outgoing)
        outgoing.clear()
        try:
            written = os.write(self._stream.socket.fileno(), frames)
        except BlockingIOError:
            written = 0
        except OSError:
            self._lost()
            return
        if written < len(frames):
            self._rest = frames[written:]
            self._sending_since = trio.current_time()
            self._bell.set()

    async def drained(self) -> None:
        """Returns once the socket has taken what it was given: who does not read need not be given more."""
        while self._sending_since is not None:
            await self._taken.wait()

    def _too_slow(self) -> bool:
        if len(self._outgoing) > self._limits.buffer_messages * self._limits.burst:
            return True
        since = self._sending_since
        return since is not None and trio.current_time() - since > self._limits.patience

    def cut(self, code: int, reason: str, *, drop: bool = False) -> None:
        """End the connection, saying why: what waits is still sent, unless `drop`; then the peer has a moment."""
        if self.ending:
            return
        self._end(reason)
        if drop:
            self._outgoing.clear()
        if self._protocol.state is OPEN:
            self._protocol.send_close(code, reason)
            self._flush()

    def _end(self, reason: str) -> None:
        """From here on nothing new is sent, and the peer has a moment to take what is left."""
        self.ending = self.ending or reason
        self._scope.deadline = min(self._scope.deadline, trio.current_time() + self._limits.farewell)

    def tick(self) -> None:
        """Ping if it is time to; cut off a peer that has not answered for too long. To be called every second or so."""
        now = trio.current_time()
        if self.ending:
            return
        if self._pings and now - self._answered_at > self._limits.pong:
            self.cut(POLICY, "no pong came back", drop=True)
        elif now - self._pinged_at >= self._limits.ping:
            if not self._pings:
                self._answered_at = now
            self._pinged_at = now
            payload = str(int(now * 1_000)).encode()
            self._pings.append(payload)
            self._protocol.send_ping(payload)
            self._flush()

    async def run(self, answer: Callable[[str], Awaitable[None]]) -> None:
        """Read and write until either side ends it; `answer` is awaited with each text, one at a time."""
        try:
            with self._scope:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._write)
                    await self._read(answer)
                    self._finished = True
                    self._bell.set()
        finally:
            self._closed = True

    async def _write(self) -> None:
        """Send what is queued, as much at once as there is, and hang up when all is said."""
        outgoing = self._outgoing
        try:
            while self._rest or outgoing or not self._finished:
                if not self._rest and not outgoing:
                    self._bell = trio.Event()
                    await self._bell.wait()
                    continue
                frames = self._rest + b"".join(outgoing)
                self._rest = b""
                outgoing.clear()
                self._sending_since = trio.current_time()
                await self._stream.send_all(frames)
                self._sending_since = None
                self._taken.set()
                self._taken = trio.Event()
            await self._stream.send_eof()
        except trio.BrokenResourceError:
            self._lost()

    def _lost(self) -> None:
        """The peer is gone without a word: nothing is left to be said."""
        self.ending = self.ending or "the peer vanished"
        self._scope.cancel()

    async def _read(self, answer: Callable[[str], Awaitable[None]]) -> None:
        """Take in what the peer sends until there is no more.

        An ending connection is read too, but not answered: bytes left unread would make the kernel drop our goodbye.
        """
        protocol = self._protocol
        await self._handle(answer)  # what came along with the handshake
        while True:
            try:
                data = await self._stream.receive_some(_READ_BYTES)
            except trio.BrokenResourceError:
                self._lost()
                return
            if data:
                protocol.receive_data(data)
            else:
                protocol.receive_eof()
            await self._handle(answer)
            if not data:
                self._end("the peer left")
                return

    async def _handle(self, answer: Callable[[str], Awaitable[None]]) -> None:
        for number, event in enumerate(self._protocol.events_received(), 1):
            if isinstance(event, Frame) and not self.ending:
                text = self._text_of(event)
                if text is not None:
                    await answer(text)
            if number % _TURN == 0:
                await trio.lowlevel.checkpoint()
        self._flush()
        if self._protocol.state is not OPEN:
            self._end("the peer broke the protocol")

    def _text_of(self, frame: Frame) -> str | None:
        """The text that `frame` completes, if it does; pings, pongs and closings are seen to here."""
        opcode = frame.opcode
        if opcode is Opcode.CLOSE:
            self._end("the peer said goodbye")
            return None
        if (self._metered or opcode in {Opcode.PING, Opcode.PONG}) and not self._allowed():
            self.cut(POLICY, f"more than {self._limits.messages_per_second} messages per second", drop=True)
            return None
        if opcode is Opcode.PONG:
            if bytes(frame.data) in self._pings:
                self._pings.clear()
            return None
        if opcode is Opcode.PING:
            return None
        if opcode is Opcode.BINARY:
            self.cut(_NOT_TEXT, "only text frames are understood here")
            return None
        self._parts.append(bytes(frame.data))
        if not frame.fin:
            if len(self._parts) >= _PARTS:
                self.cut(_TOO_BIG, f"a message has at most {_PARTS} frames")
            return None
        whole, self._parts = b"".join(self._parts), []
        try:
            return whole.decode()
        except UnicodeDecodeError:
            self.cut(_NOT_UTF8, "not UTF-8")
            return None

    def _allowed(self) -> bool:
        """Take one message out of the allowance, which refills by the second."""
        now, rate = trio.current_time(), self._limits.messages_per_second
        self._allowance = min(2.0 * rate, self._allowance + (now - self._allowed_at) * rate)
        self._allowed_at = now
        self._allowance -= 1
        return self._allowance >= 0

    def _flush(self) -> None:
        """Queue what the protocol wants sent; its end of file means that all is said."""
        for part in self._protocol.data_to_send():
            if part:
                self._outgoing.append(part)
            else:
                self._finished = True
        self._ring()
