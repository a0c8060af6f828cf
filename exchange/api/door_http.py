"""A connection to the fast door as it begins, and perhaps stays: HTTP/1.1, requests answered in the order they came."""

from __future__ import annotations

from collections import deque
from functools import partial
from typing import Final, Protocol

import trio

from exchange.api import errors
from exchange.api.answering import Asked, Reply, Request, refusal_reply
from exchange.api.client_address import FORWARDED, client_address
from exchange.api.door_limits import DoorLimits
from exchange.api.door_line import Desk, Line
from exchange.api.door_link import Link, Speaker
from exchange.api.errors import Refusal, Refused
from exchange.api.http_codec import CONTINUE, Heard, Phase, Rendering, Requests, split_target
from exchange.api.rooms import Rooms

_TURN: Final = 16
"""So many requests of one peer are begun before others have their turn."""

_FORWARDED: Final = FORWARDED.lower()


class Host(Protocol):
    """The door, as far as one connection knows it."""

    rooms: Rooms
    limits: DoorLimits
    desk: Desk
    rendering: Rendering

    def admit(self, link: Link, client: str) -> None:
        """Raise `Refused` when there are too many connections already."""
        ...

    def is_websocket(self, path: str) -> bool:
        """Whether that path carries WebSockets."""
        ...

    def upgrade(self, link: Link, heard: Heard, client: str, rest: bytes) -> tuple[bytes, Speaker]:
        """The answer to a handshake and who speaks from there on. Raises `Refused`."""
        ...


class _Slot:
    """The place of one reply among those of its connection."""

    __slots__ = ("bare", "keep", "reply")

    def __init__(self, *, bare: bool, keep: bool) -> None:
        self.bare = bare
        self.keep = keep
        self.reply: bytes | None = None


class HttpPeer:
    """See `Speaker`."""

    def __init__(self, link: Link, host: Host) -> None:
        """Nothing has come yet."""
        self._link = link
        self._host = host
        self._limits = host.limits
        self._requests = Requests(host.limits)
        self._line: Line[Reply] = Line(host.desk, host.limits.requests_in_flight)
        self._slots: deque[_Slot] = deque()
        self._changed_at = trio.current_time()
        self._waits = self._admitted = self._last = self._retiring = False

    def received(self, data: bytes) -> None:
        requests = self._requests
        changes = requests.changes
        if not self._last:
            requests.feed(data)
        if requests.changes != changes:
            self._changed_at = trio.current_time()
        if requests.wants_continue and not self._slots and not requests.heard:
            requests.wants_continue = False
            self._link.write(CONTINUE)

    def work(self) -> bool:
        heard, link = self._requests.heard, self._link
        for _ in range(_TURN):
            if self._last:
                return False
            if not heard:
                if self._requests.fault is not None:
                    self._refuse(self._requests.fault)
                return False
            if link.stuck or self._line.full() or (heard[0].upgrade and self._slots):
                self._waits = True
                link.pause()
                return False
            self._serve(heard.popleft())
            if link.speaker is not self:
                return True
        return True

    def _serve(self, heard: Heard) -> None:
        path, query = split_target(heard.target)
        proxy = self._host.rooms.settings.proxy_address
        client = client_address(self._link.address, heard.headers.get(_FORWARDED, ()), proxy)
        try:
            if not self._admitted:
                self._host.admit(self._link, client)
                self._admitted = True
            if "upgrade" in heard.headers and self._host.is_websocket(path):
                self._upgrade(heard, client)
                return
        except Refused as refused:
            self._refuse(refused.refusal)
            return
        if heard.upgrade:
            self._requests.decline_upgrade()
        request = Request(
            heard.method,
            path,
            query,
            heard.body,
            client,
            heard.first("x-mbx-apikey"),
            heard.first("content-type"),
            heard.first("x-mbx-time-unit"),
        )
        keep = heard.keep and not (self._retiring and self._has_all())
        slot = _Slot(bare=heard.method == "HEAD", keep=keep)
        self._slots.append(slot)
        self._last = not keep
        self._line.put(Asked(self._host.rooms, request), partial(self._done, slot))

    def _upgrade(self, heard: Heard, client: str) -> None:
        answer, speaker = self._host.upgrade(self._link, heard, client, self._requests.rest)
        self._link.write(answer)
        self._link.speaker = speaker

    def _done(self, slot: _Slot, reply: Reply) -> None:
        slot.reply = self._host.rendering.render(reply, bare=slot.bare, keep=slot.keep)
        slots, link = self._slots, self._link
        while slots and (ready := slots[0].reply) is not None:
            if not link.closed:
                link.write(ready)
            if not slots.popleft().keep:
                link.finish()
        self._changed_at = trio.current_time()
        self._go_on()

    def _go_on(self) -> None:
        if self._waits:
            self._waits = False
            self._link.resume()

    def _refuse(self, refusal: Refusal) -> None:
        """Answer, behind all that is still to be answered, what cannot be served; and nothing after it."""
        self._last = True
        slot = _Slot(bare=False, keep=False)
        self._slots.append(slot)
        rooms = self._host.rooms
        id_ = rooms.requests.refused(refusal, "", "", self._link.address, rooms.clock.now())
        self._done(slot, refusal_reply(refusal, id_))

    def ended(self) -> None:
        self._last = True
        if self._slots:
            self._slots[-1].keep = False
        else:
            self._link.finish()

    def closed(self) -> None:
        self._last = True

    def _has_all(self) -> bool:
        """Whether nothing has come that is not begun yet."""
        return not self._requests.heard and self._requests.phase is Phase.IDLE

    def retire(self) -> None:
        """The server will stop: the next request is the last, unless more have come with it."""
        self._retiring = True

    def leave(self) -> None:
        """The server stops: answer all that has come whole, and hang up."""
        self._retiring = True
        if not self._last and not self._requests.heard:
            self.ended()

    def tick(self, now: float) -> None:
        limits, quiet = self._limits, now - self._changed_at
        if now - self._link.stuck_since > limits.body:
            self._link.abort()
        elif self._slots or self._last:
            return
        elif self._requests.phase is Phase.HEAD:
            if quiet > limits.handshake:
                self._refuse(errors.HEAD_TOO_SLOW)
        elif self._requests.phase is Phase.BODY:
            if quiet > limits.body:
                self._refuse(errors.BODY_TOO_SLOW)
        elif quiet > (limits.idle if self._admitted else limits.handshake):
            self._last = True
            self._link.finish()
