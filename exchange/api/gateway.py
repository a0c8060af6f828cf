"""The fast door: orders and market data over HTTP/1.1, and all WebSockets, on a port of its own.

`/ws` and `/stream` carry market streams and, by listen key, user streams; `/ws-api/v3` the WebSocket API. Everything
else is HTTP, answered by the very endpoints of the main door. One loop (`door_loop`) sees to all sockets.
"""

from __future__ import annotations

import socket
import ssl
from collections import Counter
from functools import partial

import trio

from exchange.api import door_routes as routes
from exchange.api import errors, ws_handshake
from exchange.api.client_address import line_of, plain
from exchange.api.connection import GOING_AWAY, Connection
from exchange.api.control import Invalid, MarketSession
from exchange.api.door_http import HttpPeer
from exchange.api.door_limits import DoorLimits
from exchange.api.door_line import Desk
from exchange.api.door_link import Link, Speaker
from exchange.api.door_listening import Listening
from exchange.api.door_loop import TICK, Loop
from exchange.api.door_tls import Tls
from exchange.api.errors import Refusal, Refused
from exchange.api.http_codec import Heard, Rendering
from exchange.api.listen_keys import LOOKS_LIKE_KEY
from exchange.api.own_stream import OwnStreams
from exchange.api.rooms import Rooms
from exchange.api.streams import Streams
from exchange.api.user_stream import UserStreams
from exchange.api.ws_api import CONNECT_WEIGHT, ApiSession

Session = MarketSession | ApiSession


