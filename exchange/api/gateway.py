"""The fast door: all WebSockets, on a port of its own, a task per connection.

`/ws` and `/stream` carry market streams and, by listen key, user streams; `/ws-api/v3` the WebSocket API. Plain HTTP
belongs to the main door; here only ping and time are answered.
"""

from __future__ import annotations

from collections import Counter, deque
from functools import partial
from http import HTTPStatus
from typing import Final

import structlog
import trio
from websockets.http11 import Request, Response
from websockets.server import ServerProtocol

from exchange.api import door_routes as routes
from exchange.api import errors
from exchange.api.client_address import FORWARDED, client_address
from exchange.api.connection import GOING_AWAY, Connection
from exchange.api.control import Invalid, MarketSession
from exchange.api.door_limits import DoorLimits
from exchange.api.errors import Refusal, Refused
from exchange.api.listen_keys import LOOKS_LIKE_KEY
from exchange.api.rooms import Rooms
from exchange.api.streams import Streams
from exchange.api.user_stream import UserStreams
from exchange.api.ws_api import CONNECT_WEIGHT, ApiSession

_READ_BYTES: Final = 65_536
_AT_THE_DOOR: Final = 64
"""So many connections beyond the limits are let in to be told that there are too many."""

_DELIVERIES: Final = 64
"""So many connections are written to before others have their turn."""
_log = structlog.get_logger(__name__)

Session = MarketSession | ApiSession


