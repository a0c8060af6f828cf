"""What goes over WebSockets: every stream with its message, every event of one's own, what the session methods answer.

A test compares this with the streams that the fast door has, another the messages of a running one with these types.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from exchange.api import stream_wire as wire
from exchange.api import user_events
from exchange.api.wire_market import Empty
from exchange.market_data.intervals import INTERVALS
from exchange.market_data.ticker import WINDOWS


class Stream(msgspec.Struct, frozen=True):
    """A kind of stream. `name` has room for a market and other things; `says` is the type of its messages."""

    key: str
    name: str
    often: str
    about: str
    says: Any


STREAMS: Final = (
    Stream("trade", "{symbol}@trade", "at once", "Each trade.", wire.TradeMessage),
    Stream("aggTrade", "{symbol}@aggTrade", "at once", "Trades added up by taker and price.", wire.AggregateMessage),
    Stream(
        "bookTicker",
        "{symbol}@bookTicker",
        "at once",
        "The best prices, whenever they change. The only message without `e`.",
        wire.BookTickerMessage,
    ),
    Stream("depth", "{symbol}@depth", "each second", "What changed in the book.", wire.DiffMessage),
    Stream("depthSpeed", "{symbol}@depth@{speed}", "as the name says", "What changed in the book.", wire.DiffMessage),
    Stream(
        "partialDepth",
        "{symbol}@depth{levels}",
        "each second",
        "The best levels of each side.",
        wire.PartialMessage,
    ),
    Stream(
        "partialDepthSpeed",
        "{symbol}@depth{levels}@{speed}",
        "as the name says",
        "The best levels of each side.",
        wire.PartialMessage,
    ),
    Stream(
        "kline",
        "{symbol}@kline_{interval}",
        "each 2 s; kline_1s each second",
        "The running candle, and its last word.",
        wire.KlineMessage,
    ),
    Stream(
        "klineZone",
        "{symbol}@kline_{interval}@+08:00",
        "each 2 s; kline_1s each second",
        "The same, with candles that begin by clocks eight hours ahead of UTC.",
        wire.KlineMessage,
    ),
    Stream("ticker", "{symbol}@ticker", "each second", "The last 24 hours.", wire.TickerMessage),
    Stream("miniTicker", "{symbol}@miniTicker", "each second", "The same, in short.", wire.MiniTickerMessage),
    Stream(
        "windowTicker",
        "{symbol}@ticker_{window}",
        "each second",
        "A window up to now, from the minute in which it began.",
        wire.WindowMessage,
    ),
    Stream("avgPrice", "{symbol}@avgPrice", "each second", "The mean price of five minutes.", wire.AverageMessage),
    Stream("allTickers", "!ticker@arr", "each second", "The tickers that changed.", list[wire.TickerMessage]),
    Stream(
        "allMiniTickers",
        "!miniTicker@arr",
        "each second",
        "The same, in short; `!miniTicker@arr@3000ms` each third second.",
        list[wire.MiniTickerMessage],
    ),
    Stream(
        "allWindowTickers",
        "!ticker_{window}@arr",
        "each second",
        "The windows that changed.",
        list[wire.WindowMessage],
    ),
)

ROOM: Final[dict[str, dict[str, Any]]] = {
    "symbol": {"description": "The market, in small letters.", "examples": ["btcusdt"]},
    "speed": {"description": "How often it speaks.", "enum": ["100ms", "1000ms"]},
    "levels": {"description": "How many levels of each side.", "enum": ["5", "10", "20"]},
    "interval": {"description": "Length of a candle.", "enum": list(INTERVALS)},
    "window": {"description": "Length of the window.", "enum": list(WINDOWS)},
    "listenKey": {"description": "From POST /api/v3/userDataStream."},
}
"""What stands in braces in a name."""


class Terminated(msgspec.Struct, frozen=True):
    """A subscription has ended: by your wish, because its key was revoked, or because you logged out."""

    e: str
    E: int


class Shutdown(msgspec.Struct, frozen=True):
    """The server is about to stop: reconnect in a moment."""

    e: str
    E: int


class KeyExpired(msgspec.Struct, frozen=True, rename={"listen_key": "listenKey"}):
    """The listen key has ended, and so has its stream."""

    e: str
    E: int
    listen_key: str


class SessionStatus(msgspec.Struct, frozen=True, rename="camel"):
    """Whom the connection speaks for."""

    api_key: str | None
    authorized_since: int | None
    connected_since: int
    return_rate_limits: bool
    server_time: int
    user_data_stream: bool


class Subscribed(msgspec.Struct, frozen=True, rename="camel"):
    """The number of a subscription; its events carry it."""

    subscription_id: int


OWN_ANSWERS: Final[dict[str, Any]] = {
    "session.logon": SessionStatus,
    "session.status": SessionStatus,
    "session.logout": SessionStatus,
    "session.subscriptions": list[Subscribed],
    "userDataStream.subscribe": Subscribed,
    "userDataStream.subscribe.signature": Subscribed,
    "userDataStream.unsubscribe": Empty,
}
"""What the methods that only a connection has answer."""


def _events() -> dict[str, type[msgspec.Struct]]:
    """Every event that the room of own events can tell: those of its records that say of which kind they are."""
    found = {}
    for record in vars(user_events).values():
        if (
            isinstance(record, type)
            and issubclass(record, msgspec.Struct)
            and record.__module__ == user_events.__name__
        ):
            fields = {field.name for field in msgspec.structs.fields(record)}
            if {"e", "E"} <= fields:
                found[record.__name__] = record
    return found


EVENTS: Final[dict[str, type[msgspec.Struct]]] = _events()
"""Events of one's own, on listen keys and on subscriptions of the WebSocket API."""
