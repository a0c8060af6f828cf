"""The main door: Quart-Trio under Hypercorn, all HTTP. Turns web requests into `answering.Request`s and back."""

from __future__ import annotations

import socket
import ssl
from typing import Final

import trio
from hypercorn.config import Config
from hypercorn.typing import ASGIReceiveCallable
from hypercorn.utils import wrap_app
from quart import Response, request
from quart_trio import QuartTrio
from quart_trio.asgi import TrioASGIHTTPConnection
from quart_trio.wrappers import TrioRequest
from werkzeug.exceptions import RequestEntityTooLarge, RequestTimeout

from exchange.api import errors
from exchange.api.answering import Reply, Request, answer, refusal_reply
from exchange.api.client_address import FORWARDED, client_address
from exchange.api.docs import serving as docs
from exchange.api.door_limits import DoorLimits
from exchange.api.errors import Refusal
from exchange.api.rooms import Rooms
from exchange.api.serving import Peers

CONNECTIONS: Final = 4_096
REQUESTS_PER_CONNECTION: Final = 1_000_000
IDLE_SECONDS: Final = 60
BODY_SECONDS: Final = 10
GRACE_SECONDS: Final = 5
_HEAD: Final = DoorLimits()


class _Connection(TrioASGIHTTPConnection):
    """One request. Quart-Trio cancels it as soon as the client is gone or the last byte is out.

    But a client that vanishes changes nothing, and Hypercorn, cancelled in the midst of turning the connection idle,
    would never close it again. So a request that has come in whole runs to its end.
    """

    async def handle_messages(  # type: ignore[override]  # Quart-Trio's own signature
        self, nursery: trio.Nursery, request: TrioRequest, receive: ASGIReceiveCallable
    ) -> None:
        """Take in the body; give up on a client that leaves before its end."""
        whole = False
        while True:
            message = await receive()
            if message["type"] == "http.request":
                request.body.append(message.get("body", b""))
                whole = not message.get("more_body", False)
                if whole:
                    request.body.set_complete()
            elif message["type"] == "http.disconnect":
                if not whole:
                    nursery.cancel_scope.cancel()
                return


class _App(QuartTrio):
    asgi_http_class = _Connection


_METHODS: Final = ["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"]


def make_app(rooms: Rooms, body_limit: int) -> QuartTrio:
    """The web application: every path and method goes to `answer`, which knows the routes."""
    app = _App("exchange.api", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = body_limit
    app.config["BODY_TIMEOUT"] = BODY_SECONDS
    app.url_map.merge_slashes = False

    @app.route("/", defaults={"path": ""}, methods=_METHODS, provide_automatic_options=False)
    @app.route("/<path:path>", methods=_METHODS, provide_automatic_options=False)
    async def door(path: str) -> Response:  # noqa: ARG001  # `answer` finds the route by the raw path
        if (fault := _fault_of_head()) is not None:
            return last(fault)
        received = await _received(rooms.settings.proxy_address)
        return _response(await docs.page(rooms, received) or await answer(rooms, received))

    def refused(refusal: Refusal) -> Response:
        id_ = rooms.requests.refused(refusal, request.method, "", _peer(), rooms.clock.now())
        return _response(refusal_reply(refusal, id_))

    def last(refusal: Refusal) -> Response:
        """The answer to a request whose body was not read to its end, so that nothing behind it can be understood."""
        response = refused(refusal)
        response.headers["connection"] = "close"
        return response

    @app.errorhandler(RequestEntityTooLarge)
    async def too_large(_: RequestEntityTooLarge) -> Response:
        return last(errors.BODY_TOO_LARGE)

    @app.errorhandler(RequestTimeout)
    async def too_slow(_: RequestTimeout) -> Response:
        return last(errors.BODY_TOO_SLOW)

    @app.errorhandler(404)
    @app.errorhandler(405)
    async def no_route(_: Exception) -> Response:
        return refused(errors.NO_SUCH_ROUTE)

    return app


def _fault_of_head() -> Refusal | None:
    """What is too much of the request's line and headers, by the limits of the fast door."""
    sizes = [(len(name), len(value)) for name, value in request.scope["headers"]]
    if len(request.scope["raw_path"].partition(b"?")[0]) + len(request.query_string) >= _HEAD.line_bytes:
        return errors.TARGET_TOO_LONG
    longest = max((value for _, value in sizes), default=0)
    too_large = sum(name + value for name, value in sizes) > _HEAD.header_bytes
    if len(sizes) > _HEAD.headers or longest > _HEAD.line_bytes or too_large:
        return errors.HEAD_TOO_LARGE
    return None


async def _received(proxy: str) -> Request:
    """The request as it came over the wire."""
    headers = request.headers
    body = await request.get_data(cache=False)
    assert isinstance(body, bytes)
    return Request(
        method=request.method,
        path=request.scope["raw_path"].partition(b"?")[0].decode("ascii", "replace"),
        query=request.query_string,
        body=body,
        address=client_address(_peer(), headers.getlist(FORWARDED), proxy),
        api_key=headers.get("X-MBX-APIKEY"),
        content_type=headers.get("Content-Type"),
        time_unit=headers.get("X-MBX-TIME-UNIT"),
    )


def _peer() -> str:
    """The address that the connection comes from."""
    client = request.scope.get("client")
    return client[0] if client else ""


def _response(reply: Reply) -> Response:
    return Response(reply.body, reply.status, dict(reply.headers))


def configuration() -> Config:
    """How Hypercorn runs: quietly, and without the low limits it has for others' sake."""
    config = Config()
    config.accesslog = None
    config.errorlog = None
    config.include_server_header = False
    config.keep_alive_max_requests = REQUESTS_PER_CONNECTION
    config.keep_alive_timeout = IDLE_SECONDS
    config.h11_max_incomplete_size = _HEAD.header_bytes
    config.graceful_timeout = GRACE_SECONDS
    return config


async def serve_main_door(
    rooms: Rooms,
    listeners: list[socket.socket],
    *,
    stop: trio.Event,
    tls: ssl.SSLContext | None = None,
    linger: float = 0.0,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve on bound, listening sockets until `stop`; then take no more, let what is being answered end, and return.

    Over TLS, where there is a context for it. Idle connections are given `linger` seconds for a last request.
    """
    app, config = make_app(rooms, rooms.settings.body_limit_bytes), configuration()
    await app.startup()

    def note(refusal: Refusal, /, *, address: str) -> str:
        return rooms.requests.refused(refusal, "", "", address, rooms.clock.now())

    peers = Peers(
        wrap_app(app, config.wsgi_max_body_size, "asgi"),
        config,
        note,
        in_all=CONNECTIONS,
        per_address=rooms.settings.connections_per_address,
        proxy=rooms.settings.proxy_address,
        tls=tls,
    )
    streams = [trio.SocketListener(trio.socket.from_stdlib_socket(one)) for one in listeners]
    rooms.requests.counts.sockets["main"] = peers.count
    await peers.serve(streams, stop, linger=linger, task_status=task_status)
