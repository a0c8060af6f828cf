"""One WebSocket connection: bounded buffers both ways, pings, limits, and an orderly end.

`ws_codec` knows the frames, `door_link` the socket. Messages of streams come framed already, once for all readers.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final, Protocol

import trio

from exchange.api.door_limits import DoorLimits
from exchange.api.door_link import Link
from exchange.api.feeds import Message
from exchange.api.ws_codec import CLOSE, GOING_AWAY, PING, POLICY, PONG, Broken, Event, Incoming, close_frame, frame
from exchange.api.ws_codec import TEXT as _TEXT

__all__ = ["GOING_AWAY", "POLICY", "Connection", "Listener"]

_TURN: Final = 16
"""So many events of one peer are seen to before others have their turn."""

_TOO_SLOW: Final = "you read too slowly: too many messages were waiting"


class Listener(Protocol):
    """Whom a connection is for. All returns at once."""

    def answer(self, text: str) -> None:
        """See to one text."""
        ...

    def busy(self) -> bool:
        """Whether the next text is to wait: `Connection.go_on` says when to look again."""
        ...


class Connection:
    """A peer whose handshake is done. `combined`: its messages name their stream."""

    def __init__(
        self,
        link: Link,
        limits: DoorLimits,
        gone: Callable[[Connection, Link], None],
        *,
        combined: bool,
        metered: bool,
    ) -> None:
        """`metered`: every message counts, not only pings and pongs. `gone` is told when all is over."""
        self.combined = combined
        self.ending = ""
        self.client = link.address
        self._link = link
        self._gone = gone
        self._limits = limits
        self._metered = metered
        self._incoming = Incoming(limits.frame_bytes)
        self._listener: Listener
        self._allowance = float(2 * limits.messages_per_second)
        self._allowed_at = self._pinged_at = self._answered_at = now = trio.current_time()
        self._retires_at, self._warned = now + limits.lifetime, False
        self._pings: deque[bytes] = deque(maxlen=8)
        self._waits = False
        self._hung_up = False

    def open(self, listener: Listener, rest: bytes) -> None:
        """Begin; `rest` came in right behind the handshake."""
        self._listener = listener
        self._incoming.feed(rest)

    def offer(self, message: Message) -> None:
        """Queue a message of a stream, or cut the reader off if it has fallen too far behind."""
        if self.ending:
            return
        link = self._link
        link.write_behind(message.combined() if self.combined else message.raw())
        if len(link.out) > self._limits.buffer_messages and self._too_slow():
            self._give_up(_TOO_SLOW)

    def send(self, payload: bytes) -> None:
        """Queue a text of its own."""
        if self.ending:
            return
        link = self._link
        link.write(frame(_TEXT, payload))
        if len(link.out) > self._limits.buffer_messages and self._too_slow():
            self._give_up(_TOO_SLOW)

    def _too_slow(self) -> bool:
        """Whether more waits than a reader may be owed: for some time, or far too much at once."""
        if len(self._link.out) > self._limits.buffer_messages * self._limits.burst:
            return True
        return trio.current_time() - self._link.stuck_since > self._limits.patience

    def cut(self, code: int, reason: str, *, drop: bool = False) -> None:
        """End the connection, saying why: what waits is still sent, unless `drop`; then the peer has a moment."""
        if self.ending:
            return
        self.ending = reason
        if drop:
            self._link.out.clear()
        self._link.write(close_frame(code, reason))
        self._link.deadline(self._limits.farewell)
        self.go_on()  # until the peer's own goodbye

    @property
    def stuck(self) -> bool:
        """Whether the peer has not taken what it was given: who does not read need not be given more."""
        return self._link.stuck

    def _give_up(self, reason: str) -> None:
        """Part from a reader that does not read: it will hardly read this."""
        self.cut(POLICY, reason, drop=True)
        self._link.deadline(self._limits.mercy)

    def go_on(self) -> None:
        """The listener, or the peer, can take more again."""
        if self._waits:
            self._waits = False
            self._link.resume()

    def received(self, data: bytes) -> None:
        """See `Speaker`. What comes after the peer's goodbye, or after nonsense, is thrown away."""
        if not self._hung_up:
            self._incoming.feed(data)

    def work(self) -> bool:
        """See `Speaker`."""
        take, listener, stuck = self._incoming.take, self._listener, self._link.stuck
        for _ in range(_TURN):
            if self._hung_up:
                return False
            if not self.ending and (stuck or listener.busy()):
                self._waits = True
                self._link.pause()
                return False
            try:
                event = take()
            except Broken as broken:
                self._break(broken)
                return False
            if event is None:
                return False
            if type(event) is str and not self._metered and not self.ending:
                listener.answer(event)
            else:
                self._see(event)
        return True

    def _break(self, broken: Broken) -> None:
        """The rest of what comes cannot be understood, so nothing is waited for but the end."""
        self.cut(broken.code, broken.reason)
        self._hang_up()

    def _hang_up(self) -> None:
        self._hung_up = True
        self._link.finish()

    def _see(self, event: str | Event) -> None:
        if type(event) is str:
            if self.ending or (self._metered and not self._allowed()):
                return
            self._listener.answer(event)
            return
        assert isinstance(event, Event)
        if event.kind == CLOSE:
            if not self.ending:
                self.ending = "the peer said goodbye"
                self._link.write(close_frame(event.code, event.reason))
            self._hang_up()
        elif self.ending:
            return
        elif event.kind == PING:
            if self._allowed():
                self._link.write(frame(PONG, event.payload))
        elif event.kind == PONG:
            if self._allowed() and event.payload in self._pings:
                self._pings.clear()
        elif self._metered:
            self._allowed()

    def _allowed(self) -> bool:
        """Take one message out of the allowance, which refills by the second; or end it all."""
        now, rate = trio.current_time(), self._limits.messages_per_second
        self._allowance = min(2.0 * rate, self._allowance + (now - self._allowed_at) * rate)
        self._allowed_at = now
        self._allowance -= 1
        if self._allowance >= 0:
            return True
        self.cut(POLICY, f"more than {rate} messages per second", drop=True)
        return False

    def ended(self) -> None:
        """See `Speaker`: the peer left without a word; it is told nothing more than what waits."""
        self.ending = self.ending or "the peer left"
        self._hang_up()

    def closed(self) -> None:
        """See `Speaker`."""
        self.ending = self.ending or "the peer vanished"
        self._hung_up = True
        self._gone(self, self._link)

    def tick(self, now: float) -> None:
        """Ping if it is time to; cut off who has not answered, or not read, for too long, or is here for too long."""
        if self.ending:
            return
        limits = self._limits
        if now - self._link.stuck_since > limits.stall and self._metered:
            self._give_up("you read too slowly: nothing was taken")
        elif self._pings and now - self._answered_at > limits.pong:
            self.cut(POLICY, "no pong came back", drop=True)
        elif now >= self._retires_at:
            self.cut(POLICY, "a connection lives for a day")
        elif now - self._pinged_at >= limits.ping:
            self._ping(now)

    def _ping(self, now: float) -> None:
        if not self._pings:
            self._answered_at = now
        self._pinged_at = now
        payload = str(int(now * 1_000)).encode()
        self._pings.append(payload)
        self._link.write(frame(PING, payload))

    def retires(self) -> bool:
        """Whether the connection will end soon only because of its age; true once."""
        if self._warned or self.ending or trio.current_time() < self._retires_at - self._limits.notice:
            return False
        self._warned = True
        return True
