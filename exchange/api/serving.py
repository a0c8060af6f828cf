"""Hypercorn, peer by peer: what goes wrong on one connection costs nobody else theirs, and an address has its share.

Hypercorn's own loop lets an exception of one connection (a peer whose bytes turn bad while it is being answered is
enough) end the server, and has no limit on connections; its connections are used here, its loop is not.
"""

from __future__ import annotations

import select
import ssl
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Final, Protocol

import h11
import structlog
import trio
from hypercorn.config import Config
from hypercorn.events import Closed, Event, RawData, Updated
from hypercorn.protocol.h11 import H11Protocol
from hypercorn.trio.tcp_server import TCPServer
from hypercorn.trio.worker_context import WorkerContext
from hypercorn.typing import AppWrapper, ConnectionState

from exchange.api import errors
from exchange.api.answering import refusal_reply
from exchange.api.client_address import line_of, plain
from exchange.api.errors import Refusal

PIECE_BYTES: Final = 65_536
PIECE_SECONDS: Final = 10
"""A peer that has not taken so many bytes of its answer after this time is cut off."""

LOOK_SECONDS: Final = 0.05
"""Pause between two looks whether all peers have gone."""

_log = structlog.get_logger(__name__)


class Note(Protocol):
    """Gives the refusal of what cannot even be read an id, and writes it down."""

    def __call__(self, refusal: Refusal, /, *, address: str) -> str: ...


class _Peer(TCPServer):
    """A connection that ends when its peer has ended it, and not only when its time of idleness is over."""

    note: Callable[[Refusal], str]
    """Gives a refusal an id, and writes it down."""

    _gone = False

    async def _read_data(self) -> None:
        """Read to the end, and then wait for nothing but the answer being given."""
        spoken = self.protocol.protocol
        assert isinstance(spoken, H11Protocol)
        spoken._check_protocol = _only_http_1  # type: ignore[method-assign, assignment]  # noqa: SLF001
        spoken._send_error_response = partial(_refuse, spoken, self.note)  # type: ignore[method-assign]  # noqa: SLF001
        await super()._read_data()
        self._gone = True
        await self.idle_task.stop()

    async def protocol_send(self, event: Event) -> None:
        """Do what the protocol wants, except to idle on with nobody there."""
        if isinstance(event, RawData):
            await self._send(event.data)
        elif not (self._gone and isinstance(event, Updated)):
            await super().protocol_send(event)

    async def _initiate_server_close(self) -> None:
        """Hang up on an idle peer, unless its next request has come this very moment: that is answered first."""
        if not self._speaks():
            await super()._initiate_server_close()

    def _speaks(self) -> bool:
        transport = getattr(self.stream, "transport_stream", self.stream)  # without TLS it is the transport itself
        descriptor = transport.socket.fileno()
        if descriptor == -1:
            return False
        look = select.poll()
        look.register(descriptor, select.POLLIN)
        return bool(look.poll(0))

    async def _send(self, data: bytes) -> None:
        """Send piece by piece to a peer that takes them.

        Hypercorn's own sending cannot be cancelled: one peer that does not read would keep the process from ending.
        """
        async with self.send_lock:
            try:
                for start in range(0, len(data), PIECE_BYTES):
                    with trio.fail_after(PIECE_SECONDS):
                        await self.stream.send_all(data[start : start + PIECE_BYTES])
            except (trio.BrokenResourceError, trio.ClosedResourceError, trio.TooSlowError):
                await trio.aclose_forcefully(self.stream)
                await self.protocol.handle(Closed())
            except trio.Cancelled:
                await trio.aclose_forcefully(self.stream)  # half an answer is out: nothing may follow it
                raise


async def _refuse(spoken: H11Protocol, note: Callable[[Refusal], str], status: int) -> None:
    """Say why what came cannot be read, in the words of every other refusal. Hypercorn's own has no body."""
    refusal = errors.HEAD_TOO_LARGE if status == errors.HEAD_TOO_LARGE.status else errors.MALFORMED
    reply = refusal_reply(refusal, note(refusal))
    headers = [(name.encode(), value.encode()) for name, value in reply.headers]
    length = str(len(reply.body)).encode()
    headers += [(b"content-length", length), (b"connection", b"close"), *spoken.config.response_headers("h11")]
    send = spoken._send_h11_event  # noqa: SLF001
    await send(h11.Response(status_code=refusal.status, headers=headers))
    await send(h11.Data(data=reply.body))
    await send(h11.EndOfMessage())


async def _only_http_1(_: object) -> None:
    """Upgrade to nothing: HTTP/2 would be a second parser for strangers to try, and no bot needs it here."""


class Peers:
    """All connections of one door."""

    def __init__(
        self,
        app: AppWrapper,
        config: Config,
        note: Note,
        *,
        in_all: int,
        per_address: int,
        proxy: str,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """Connections beyond `in_all`, or `per_address` (but for that of the proxy), are closed at once.

        `note` is told of what cannot even be read, and from which address it came; it returns an id.
        """
        self._app = app
        self._note = note
        self._config = config
        self._context = WorkerContext(None)
        self._in_all = in_all
        self._per_address = per_address
        self._proxy = plain(proxy)
        self._tls = tls
        self._addresses: Counter[str] = Counter()

    def count(self) -> int:
        """How many there are."""
        return self._addresses.total()

    async def serve(
        self,
        listeners: list[trio.SocketListener],
        stop: trio.Event,
        *,
        linger: float,
        task_status: trio.TaskStatus[None],
    ) -> None:
        """Serve until `stop`; then take no more peers, let what is being answered end, and return.

        Each answer from then on says that it is the connection's last; idle peers are given `linger` seconds to come
        for theirs. Returning takes at most that and the configuration's `graceful_timeout` more.
        """
        async with trio.open_nursery() as peers:
            async with trio.open_nursery() as accepting:
                await accepting.start(partial(trio.serve_listeners, self._accept, listeners, handler_nursery=peers))
                task_status.started()
                await stop.wait()
                accepting.cancel_scope.cancel()
            self._config.keep_alive_max_requests = 0
            with trio.move_on_after(linger):
                while self.count():  # noqa: ASYNC110  # at a stop only, and for a moment
                    await trio.sleep(LOOK_SECONDS)
            await self._context.terminated.set()
            peers.cancel_scope.deadline = trio.current_time() + self._config.graceful_timeout

    async def _accept(self, stream: trio.SocketStream) -> None:
        """One peer, from its first byte to its last."""
        try:
            address = plain(str(stream.socket.getpeername()[0]))
        except OSError:
            return  # gone before it was met
        line = line_of(address)
        crowded = address != self._proxy and self._addresses[line] >= self._per_address
        if crowded or self._addresses.total() >= self._in_all:
            return
        self._addresses[line] += 1
        try:
            spoken = stream if self._tls is None else trio.SSLStream(stream, self._tls, server_side=True)
            peer = _Peer(self._app, self._config, self._context, ConnectionState({}), spoken)  # type: ignore[arg-type]
            peer.note = partial(self._note, address=address)
            await peer
        except* Exception as errors:  # noqa: BLE001  # whatever it was, it was this peer's
            _log.warning("a connection failed", address=address, errors=[repr(error) for error in errors.exceptions])
        finally:
            self._addresses[line] -= 1
            if not self._addresses[line]:
                del self._addresses[line]
