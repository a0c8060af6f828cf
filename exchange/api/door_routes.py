"""Where a path of the fast door leads, and its few plain HTTP answers."""

from __future__ import annotations

from enum import Enum
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qs, unquote

import msgspec
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from exchange.api.errors import Refusal, Refused
from exchange.api.listen_keys import LOOKS_LIKE_KEY
from exchange.core.units import Micros

_encode: Final = msgspec.json.Encoder().encode

_WEBSOCKETS_ONLY: Final = Refusal(
    -1099,
    "Only WebSockets are served here: /ws, /stream and /ws-api/v3. The main door, on its own port, serves plain HTTP.",
    404,
)


class Kind(Enum):
    """What a connection carries: bare messages, messages that name their stream, or the WebSocket API."""

    RAW = "/ws"
    COMBINED = "/stream"
    API = "/ws-api/v3"


class Route(msgspec.Struct, frozen=True):
    """A path taken apart: the streams it names, and whether replies of the API tell of limits."""

    kind: Kind
    names: tuple[str, ...] = ()
    show_limits: bool = True


def route_of(target: str) -> Route:
    """Where a request target leads. Unknown query parameters and meaningless path tails are ignored.

    Raises `Refused` for a path that leads nowhere, and for microseconds, which are not told here.
    """
    path, _, query = target.partition("?")
    sent = parse_qs(query, max_num_fields=64) if query.count("&") < 64 else {}
    if sent.get("timeUnit", ["MILLISECOND"])[-1].upper() != "MILLISECOND":
        raise Refused(Refusal(-1020, "This operation is not supported. timeUnit: only MILLISECOND is."))
    segments = [unquote(part) for part in path.split("/") if part]
    match segments:
        case ["ws", *tail]:
            return Route(Kind.RAW, tuple(name for name in tail if _means_something(name)))
        case ["stream", *_]:
            return Route(Kind.COMBINED, tuple(name for name in "/".join(sent.get("streams", [])).split("/") if name))
        case ["ws-api", "v3", *_]:
            return Route(Kind.API, show_limits=sent.get("returnRateLimits", ["true"])[-1] != "false")
        case _:
            raise Refused(_WEBSOCKETS_ONLY)


def _means_something(segment: str) -> bool:
    """Whether a piece of a path names a stream or could be a listen key; clients also send numbers of their own."""
    return "@" in segment or segment.startswith("!") or LOOKS_LIKE_KEY(segment) is not None


def plain_answer(request: Request, now: Micros) -> Response:
    """The answer to a request that is no WebSocket handshake."""
    path = request.path.partition("?")[0]
    if request.method == "GET" and path == "/api/v3/ping":
        return _json(HTTPStatus.OK, {})
    if request.method == "GET" and path == "/api/v3/time":
        return _json(HTTPStatus.OK, {"serverTime": now // 1000})
    return refuse(HTTPStatus.NOT_FOUND, _WEBSOCKETS_ONLY)


def refuse(status: HTTPStatus, refusal: Refusal) -> Response:
    """An HTTP answer that says no."""
    response = _json(status, {"code": refusal.code, "msg": refusal.text})
    if refusal.retry_after:
        response.headers["Retry-After"] = str(refusal.retry_after)
    return response


def _json(status: HTTPStatus, content: object) -> Response:
    body = _encode(content)
    headers = Headers()
    headers["Content-Type"] = "application/json"
    headers["Content-Length"] = str(len(body))
    headers["Connection"] = "close"
    return Response(status.value, status.phrase, headers, body)


MALFORMED: Final = refuse(HTTPStatus.BAD_REQUEST, _WEBSOCKETS_ONLY)
"""The answer to what is not even a request that this door can read, such as one with a body."""
