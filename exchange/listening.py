"""The sockets of the doors: handed over by systemd, by name, or opened here; and where they can be reached."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import Final

import msgspec

from exchange.ops import notify
from exchange.ops.listener import HOST as LOOPBACK
from exchange.settings import Settings

MAIN: Final = "main"
FAST: Final = "fast"
"""What systemd calls the two (FileDescriptorName=)."""

_BACKLOG: Final = 1_024


class Listeners(msgspec.Struct, frozen=True):
    """Bound, listening, non-blocking. `kept`: somebody else holds those of the doors too, so that whoever comes while
    this process stops waits for the next one.
    """

    main: socket.socket
    fast: socket.socket
    ops: socket.socket
    kept: bool


@contextmanager
def listening(settings: Settings, inherited: dict[str, socket.socket]) -> Iterator[Listeners]:
    """Those that were handed over, both or none; else of the settings. All are closed at the end.

    Raises `BadHandover`, or `OSError` with the address in its words.
    """
    with ExitStack() as opened:
        for one in inherited.values():
            opened.enter_context(closing(one))
        if inherited and set(inherited) != {MAIN, FAST}:
            got = ", ".join(inherited)
            raise notify.BadHandover(f"sockets called {got} were handed over, not main and fast. Nothing was started.")
        ops = opened.enter_context(closing(listen(LOOPBACK, settings.ops_port)))
        if inherited:
            yield Listeners(inherited[MAIN], inherited[FAST], ops, kept=True)
            return
        main = opened.enter_context(closing(listen(settings.host, settings.http_port)))
        fast = opened.enter_context(closing(listen(settings.host, settings.fast_port)))
        yield Listeners(main, fast, ops, kept=False)


def listen(host: str, port: int) -> socket.socket:
    """A listening socket. Raises `OSError` with the address in its words."""
    listener = None
    try:
        (family, kind, protocol, _, address), *_ = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind(address)
        listener.listen(_BACKLOG)
    except OSError as error:
        if listener is not None:
            listener.close()
        said = f"nothing can listen on {shown(host)}:{port}: {error.strerror or error}. Nothing was started."
        raise OSError(said) from error
    listener.setblocking(False)
    return listener


def shown(host: str) -> str:
    """The host as a URL writes it."""
    return f"[{host}]" if ":" in host else host
