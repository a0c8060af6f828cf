"""A listening socket of the fast door: takes in whoever comes, a few at a time."""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable
from typing import Final

import structlog

from exchange.api.client_address import plain
from exchange.api.door_loop import IN, Loop

_ACCEPTS: Final = 32
"""So many newcomers are let in at one wake-up."""

_FULL: Final = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}
_log = structlog.get_logger(__name__)


class Listening:
    """See `Pollable`."""

    def __init__(self, loop: Loop, listener: socket.socket, meet: Callable[[socket.socket, str], None]) -> None:
        """`listener` is bound and listens; it is closed by `abort`. `meet` is given each peer and its address."""
        self._loop = loop
        self._socket = listener
        self._fd = listener.fileno()
        self._meet = meet
        self._resting = self._closed = False
        listener.setblocking(False)
        loop.add(self._fd, self)

    def ready(self, _: int) -> None:
        """Let in who waits. When the machine has no room for more, look again a moment later."""
        for _ in range(_ACCEPTS):
            try:
                peer, address = self._socket.accept()
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno in _FULL:
                    _log.warning("no room for another connection", error=str(error))
                    self._resting = True
                    self._loop.watch(self._fd, 0)
                    return
                continue  # that peer is gone already
            peer.setblocking(False)
            self._meet(peer, plain(str(address[0])) if address else "")

    def work(self) -> bool:
        return False

    def flush(self) -> None:
        """Nothing is ever queued here."""

    def tick(self, _: float) -> None:
        if self._resting:
            self._resting = False
            self._loop.watch(self._fd, IN)

    def abort(self) -> None:
        if not self._closed:
            self._closed = True
            self._loop.forget(self._fd)
            self._socket.close()
