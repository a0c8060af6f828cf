"""Where a path of the fast door leads that carries WebSockets."""

from __future__ import annotations

from enum import Enum
from urllib.parse import parse_qs, unquote

import msgspec

from exchange.api import errors
from exchange.api.errors import Refusal, Refused
from exchange.api.listen_keys import LOOKS_LIKE_KEY


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


def is_websocket(path: str) -> bool:
    """Whether that path carries WebSockets."""
    return next((part for part in path.split("/") if part), "") in {"ws", "stream", "ws-api"}


def route_of(target: str) -> Route:
    """Where a request target leads. Unknown query parameters and meaningless path tails are ignored.

    Raises `Refused` for a path that leads nowhere, and for microseconds, which are not told here.
    """
    path, _, query = target.partition("?")
    query = query.replace("+", "%2B")  # it stands for itself: btcusdt@kline_1d@+08:00
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
            raise Refused(errors.NO_SUCH_ROUTE)


def _means_something(segment: str) -> bool:
    """Whether a piece of a path names a stream or could be a listen key; clients also send numbers of their own."""
    return "@" in segment or segment.startswith("!") or LOOKS_LIKE_KEY(segment) is not None
