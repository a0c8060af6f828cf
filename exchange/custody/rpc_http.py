"""Posts to one node over HTTP/1.1 connections that are kept, with a limit on all that a node may send."""

from __future__ import annotations

import base64
import ssl
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

import h11
import trio

from exchange.custody.port import NodeFault, OutcomeUnknown

_CONNECTIONS: Final = 4
"""At the most; whoever comes then waits, within its own time limit. bitcoind has no more threads than that."""
_IDLE_SECONDS: Final = 10
"""A connection that rested longer is opened anew: nodes close theirs after 30 s, and a race with that is unpleasant."""
_READ_BYTES: Final = 65_536
_OVERHEAD: Final = 65_536
"""What heads and chunk marks may add to a body: a node that sends its answer byte by byte is not heard to the end."""
_BETWEEN_REST: Final = 256
"""Chunks of an answer taken before the other tasks have their turn."""

Login = Callable[[], str]
"""The node's user and password as `user:password`, or nothing; asked for at each new connection, for cookies change."""


class _Connection:
    """One connection and the state of its HTTP."""

    def __init__(self, stream: trio.abc.Stream, socket: trio.SocketStream, headers: list[tuple[str, str]]) -> None:
        self.stream = stream
        self.headers = headers
        self.used = trio.current_time()
        self._socket = socket
        self.http = h11.Connection(h11.CLIENT)

    def usable(self) -> bool:
        """It was used a moment ago, and the node has neither closed it nor said anything unasked."""
        if trio.current_time() - self.used > _IDLE_SECONDS:
            return False
        return not self._socket.socket.is_readable()

    def close(self) -> None:
        """At once, without a word of farewell: nothing that matters is ever under way here."""
        self._socket.socket.close()


class Posts:
    """Posts to one URL. What it says in errors names host and port, never path, user or password."""

    def __init__(self, url: str, login: Login, limit_bytes: int, tls: ssl.SSLContext | None = None) -> None:
        """`url` without user and password, http or https. Raises `ValueError` for anything else."""
        parts = urlsplit(url)
        sound = url.isprintable() and " " not in url and not parts.username
        if parts.scheme not in {"http", "https"} or not parts.hostname or not sound:
            raise ValueError("a node's URL begins with http:// or https://, and names a host")
        self._host = parts.hostname
        self._port = parts.port or (443 if parts.scheme == "https" else 80)
        self._target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._tls = tls or (ssl.create_default_context() if parts.scheme == "https" else None)
        self._login = login
        self._limit = limit_bytes
        self._idle: list[_Connection] = []
        self._room = trio.CapacityLimiter(_CONNECTIONS)
        shown = f"[{self._host}]" if ":" in self._host else self._host
        self.name = f"{shown}:{self._port}"

    async def post(self, body: bytes) -> tuple[int, bytes]:
        """Status and body of the answer.

        Raises `NodeFault` where the node was never told, and `OutcomeUnknown` as soon as it may have heard something.
        """
        async with self._room:
            connection = self._rested() or await self._open()
            try:
                try:
                    answer = await self._exchange(connection, body)
                except BaseException:
                    connection.close()
                    raise
            except (OSError, ssl.SSLError, trio.BrokenResourceError, trio.ClosedResourceError) as error:
                raise OutcomeUnknown(f"{self.name}: the connection broke ({type(error).__name__})") from error
            except h11.RemoteProtocolError:
                raise OutcomeUnknown(f"{self.name}: what it said is not HTTP") from None  # h11 repeats it
            self._keep(connection)
            return answer

    def close(self) -> None:
        """Drop what rests."""
        while self._idle:
            self._idle.pop().close()

    def _rested(self) -> _Connection | None:
        while self._idle:
            connection = self._idle.pop()
            if connection.usable():
                return connection
            connection.close()
        return None

    async def _open(self) -> _Connection:
        headers = [("Host", self.name), ("Content-Type", "application/json"), ("Accept-Encoding", "identity")]
        login = self._login()
        if login:
            headers.append(("Authorization", "Basic " + base64.b64encode(login.encode()).decode()))
        try:
            socket = await trio.open_tcp_stream(self._host, self._port)
        except OSError as error:
            raise NodeFault(f"{self.name}: cannot connect") from error
        if self._tls is None:
            return _Connection(socket, socket, headers)
        stream = trio.SSLStream(socket, self._tls, server_hostname=self._host, https_compatible=True)
        try:
            await stream.do_handshake()
        except BaseException as error:
            socket.socket.close()
            if isinstance(error, (OSError, trio.BrokenResourceError)):
                raise NodeFault(f"{self.name}: no TLS that can be trusted") from error
            raise
        return _Connection(stream, socket, headers)

    async def _exchange(self, connection: _Connection, body: bytes) -> tuple[int, bytes]:
        http = connection.http
        headers = [*connection.headers, ("Content-Length", str(len(body)))]
        request = http.send(h11.Request(method="POST", target=self._target, headers=headers)) or b""
        await connection.stream.send_all(request + (http.send(h11.Data(data=body)) or b""))
        http.send(h11.EndOfMessage())
        return await self._answer(connection)

    async def _answer(self, connection: _Connection) -> tuple[int, bytes]:
        """The next answer, whole. Each byte counts against the limit, of head and chunk marks too."""
        http, status, body, heard, events = connection.http, 0, bytearray(), 0, 0
        while True:
            event = http.next_event()
            events += 1
            if events % _BETWEEN_REST == 0:
                await trio.lowlevel.checkpoint()
            if event is h11.NEED_DATA:
                data = await connection.stream.receive_some(_READ_BYTES)
                heard += len(data)
                if heard > self._limit + _OVERHEAD:
                    raise OutcomeUnknown(f"{self.name}: an answer of more than {self._limit} bytes")
                http.receive_data(bytes(data))
            elif isinstance(event, h11.Response):
                status = event.status_code
            elif isinstance(event, h11.Data):
                body += event.data
            elif isinstance(event, h11.EndOfMessage):
                break
            elif not isinstance(event, h11.InformationalResponse):
                raise OutcomeUnknown(f"{self.name}: it closed the connection in place of an answer")
        if len(body) > self._limit:
            raise OutcomeUnknown(f"{self.name}: an answer of more than {self._limit} bytes")
        return status, bytes(body)

    def _keep(self, connection: _Connection) -> None:
        """For the next post, unless either side said that this was the last, or the node said more than an answer."""
        http = connection.http
        if not http.trailing_data[0] and http.our_state is h11.DONE and http.their_state is h11.DONE:
            http.start_next_cycle()
            connection.used = trio.current_time()
            self._idle.append(connection)
        else:
            connection.close()
