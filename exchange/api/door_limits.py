"""What the fast door lets one reader, one address and everybody have."""

from __future__ import annotations

import msgspec


class DoorLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Limits of the fast door; times in seconds.

    `buffer_messages` may wait for one reader; once more do and nothing has got through to it for `patience`, it is cut
    off. A single commit may briefly exceed that `burst` times, since it is told in one go. A reader of streams that
    takes nothing at all for `stall` is cut off however little waits. Who is cut off for reading too slowly has `mercy`
    to take the reason, everybody else `farewell`.
    `messages_per_second` may come in on a connection to the market streams (pings and pongs count everywhere), with
    two seconds' worth at once. `requests_in_flight` of one connection are seen to at a time; it is not read further
    until one of them is answered. `frame_bytes` is the most that a WebSocket message may have, `header_bytes` the head
    of an HTTP request, which must come within `handshake`, as its body must within `body`; an HTTP connection without
    requests is kept for `idle`. A WebSocket lives for `lifetime` and is told `notice` before.
    """

    buffer_messages: int = 1_000
    burst: int = 16
    patience: float = 1
    stall: float = 2
    connections: int = 4_096
    connections_per_address: int = 1_000
    frame_bytes: int = 16_384
    streams_per_connection: int = 1_024
    subscriptions_per_connection: int = 1_000
    requests_in_flight: int = 64
    messages_per_second: int = 5
    handshake: float = 10
    header_bytes: int = 16_384
    line_bytes: int = 8_192
    headers: int = 100
    body_bytes: int = 65_536
    body: float = 10
    idle: float = 60
    ping: float = 20
    pong: float = 60
    lifetime: float = 86_400
    notice: float = 600
    mercy: float = 0.5
    farewell: float = 2
