"""A real HTTP server on loopback that answers as it is told: well, late, wrongly, or not at all."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import h11
import msgspec
import trio


class Asked(msgspec.Struct):
    """One post as it came: its headers in lower case, and its JSON."""

    headers: dict[str, str]
    content: Any
    connection: int


Act = Callable[[Asked, trio.abc.Stream], Awaitable[None]]
"""What to do with a post: everything that the peer is to see is written by it."""


class SmallServer:
    """Plays one `Act` for each post, the last for ever, and keeps what it was asked."""

    def __init__(self, acts: list[Act]) -> None:
        self._acts = acts
        self.asked: list[Asked] = []
        self.connections = 0

    async def serve(self, stream: trio.abc.Stream) -> None:
        """One connection, until either side has enough of it."""
        self.connections += 1
        number = self.connections
        async with stream:
            try:
                while (asked := await _read(stream, number)) is not None:
                    self.asked.append(asked)
                    act = self._acts.pop(0) if len(self._acts) > 1 else self._acts[0]
                    await act(asked, stream)
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                return


async def _read(stream: trio.abc.Stream, number: int) -> Asked | None:
    http, headers, body = h11.Connection(h11.SERVER), {}, b""
    while True:
        event = http.next_event()
        if event is h11.NEED_DATA:
            http.receive_data(bytes(await stream.receive_some()))
        elif isinstance(event, h11.Request):
            headers = {name.decode(): value.decode() for name, value in event.headers}
        elif isinstance(event, h11.Data):
            body += event.data
        elif isinstance(event, h11.EndOfMessage):
            return Asked(headers, msgspec.json.decode(body), number)
        else:
            return None


@asynccontextmanager
async def small_server(*acts: Act, tls: ssl.SSLContext | None = None) -> AsyncIterator[tuple[SmallServer, str]]:
    """The server and its URL, without a slash at its end."""
    server = SmallServer(list(acts))

    async def serve(stream: trio.SocketStream) -> None:
        if tls is None:
            await server.serve(stream)
            return
        secured = trio.SSLStream(stream, tls, server_side=True)
        try:
            await secured.do_handshake()
        except trio.BrokenResourceError:
            return
        await server.serve(secured)

    async with trio.open_nursery() as nursery:
        listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
        port = listeners[0].socket.getsockname()[1]
        nursery.start_soon(trio.serve_listeners, serve, listeners)
        yield server, f"{'https' if tls else 'http'}://127.0.0.1:{port}"
        nursery.cancel_scope.cancel()


def http(body: bytes, status: str = "200 OK", more: str = "") -> bytes:
    """A whole answer."""
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{more}\r\n".encode() + body


def says(body: bytes, status: str = "200 OK", more: str = "") -> Act:
    """Always this body."""

    async def act(_: Asked, stream: trio.abc.Stream) -> None:
        await stream.send_all(http(body, status, more))

    return act


def writes(raw: bytes) -> Act:
    """These very bytes, HTTP or not, and then the end of the connection."""

    async def act(_: Asked, stream: trio.abc.Stream) -> None:
        await stream.send_all(raw)
        await stream.aclose()

    return act


def answers(**fields: Any) -> Act:
    """A JSON-RPC answer with the number that was asked for, and these fields."""

    async def act(asked: Asked, stream: trio.abc.Stream) -> None:
        content = {"jsonrpc": "2.0", "id": asked.content["id"], **fields}
        await stream.send_all(http(msgspec.json.encode(content)))

    return act


async def silence(_: Asked, stream: trio.abc.Stream) -> None:
    """Takes the post and says nothing for ever."""
    await trio.sleep_forever()
