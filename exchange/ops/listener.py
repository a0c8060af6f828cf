"""A door for machines that watch: a few GET pages over HTTP/1.1, one request a connection, on loopback alone."""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import h11
import msgspec
import structlog
import trio

HOST: Final = "127.0.0.1"
CONNECTIONS: Final = 32
"""So many at a time; a further one is closed at once."""
SECONDS: Final = 10
"""From a connection's first byte to its last."""
_HEAD_BYTES: Final = 16_384

_log = structlog.get_logger(__name__)


class Page(msgspec.Struct, frozen=True):
    """What is answered."""

    status: int
    content: bytes
    content_type: str = "text/plain; charset=utf-8"


Pages = Mapping[str, Callable[[], Awaitable[Page]]]
"""By path."""


async def serve_pages(
    pages: Pages, listener: trio.SocketListener, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
) -> None:
    """Answer until cancelled. `listener` must be bound to loopback: what is told here is not for strangers."""
    name = listener.socket.getsockname()
    if not ipaddress.ip_address(name[0]).is_loopback:
        raise ValueError(f"the operators' pages are for loopback alone, not for {name[0]}")
    room = trio.CapacityLimiter(CONNECTIONS)

    async def meet(stream: trio.SocketStream) -> None:
        async with stream:
            try:
                room.acquire_nowait()
            except trio.WouldBlock:
                return
            with trio.move_on_after(SECONDS):
                await _answer(pages, stream)

    async with trio.open_nursery() as nursery:
        await nursery.start(trio.serve_listeners, meet, [listener])
        task_status.started()


async def _answer(pages: Pages, stream: trio.SocketStream) -> None:
    """One request and its answer; a peer that breaks off, or speaks no HTTP, is hung up on."""
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=_HEAD_BYTES)
    try:
        request = await _request(connection, stream)
        page = await _page(pages, request)
        head = [("content-type", page.content_type), ("content-length", str(len(page.content)))]
        head += [("cache-control", "no-store"), ("connection", "close")]
        data = connection.send(h11.Response(status_code=page.status, headers=head))
        if request.method != b"HEAD":
            data += connection.send(h11.Data(data=page.content)) or b""
        await stream.send_all((data or b"") + (connection.send(h11.EndOfMessage()) or b""))
    except (h11.RemoteProtocolError, trio.BrokenResourceError, trio.ClosedResourceError):
        return


async def _request(connection: h11.Connection, stream: trio.SocketStream) -> h11.Request:
    """The request's head. Raises `h11.RemoteProtocolError`."""
    while True:
        event = connection.next_event()
        if isinstance(event, h11.Request):
            return event
        if event is not h11.NEED_DATA:
            raise h11.RemoteProtocolError("no request came")
        connection.receive_data(bytes(await stream.receive_some()))


async def _page(pages: Pages, request: h11.Request) -> Page:
    path = request.target.partition(b"?")[0].decode("ascii", "replace")
    make = pages.get(path)
    if make is None:
        return Page(404, f"there is nothing here. There are: {', '.join(pages)}\n".encode())
    if request.method not in {b"GET", b"HEAD"}:
        return Page(405, b"GET only\n")
    try:
        return await make()
    except Exception:  # noqa: BLE001  # a figure that cannot be told must not end the exchange; it is logged
        _log.exception("a page for operators failed", path=path)
        return Page(500, b"this page failed; the log says why\n")
