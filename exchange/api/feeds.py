"""One market stream: what it says and when. Each message is encoded once, for all who read the stream."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import Final, Protocol

import msgspec

from exchange.api import stream_messages as messages
from exchange.api.ws_codec import TEXT, frame
from exchange.core.units import Micros
from exchange.market_data.depth import Best
from exchange.market_data.hub import Change
from exchange.market_data.view import MarketView

_encode: Final = msgspec.json.Encoder().encode


class Message:
    """One message of one stream, encoded at most twice: bare, and wrapped with the stream's name."""

    __slots__ = ("_combined", "_payload", "_raw", "_stream")

    def __init__(self, stream: str, payload: bytes) -> None:
        """`payload` is JSON."""
        self._stream = stream
        self._payload = payload
        self._raw: bytes | None = None
        self._combined: bytes | None = None

    def raw(self) -> bytes:
        """A text frame with the payload alone."""
        if self._raw is None:
            self._raw = text_frame(self._payload)
        return self._raw

    def combined(self) -> bytes:
        """A text frame that names the stream."""
        if self._combined is None:
            self._combined = text_frame(b'{"stream":%b,"data":%b}' % (_encode(self._stream), self._payload))
        return self._combined


class Reader(Protocol):
    """Who reads streams."""

    def offer(self, message: Message) -> None:
        """Take the message or leave it, at once; never raises, never waits."""
        ...


def text_frame(payload: bytes) -> bytes:
    """A WebSocket text frame as a server sends it."""
    return frame(TEXT, payload)


class Feed:
    """A stream that somebody reads."""

    def __init__(self, name: str) -> None:
        """`name` is the stream's, as readers ask for it."""
        self.name = name
        self.readers: set[Reader] = set()

    def join(self, reader: Reader) -> None:
        """Let `reader` have every message from here on."""
        self.readers.add(reader)

    def leave(self, reader: Reader) -> None:
        """Stop."""
        self.readers.discard(reader)

    def say(self, content: object) -> None:
        """Offer one message to all readers."""
        self.tell(self.readers, content)

    def tell(self, readers: Iterable[Reader], content: object) -> None:
        """Offer one message to some of them."""
        message = Message(self.name, _encode(content))
        for reader in readers:
            reader.offer(message)

    def changed(self, change: Change) -> None:
        """A commit changed the stream's market; most streams wait for the beat."""

    def beat(self, now: Micros) -> None:
        """A tenth of a second has passed, and all decided before `now` has been told; some streams speak at once."""


class MarketFeed(Feed):
    """A stream of one market."""

    def __init__(self, name: str, view: MarketView) -> None:
        super().__init__(name)
        self.view = view


class TradeFeed(MarketFeed):
    """`@trade`: every fill, at once."""

    def changed(self, change: Change) -> None:
        for row in change.trades:
            self.say(messages.trade_message(self.view.rules, row))


class AggregateFeed(MarketFeed):
    """`@aggTrade`: the fills of one taker at one price, at once."""

    def changed(self, change: Change) -> None:
        for _, rows in groupby(change.trades, lambda row: row.aggregate):
            self.say(messages.aggregate_message(self.view.rules, list(rows)))


class BookTickerFeed(MarketFeed):
    """`@bookTicker`: the best bid and ask, whenever one changed."""

    def __init__(self, name: str, view: MarketView) -> None:
        super().__init__(name, view)
        self._last: Best | None = None

    def join(self, reader: Reader) -> None:
        """A new reader is told at the next change of anything, so that it need not wait for the best to move."""
        super().join(reader)
        self._last = None

    def changed(self, change: Change) -> None:
        if not change.levels:
            return
        best = self.view.depth.best()
        if best != self._last:
            self._last = best
            self.say(messages.book_ticker_message(self.view.rules, self.view.depth.last_update_id, best))
