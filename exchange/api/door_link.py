"""One non-blocking socket of the fast door: what is to be sent, what has come, and an end that says goodbye first.

Whoever speaks a protocol over it is its `Speaker`: first HTTP, then perhaps WebSocket.
"""

from __future__ import annotations

import math
import socket
from collections.abc import Callable
from typing import Final, Protocol

import trio

from exchange.api.door_limits import DoorLimits
from exchange.api.door_loop import IN, OUT, Loop, broken
from exchange.api.door_tls import Tls, TlsFailed

_READ_BYTES: Final = 16_384
_UNSENT_BYTES: Final = 4_096
"""So much may wait in the kernel for a peer whose window is closed: who does not read is to be noticed soon."""


class Speaker(Protocol):
    """Who speaks a protocol over a link. All returns at once."""

    def received(self, data: bytes) -> None:
        """Keep these bytes for `work`."""
        ...

    def ended(self) -> None:
        """The peer will send nothing more, and all that it sent has been seen to."""
        ...

    def work(self) -> bool:
        """See to a bounded piece of what has come; True: there is more that could be seen to at once."""
        ...

    def tick(self, now: float) -> None:
        """Some time has passed."""
        ...

    def closed(self) -> None:
        """The link is no more."""
        ...


class Link:
    """A peer's socket. `stuck`: it has not taken all it was given."""

    __slots__ = (
        *(
            "_behind",
            "_busy",
            "_deadline",
            "_ended",
            "_fd",
            "_finishing",
            "_gone",
            "_limits",
            "_loop",
            "_paused",
            "_posted",
            "_rest",
        ),
        *("_shut", "_socket", "_tls", "_told", "address", "closed", "out", "speaker", "stuck_since"),
    )

    def __init__(
        self,
        loop: Loop,
        peer: socket.socket,
        address: str,
        limits: DoorLimits,
        tls: Tls | None,
        gone: Callable[[Link], None],
    ) -> None:
        """`out` is what waits to be sent. The loop is told by `start`, `gone` when it is over."""
        self.address = address
        self.out: list[bytes] = []
        self.closed = False
        self.stuck_since = math.inf
        self.speaker: Speaker
        self._loop = loop
        self._limits = limits
        self._socket = peer
        self._gone = gone
        self._fd = peer.fileno()
        self._tls = tls
        self._rest: memoryview | None = None
        self._posted = self._behind = self._busy = self._paused = self._finishing = self._shut = False
        self._ended = self._told = False
        self._deadline = math.inf

    def start(self, speaker: Speaker) -> None:
        """Read for `speaker` from now on."""
        self.speaker = speaker
        if self._socket.family != socket.AF_UNIX:
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, _UNSENT_BYTES)
        self._loop.add(self._fd, self)

    @property
    def stuck(self) -> bool:
        """Whether the peer has yet to take what it was given."""
        return self._rest is not None

    def write(self, data: bytes) -> None:
        """Queue `data`."""
        self.out.append(data)
        if not self._posted:
            self._posted = True
            self._loop.unsent(self)

    def write_behind(self, data: bytes) -> None:
        """Queue `data`, which may leave after answers to others that are queued later."""
        self.out.append(data)
        if not self._posted and not self._behind:
            self._behind = True
            self._loop.unsent_behind(self)

    def flush(self) -> None:
        """Send what is queued in one piece, as far as the socket takes it at once."""
        self._posted = self._behind = False
        if self._rest is not None or self.closed or self._shut:
            return
        out = self.out
        if out:
            data = out[0] if len(out) == 1 else b"".join(out)
            out.clear()
            self._send(data if self._tls is None else self._tls.seal(data))
        elif self._finishing:
            self._shut_down()

    def _send(self, data: bytes) -> None:
        try:
            sent = self._socket.send(data) if data else 0
        except BlockingIOError:
            sent = 0
        except OSError:
            self.abort()
            return
        if sent < len(data):
            self._rest = memoryview(data)[sent:]
            self.stuck_since = trio.current_time()
            self._watch()
        elif self._finishing and not self.out:
            self._shut_down()

    def _send_rest(self) -> None:
        assert self._rest is not None
        try:
            sent = self._socket.send(self._rest)
        except BlockingIOError:
            return
        except OSError:
            self.abort()
            return
        if sent < len(self._rest):
            self._rest = self._rest[sent:]
            self.stuck_since = trio.current_time()
            return
        self._rest, self.stuck_since = None, math.inf
        self._watch()
        self.flush()
        if not self.stuck:
            self.resume()

    def ready(self, events: int) -> None:
        """Read, write, or notice that the peer is gone."""
        if events & OUT and self._rest is not None:
            self._send_rest()
        if events & IN and not self.closed and not self._busy:
            self._read()
        elif broken(events):
            self.abort()

    def look(self) -> None:
        """Read what has come by now, though the loop has not said so yet; nothing, where reading is not due."""
        if not (self.closed or self._paused or self._ended or self._busy):
            self._read()

    def _read(self) -> None:
        try:
            data = self._socket.recv(_READ_BYTES)
            ended = not data
            if self._tls is not None and data:
                data, ended = self._tls.open(data)
                self._send_waiting(self._tls.waiting())
        except BlockingIOError:
            return
        except TlsFailed as failed:
            self._send_waiting(failed.last_words)
            self.abort()
            return
        except OSError:
            self.abort()
            return
        if self.closed:
            return
        if self._shut:
            if ended:
                self.abort()
            return
        if data:
            self.speaker.received(data)
        if ended:
            self._ended = True
            self._watch()
        self._work_soon()

    def _send_waiting(self, data: bytes) -> None:
        """What TLS itself has to say goes past the queue, but never into the middle of a record."""
        if data and self._rest is None:
            self._send(data)
        elif data:
            self._rest = memoryview(bytes(self._rest or b"") + data)

    def work(self) -> bool:
        """See `Pollable`."""
        self._busy = False
        if self.closed or self._shut:
            return False
        if self.speaker.work():
            self._busy = True
        elif self._ended and not self._paused and not self._told:
            self._told = True
            self.speaker.ended()
        return self._busy

    def _work_soon(self) -> None:
        if not self._busy:
            self._busy = True
            self._loop.busy(self)

    def pause(self) -> None:
        """Read no more until `resume`."""
        if not self._paused and not self.closed:
            self._paused = True
            self._watch()

    def resume(self) -> None:
        """Go on reading, with what has come already first."""
        if self.closed:
            return
        if self._paused:
            self._paused = False
            self._watch()
        self._work_soon()

    def _watch(self) -> None:
        if not self.closed:
            reads = not self._paused and not self._ended
            self._loop.watch(self._fd, (IN if reads else 0) | (OUT if self._rest is not None else 0))

    def finish(self) -> None:
        """Send what is queued, hang up, and give the peer a moment to take it: unread bytes would undo our goodbye."""
        self._finishing = True
        self.deadline(self._limits.farewell)
        if not self._posted:
            self._posted = True
            self._loop.unsent(self)

    def deadline(self, seconds: float) -> None:
        """Close in so many seconds, unless that happens before."""
        self._deadline = min(self._deadline, trio.current_time() + seconds)

    def _shut_down(self) -> None:
        """All is said; what still comes is read and thrown away until the peer hangs up too."""
        self._shut = True
        try:
            if self._tls is not None:
                self._socket.send(self._tls.goodbye())
            self._socket.shutdown(socket.SHUT_WR)
        except OSError:
            self.abort()
            return
        if self._ended:
            self.abort()
        elif self._paused:
            self._paused = False
            self._watch()

    def tick(self, now: float) -> None:
        """See `Pollable`."""
        if now >= self._deadline:
            self.abort()
        else:
            self.speaker.tick(now)

    def abort(self) -> None:
        """Close at once, whatever is still to be said."""
        if self.closed:
            return
        self.closed = True
        self._loop.forget(self._fd)
        self._socket.close()
        self.out.clear()
        self._rest = None
        self.speaker.closed()
        self._gone(self)