async def serve_fast_door(
    rooms: Rooms,
    listeners: list[trio.SocketListener],
    stop: trio.Event,
    limits: DoorLimits | None = None,
    *,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve until `stop` is set; then take no more connections, say goodbye on those there are, and return.

    Returning takes at most `limits.farewell` seconds more. Ready when `task_status` is told. To be started after
    `rooms.hub` and `rooms.catalogue` were restored and subscribed to the sequencer, which must be running.
    """
    await _FastDoor(rooms, limits or limits_of(rooms)).serve(listeners, stop, task_status)


def limits_of(rooms: Rooms) -> DoorLimits:
    """The limits that the operator has set."""
    return DoorLimits(
        buffer_messages=rooms.settings.stream_buffer_messages,
        connections_per_address=rooms.settings.connections_per_address,
    )


class _FastDoor:
    """Who is connected, and what they share."""

    def __init__(self, rooms: Rooms, limits: DoorLimits) -> None:
        self._rooms = rooms
        self._limits = limits
        self._streams = Streams(rooms.hub)
        self._users = UserStreams(rooms.sequencer, rooms.catalogue)
        self._connected: dict[Connection, Session] = {}
        self._addresses: Counter[str] = Counter()
        self._proxy = rooms.settings.proxy_address
        self._proxied: Counter[str] = Counter()
        self._post: deque[Connection] = deque()
        self._posted = trio.Event()

    async def serve(
        self, listeners: list[trio.SocketListener], stop: trio.Event, task_status: trio.TaskStatus[None]
    ) -> None:
        """See `serve_fast_door`."""
        async with trio.open_nursery() as post:
            post.start_soon(self._deliver)
            async with trio.open_nursery() as peers:
                async with trio.open_nursery() as house:
                    house.start_soon(self._streams.run, self._rooms.clock, self._settled)
                    house.start_soon(self._tick)
                    await house.start(partial(trio.serve_listeners, self._accept, listeners, handler_nursery=peers))
                    task_status.started()
                    await stop.wait()
                    house.cancel_scope.cancel()
                await self._send_away()
                peers.cancel_scope.deadline = trio.current_time() + self._limits.farewell
            post.cancel_scope.cancel()

    async def _send_away(self) -> None:
        """Tell everybody that the server stops, once those who wait for a decision have been told it."""
        with trio.move_on_after(self._limits.farewell):
            await self._settled()
            await trio.lowlevel.checkpoint()  # whoever heard of it just before us now replies
        now = self._rooms.clock.now()
        for connection, session in self._connected.items():
            session.farewell(now)
            connection.cut(GOING_AWAY, "the server is shutting down")

    async def _settled(self) -> None:
        """Returns once all that was decided before has been committed and told."""
        await self._rooms.sequencer.read(lambda _: None)

    def _queue(self, connection: Connection) -> None:
        self._post.append(connection)
        self._posted.set()

    async def _deliver(self) -> None:
        """Write to all connections that have something queued: one wake-up for all that one commit has to say."""
        post = self._post
        while True:
            await self._posted.wait()
            self._posted = trio.Event()
            for _ in range(min(len(post), _DELIVERIES)):
                post.popleft().deliver()
            if post:
                self._posted.set()
            await trio.lowlevel.checkpoint()

    async def _tick(self) -> None:
        """Every second: pings, expired listen keys, revoked API keys."""
        while True:
            await trio.sleep(1)
            now = self._rooms.clock.now()
            for connection, session in list(self._connected.items()):
                connection.tick()
                session.tick(now)

    async def _accept(self, stream: trio.SocketStream) -> None:
        """One peer, from its first byte to its last. What goes wrong here costs nobody else their connection."""
        try:
            address = str(stream.socket.getpeername()[0])
        except OSError:
            await trio.aclose_forcefully(stream)  # gone before it was looked at
            return
        self._addresses[address] += 1
        try:
            async with stream:
                if not self._crowded(address):
                    await self._serve(stream, address)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass  # the peer went away in the middle of the handshake; later `Connection` sees to it
        except Exception:  # noqa: BLE001  # a bug met by one peer must stop neither the others nor the matching
            _log.exception("a connection failed", address=address)
        finally:
            self._addresses[address] -= 1
            if not self._addresses[address]:
                del self._addresses[address]

    def _crowded(self, address: str) -> bool:
        """Whether there are so many at the door that a further one is not even told so."""
        limits = self._limits
        most = limits.connections_per_address + _AT_THE_DOOR
        crowded = address != self._proxy and self._addresses[address] > most
        return crowded or self._addresses.total() > limits.connections + _AT_THE_DOOR

    async def _serve(self, stream: trio.SocketStream, address: str) -> None:
        protocol = ServerProtocol(max_size=self._limits.frame_bytes)
        request: Request | None = None
        with trio.move_on_after(self._limits.handshake):
            request = await read_request(stream, protocol)
        if request is None:
            await stream.send_all(left_to_say(protocol))
            return
        client = client_address(address, request.headers.get_all(FORWARDED), self._proxy)
        if client == address:
            await self._answer(stream, protocol, request, client)
            return
        self._proxied[client] += 1
        try:
            await self._answer(stream, protocol, request, client)
        finally:
            self._proxied[client] -= 1
            if not self._proxied[client]:
                del self._proxied[client]

    async def _answer(
        self, stream: trio.SocketStream, protocol: ServerProtocol, request: Request, address: str
    ) -> None:
        """Serve the connection that `request` asks for, or say why not; `address` is charged for it."""
        opened = self._open(stream, protocol, request, address)
        if isinstance(opened, Response):
            protocol.send_response(opened)
            await stream.send_all(left_to_say(protocol))
            return
        connection, session = opened
        self._connected[connection] = session
        try:
            await session.serve()
        finally:
            del self._connected[connection]
            session.close()

    def _open(
        self, stream: trio.SocketStream, protocol: ServerProtocol, request: Request, address: str
    ) -> tuple[Connection, Session] | Response:
        """The connection and what it is for, or the answer that refuses it."""
        if "Upgrade" not in request.headers:
            return routes.plain_answer(request, self._rooms.clock.now())
        if max(self._addresses[address], self._proxied[address]) > self._limits.connections_per_address:
            return routes.refuse(
                HTTPStatus.TOO_MANY_REQUESTS, too_many_connections(self._limits.connections_per_address)
            )
        if len(self._connected) >= self._limits.connections:
            return routes.refuse(HTTPStatus.SERVICE_UNAVAILABLE, too_many_connections(self._limits.connections))
        response = protocol.accept(request)
        if response.status_code != HTTPStatus.SWITCHING_PROTOCOLS:
            return response
        try:
            route = routes.route_of(request.path)
            connection, session = self._session(stream, protocol, route, address)
        except Refused as refused:
            return routes.refuse(HTTPStatus(refused.refusal.status), refused.refusal)
        except Invalid as invalid:
            return routes.refuse(HTTPStatus.BAD_REQUEST, Refusal(-1130, invalid.text))
        connection.greet(response)
        return connection, session

    def _session(
        self, stream: trio.SocketStream, protocol: ServerProtocol, route: routes.Route, address: str
    ) -> tuple[Connection, Session]:
        """What a route leads to. Raises `Refused` or `Invalid`."""
        rooms, limits = self._rooms, self._limits
        api = route.kind is routes.Kind.API
        connection = Connection(
            stream, protocol, limits, self._queue, combined=route.kind is routes.Kind.COMBINED, metered=not api
        )
        if api:
            rooms.limits.charge(address, CONNECT_WEIGHT, rooms.clock.now())
            session = ApiSession(connection, rooms, self._users, address, limits, show_limits=route.show_limits)
            return connection, session
        for name in route.names:
            if LOOKS_LIKE_KEY(name) and rooms.listen_keys.find(name, rooms.clock.now()) is None:
                raise Refused(errors.BAD_LISTEN_KEY)
        reader = MarketSession(connection, rooms, self._streams, self._users, limits.streams_per_connection)
        reader.enter(list(route.names))
        return connection, reader


async def read_request(stream: trio.SocketStream, protocol: ServerProtocol) -> Request | None:
    """The peer's HTTP request; None when what it sent is none."""
    while True:
        data = await stream.receive_some(_READ_BYTES)
        if data:
            protocol.receive_data(data)
        else:
            protocol.receive_eof()
        for event in protocol.events_received():
            if isinstance(event, Request):
                return event
        if not data or protocol.handshake_exc is not None:
            return None


def left_to_say(protocol: ServerProtocol) -> bytes:
    """What the protocol still wants sent to a peer that is about to be left; never nothing but silence."""
    return b"".join(protocol.data_to_send()) or routes.MALFORMED.serialize()


def too_many_connections(limit: int) -> Refusal:
    """The dialect's words for it."""
    return Refusal(-1034, f"Too many concurrent connections; current limit is '{limit}'.")