async def serve_fast_door(
    rooms: Rooms,
    listeners: list[socket.socket],
    stop: trio.Event,
    limits: DoorLimits | None = None,
    tls: ssl.SSLContext | None = None,
    *,
    linger: float = 0.0,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve on bound, listening sockets until `stop`; then take no more, say goodbye to those there are, and return.

    Who is connected over HTTP is given `linger` seconds for a last request, which is told that it is the last.
    Returning takes at most that and a little more than twice `limits.farewell`. The listeners are closed. To be started
    after `rooms.hub` and `rooms.catalogue` were restored and subscribed to the sequencer, which must be running.
    """
    async with trio.open_nursery() as requests:
        door = _FastDoor(rooms, limits or limits_of(rooms), tls, requests)
        await door.serve(listeners, stop, linger, task_status)
        requests.cancel_scope.cancel()


def limits_of(rooms: Rooms) -> DoorLimits:
    """The limits that the operator has set."""
    return DoorLimits(
        buffer_messages=rooms.settings.stream_buffer_messages,
        connections=rooms.settings.fast_connections,
        connections_per_address=rooms.settings.connections_per_address,
        body_bytes=rooms.settings.body_limit_bytes,
    )


class _FastDoor:
    """Who is connected, and what they share."""

    def __init__(self, rooms: Rooms, limits: DoorLimits, tls: ssl.SSLContext | None, requests: trio.Nursery) -> None:
        self.rooms = rooms
        self.limits = limits
        self.rendering = Rendering(rooms.clock.now)
        self._tls = tls
        self._loop = Loop()
        self.desk = Desk(rooms.sequencer, self._loop, requests)
        self._streams = Streams(rooms.hub)
        self._users = UserStreams(rooms.sequencer, rooms.catalogue)
        self._own_streams = OwnStreams(rooms)
        self._sessions: dict[Connection, Session] = {}
        self._addresses: Counter[str] = Counter()
        self._proxied: Counter[str] = Counter()
        rooms.requests.counts.sockets["fast"] = self._addresses.total
        for kind, session in (("streams", MarketSession), ("api", ApiSession)):
            rooms.requests.counts.readers[kind] = partial(self._count, session)

    def _count(self, kind: type[Session]) -> int:
        return sum(type(session) is kind for session in self._sessions.values())

    async def serve(
        self, listeners: list[socket.socket], stop: trio.Event, linger: float, task_status: trio.TaskStatus[None]
    ) -> None:
        """See `serve_fast_door`."""
        listening = [Listening(self._loop, listener, self._meet) for listener in listeners]
        try:
            async with trio.open_nursery() as loop:
                loop.start_soon(self._loop.run)
                async with trio.open_nursery() as house:
                    house.start_soon(self._streams.run, self.rooms.clock, self._settled)
                    house.start_soon(self._tick)
                    task_status.started()
                    await stop.wait()
                    for one in listening:
                        one.abort()
                    with trio.move_on_after(linger):
                        await self._linger()
                    house.cancel_scope.cancel()
                await self._send_away()
                loop.cancel_scope.cancel()
        finally:
            for link in self._loop.links:
                link.abort()
            self._loop.close()

    def _http_peers(self) -> list[tuple[Link, HttpPeer]]:
        links = [link for link in self._loop.links if isinstance(link, Link)]
        return [(link, link.speaker) for link in links if isinstance(link.speaker, HttpPeer)]

    async def _linger(self) -> None:
        """Returns once everybody's last request has come; each is answered with the word that it was the last."""
        for _, peer in self._http_peers():
            peer.retire()
        while self._http_peers():  # noqa: ASYNC110  # at a stop only, and for a moment
            await trio.sleep(TICK)

    async def _send_away(self) -> None:
        """Tell everybody that the server stops, once those who wait for a decision have been told it."""
        for link, _ in self._http_peers():
            link.look()
        with trio.move_on_after(self.limits.farewell):
            await self._settled()
            await self._loop.idle()  # whoever heard of it just before us has been told
        now = self.rooms.clock.now()
        for connection, session in list(self._sessions.items()):
            session.farewell(now)
            connection.cut(GOING_AWAY, "the server is shutting down")
        for _, peer in self._http_peers():
            peer.leave()
        with trio.move_on_after(self.limits.farewell):
            await self._loop.empty()

    async def _settled(self) -> None:
        """Returns once all that was decided before has been committed and told."""
        await self.rooms.sequencer.read(lambda _: None)

    async def _tick(self) -> None:
        """Every second: expired listen keys, revoked API keys, and who has been here for a day."""
        while True:
            await trio.sleep(1)
            now = self.rooms.clock.now()
            for connection, session in list(self._sessions.items()):
                session.tick(now)
                if connection.retires():
                    session.farewell(now)

    def _meet(self, peer: socket.socket, address: str) -> None:
        """A new peer, unless there are so many that a further one is not even told so."""
        limits = self.limits
        most = limits.connections_per_address + _AT_THE_DOOR
        line = line_of(address)
        crowded = address != plain(self.rooms.settings.proxy_address) and self._addresses[line] >= most
        if crowded or self._addresses.total() >= limits.connections + _AT_THE_DOOR:
            peer.close()
            return
        self._addresses[line] += 1
        tls = Tls(self._tls) if self._tls is not None else None
        link = Link(self._loop, peer, address, limits, tls, self._part)
        link.start(HttpPeer(link, self))

    def _part(self, link: Link) -> None:
        _take(self._addresses, line_of(link.address))

    def admit(self, link: Link, client: str) -> None:
        """See `Host`."""
        limits, line = self.limits, line_of(client)
        mine = max(self._addresses[line] if client == link.address else 0, self._proxied[line])
        if mine > limits.connections_per_address:
            raise Refused(too_many_connections(limits.connections_per_address, 429))
        if self._addresses.total() > limits.connections:
            raise Refused(too_many_connections(limits.connections, 503))

    def is_websocket(self, path: str) -> bool:
        """See `Host`."""
        return routes.is_websocket(path)

    def upgrade(self, link: Link, heard: Heard, client: str, rest: bytes) -> tuple[bytes, Speaker]:
        """See `Host`."""
        self.rooms.limits.count_attempt(client, self.rooms.clock.now())
        line = line_of(client)
        if client != link.address and self._proxied[line] >= self.limits.connections_per_address:
            raise Refused(too_many_connections(self.limits.connections_per_address, 429))
        answer = ws_handshake.accept(heard.method, heard.headers)
        route = routes.route_of(heard.target.decode("ascii", "replace"))
        api = route.kind is routes.Kind.API
        combined = route.kind is routes.Kind.COMBINED
        connection = Connection(link, self.limits, self._gone, combined=combined, metered=not api)
        connection.client = client
        try:
            session = self._api(connection, route, client) if api else self._market(connection, route)
        except Invalid as invalid:
            raise Refused(Refusal(-1130, invalid.text)) from None
        self._sessions[connection] = session
        if client != link.address:
            self._proxied[line] += 1
        connection.open(session, rest)
        return answer, connection

    def _gone(self, connection: Connection, link: Link) -> None:
        """A WebSocket has ended."""
        self._sessions.pop(connection).close()
        if connection.client != link.address:
            _take(self._proxied, line_of(connection.client))

    def _api(self, connection: Connection, route: routes.Route, client: str) -> ApiSession:
        rooms, limits = self.rooms, self.limits
        rooms.limits.charge(client, CONNECT_WEIGHT, rooms.clock.now())
        streams, show_limits = self._own_streams, route.show_limits
        return ApiSession(connection, rooms, self._users, streams, self.desk, client, limits, show_limits=show_limits)

    def _market(self, connection: Connection, route: routes.Route) -> MarketSession:
        rooms = self.rooms
        for name in route.names:
            if LOOKS_LIKE_KEY(name) and rooms.listen_keys.find(name, rooms.clock.now(), connection.client) is None:
                raise Refused(errors.BAD_LISTEN_KEY)
        reader = MarketSession(connection, rooms, self._streams, self._users, self.limits.streams_per_connection)
        reader.enter(list(route.names))
        return reader


_AT_THE_DOOR = 64
"""So many connections beyond the limits are let in to be told that there are too many."""


def _take(counter: Counter[str], name: str) -> None:
    counter[name] -= 1
    if not counter[name]:
        del counter[name]


def too_many_connections(limit: int, status: int) -> Refusal:
    """The dialect's words for it."""
    return Refusal(-1034, f"Too many concurrent connections; current limit is '{limit}'.", status)
