"""Thousands of WebSockets in one thread: most read all they are sent, some open a stream and never read again."""

from __future__ import annotations

import select
import socket
import time
from pathlib import Path
from threading import Event, Thread
from typing import Final

STREAMS: Final = "btcusdt@trade/btcusdt@aggTrade/btcusdt@depth@100ms/btcusdt@bookTicker/btcusdt@depth20@100ms"
_ESTABLISHED: Final = "01"
_SMALL: Final = 2_048


class Crowd:
    """Sockets to a fast door. The first ones never read after the handshake."""

    def __init__(self, port: int, size: int, silent: int) -> None:
        """So many in all, `silent` of which never read."""
        self._port = port
        self._sockets: dict[int, socket.socket] = {}
        self._silent: set[int] = set()
        """Their own ports."""
        self._poll = select.epoll()
        self.received: dict[int, int] = {}
        """Bytes that each reader got, by file descriptor."""
        self.hung_up: set[int] = set()
        """Readers that the server let go, by file descriptor."""
        self._over = Event()
        for number in range(size):
            self._open(silent=number < silent)
        self._thread = Thread(target=self._read, name="crowd")
        self._thread.start()

    def _open(self, *, silent: bool) -> None:
        one = socket.socket()
        if silent:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SMALL)
        one.settimeout(60)
        one.connect(("127.0.0.1", self._port))
        path = f"/stream?streams={STREAMS}" if silent else "/ws/btcusdt@trade"
        head = f"GET {path} HTTP/1.1\r\nHost: crowd\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        one.sendall(f"{head}Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode())
        answer = one.recv(_SMALL // 4)
        assert answer.startswith(b"HTTP/1.1 101"), answer
        self._sockets[one.fileno()] = one
        if silent:
            self._silent.add(one.getsockname()[1])
            return
        one.setblocking(False)
        self.received[one.fileno()] = 0
        self._poll.register(one.fileno(), select.EPOLLIN)

    def _read(self) -> None:
        """Take what comes. A ping needs no answer in the time that this lasts."""
        while not self._over.is_set():
            for descriptor, _ in self._poll.poll(0.1, 1_000):
                try:
                    content = self._sockets[descriptor].recv(65_536)
                except ConnectionError:
                    content = b""
                self.received[descriptor] += len(content)
                if not content:
                    self.hung_up.add(descriptor)
                    self._poll.unregister(descriptor)

    def still_served(self) -> int:
        """How many of the silent ones the server has not let go, by the kernel's own table of sockets."""
        ours, count = f"{self._port:04X}", 0
        for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
            _, local, remote, state, *_ = line.split()
            if local.endswith(f":{ours}") and state == _ESTABLISHED and int(remote[-4:], 16) in self._silent:
                count += 1
        return count

    def seconds_until_let_go(self, patience: float) -> float:
        """How long it takes from now until no silent one is served any more. Raises `TimeoutError`."""
        began = time.monotonic()
        while self.still_served():
            if time.monotonic() - began > patience:
                raise TimeoutError(f"{self.still_served()} who never read are still served after {patience} s")
            time.sleep(0.05)
        return time.monotonic() - began

    def close(self) -> None:
        """Everybody leaves."""
        self._over.set()
        self._thread.join()
        for one in self._sockets.values():
            one.close()
        self._poll.close()
