"""systemd's side of a service: tell it that we are ready, alive, stopping; take the sockets that it holds for us.

Two small protocols of environment variables and one datagram (sd_notify(3), sd_listen_fds(3)); no library is needed.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from typing import Final

FIRST_DESCRIPTOR: Final = 3
"""Where handed-over descriptors begin."""

_MICRO: Final = 1_000_000


class BadHandover(Exception):
    """What was handed over in the environment cannot be used. Nothing was started."""


def notify(words: str, environment: Mapping[str, str] = os.environ) -> bool:
    """Send `words` ("READY=1") to whoever started us; False where nobody listens.

    A notice that cannot be delivered is no reason to stop trading: it is lost, and the watchdog decides.
    """
    address = environment.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return False
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
            channel.settimeout(1)
            channel.connect("\0" + address[1:] if address.startswith("@") else address)
            channel.send(words.encode())
    except OSError:
        return False
    return True


def watchdog_seconds(environment: Mapping[str, str] = os.environ) -> float | None:
    """How long we may be silent before we are taken for dead; None: nobody watches. Raises `BadHandover`."""
    said = environment.get("WATCHDOG_USEC", "")
    if not said or environment.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    if not said.isdecimal() or not int(said):
        raise BadHandover(f"WATCHDOG_USEC is {said!r}, not a number of microseconds. Nothing was started.")
    return int(said) / _MICRO


def inherited(environment: Mapping[str, str] = os.environ) -> dict[str, socket.socket]:
    """The listening sockets that were handed to this process, by name; none where LISTEN_PID is not ours.

    Raises `BadHandover` for what is no listening stream socket, has no name, or a name twice.
    """
    if environment.get("LISTEN_PID") != str(os.getpid()):
        return {}
    said = environment.get("LISTEN_FDS", "")
    if not said.isdecimal():
        raise BadHandover(f"LISTEN_FDS is {said!r}, not a number. Nothing was started.")
    names = environment.get("LISTEN_FDNAMES", "").split(":")
    if len(names) != int(said) or len(set(names)) != len(names):
        wanted = f"LISTEN_FDS says {said}, LISTEN_FDNAMES names {names}: each needs a name of its own"
        raise BadHandover(f"{wanted} (FileDescriptorName=). Nothing was started.")
    return {name: _listener(FIRST_DESCRIPTOR + place, name) for place, name in enumerate(names)}


def _listener(descriptor: int, name: str) -> socket.socket:
    try:
        os.set_inheritable(descriptor, False)  # it is ours, not our children's
        listener = socket.socket(fileno=descriptor)
        listens = listener.type == socket.SOCK_STREAM and listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    except OSError as error:
        raise BadHandover(f"descriptor {descriptor} ({name}) is no socket: {error}. Nothing was started.") from error
    if not listens:
        listener.close()
        raise BadHandover(f"descriptor {descriptor} ({name}) is no listening stream socket. Nothing was started.")
    listener.setblocking(False)
    return listener
