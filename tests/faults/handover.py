"""What systemd does for us, in small: it holds the doors' sockets, starts servers upon them, hears their notices."""

from __future__ import annotations

import socket
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import trio

from tests.faults.server import Running, demo

LAUNCH = """
import fcntl, os, sys
held = [fcntl.fcntl(int(one), fcntl.F_DUPFD, 100) for one in sys.argv[2].split(",")]
for place, descriptor in enumerate(held):
    os.dup2(descriptor, 3 + place)
    os.close(descriptor)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(held)), LISTEN_FDNAMES=sys.argv[1])
os.execv(sys.argv[3], sys.argv[3:])
"""
"""A program: hands the descriptors `argv[2]` on as systemd would, under the names `argv[1]`, and becomes the rest."""


class Supervisor:
    """Listening sockets by name, and the socket on which notices come."""

    def __init__(self, folder: Path, names: Sequence[str]) -> None:
        """On free ports of loopback. `folder` is for the notices' socket."""
        self.listening = {name: socket.create_server(("127.0.0.1", 0), backlog=1_024) for name in names}
        self.path = folder / "notify.sock"
        self.notices = trio.socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)

    async def heard(self, said: str) -> None:
        """Returns when a notice with that line has come."""
        while said not in (await self.notices.recv(4_096)).decode().splitlines():
            pass

    @asynccontextmanager
    async def start(
        self, folder: Path, *options: str, watchdog_seconds: int = 0, environment: Mapping[str, str] | None = None
    ) -> AsyncIterator[Running]:
        """`exchange demo` upon these sockets; killed at the end if it still runs."""
        descriptors = [one.fileno() for one in self.listening.values()]
        launch = [sys.executable, "-c", LAUNCH, ":".join(self.listening), ",".join(map(str, descriptors))]
        given = {"NOTIFY_SOCKET": str(self.path), **(environment or {})}
        if watchdog_seconds:
            given["WATCHDOG_USEC"] = str(watchdog_seconds * 1_000_000)
        async with demo(folder, *options, before=launch, environment=given, handed=descriptors) as running:
            yield running


@asynccontextmanager
async def supervised(folder: Path, names: Sequence[str] = ("main", "fast")) -> AsyncIterator[Supervisor]:
    """Its sockets are open all the time, whoever serves them."""
    async with AsyncExitStack() as stack:
        supervisor = Supervisor(folder, names)
        for one in supervisor.listening.values():
            stack.enter_context(one)
        stack.callback(supervisor.notices.close)
        await supervisor.notices.bind(str(supervisor.path))
        yield supervisor
