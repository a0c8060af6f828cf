"""The fast door's one loop: an epoll of its own over all its sockets, waited for as one thing by Trio.

It wakes once for a batch of ready sockets. What one peer may have done at a time is bounded (`Link.work`), and so is
what is done for all before the other tasks of the process have their turn.
"""

from __future__ import annotations

import select
from collections import deque
from typing import Any, Final, Protocol

import structlog
import trio

_EVENTS: Final = 128
"""So many ready sockets are seen to at one wake-up."""

_TURN: Final = 64
"""So many connections are worked for or written to before other tasks have their turn."""

_WORDED: Final = 128
"""So many outcomes are put into words before other tasks have their turn."""

TICK: Final = 0.25
"""Seconds between two looks at who has been too slow."""

IN: Final = select.EPOLLIN
OUT: Final = select.EPOLLOUT
_BROKEN: Final = select.EPOLLHUP | select.EPOLLERR

_log = structlog.get_logger(__name__)


class Pollable(Protocol):
    """What the loop looks after. All its methods return at once."""

    def ready(self, events: int) -> None:
        """The socket is ready for these."""
        ...

    def work(self) -> bool:
        """Do a bounded piece of what waits to be done; True: there is more."""
        ...

    def flush(self) -> None:
        """Send what is queued, as far as the socket takes it."""
        ...

    def tick(self, now: float) -> None:
        """`TICK` seconds have passed."""
        ...

    def abort(self) -> None:
        """Close without a word: a bug was met."""
        ...


class Loop:
    """Who is ready, who has more to do, who is to be written to, and which outcomes wait to be worded."""

    def __init__(self) -> None:
        """Nobody yet."""
        self._epoll = select.epoll()
        self._links: dict[int, Pollable] = {}
        self._busy: deque[Pollable] = deque()
        self._unsent: deque[Pollable] = deque()
        self._behind: deque[Pollable] = deque()
        self._calls: deque[tuple[Any, ...]] = deque()
        self._bell = trio.Event()
        self._left = trio.Event()
        self._turning = False

    def close(self) -> None:
        """Let go of the epoll itself."""
        self._epoll.close()

    def add(self, fd: int, link: Pollable) -> None:
        """Look after `link`, whose socket is `fd`, and read it when it can be read."""
        self._links[fd] = link
        self._epoll.register(fd, IN)

    def watch(self, fd: int, events: int) -> None:
        """From now on be ready for these only."""
        self._epoll.modify(fd, events)

    def forget(self, fd: int) -> None:
        """Look after it no longer."""
        del self._links[fd]
        self._epoll.unregister(fd)
        self._left.set()

    async def idle(self) -> None:
        """Returns once nothing waits to be worded or sent."""
        while self._calls or self._busy or self._unsent or self._behind:
            await trio.lowlevel.checkpoint()

    async def empty(self) -> None:
        """Returns once nobody is left."""
        while self._links:
            self._left = trio.Event()
            await self._left.wait()

    @property
    def links(self) -> list[Pollable]:
        """All that are looked after."""
        return list(self._links.values())

    def busy(self, link: Pollable) -> None:
        """Call `link.work` soon."""
        self._busy.append(link)
        if not self._turning:
            self._bell.set()

    def unsent(self, link: Pollable) -> None:
        """Call `link.flush` soon: once for all that is queued until then."""
        self._unsent.append(link)
        if not self._turning:
            self._bell.set()

    def unsent_behind(self, link: Pollable) -> None:
        """Call `link.flush` after those that have answers to send: a thousand readers hold up no trader."""
        self._behind.append(link)
        if not self._turning:
            self._bell.set()

    def soon(self, *call: Any) -> None:  # noqa: ANN401  # a function and whatever it takes
        """Call it soon: whoever commits must not wait until answers are put into words."""
        if not self._calls:
            self._bell.set()
        self._calls.append(call)

    async def run(self) -> None:
        """See to all of it until cancelled."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._listen)
            nursery.start_soon(self._answer)
            nursery.start_soon(self._tick)

    async def _listen(self) -> None:
        """Wake once for all sockets that are ready."""
        links = self._links
        fd = self._epoll.fileno()
        while True:
            await trio.lowlevel.wait_readable(fd)
            self._turning = True
            for ready, events in self._epoll.poll(0, _EVENTS):
                link = links.get(ready)
                if link is None:
                    continue  # closed a moment ago, by what another one did
                try:
                    link.ready(events)
                except Exception:  # noqa: BLE001  # see `_failed`
                    _failed(link)
            self._turn()

    async def _answer(self) -> None:
        """Wake once for all that a commit has to say."""
        while True:
            await self._bell.wait()
            self._bell = trio.Event()
            self._turning = True
            self._turn()

    def _turn(self) -> None:
        """A bounded piece of everything that waits; what is left rings again.

        Nothing is sent while outcomes wait to be worded: all that a commit has to say to one peer goes out together.
        """
        calls, busy = self._calls, self._busy
        for _ in range(min(len(calls), _WORDED)):
            tell, *outcome = calls.popleft()
            tell(*outcome)
        for _ in range(min(len(busy), _TURN)):
            link = busy.popleft()
            try:
                if link.work():
                    busy.append(link)
            except Exception:  # noqa: BLE001  # see `_failed`
                _failed(link)
        if not calls:
            _flush(self._unsent)
            _flush(self._behind)
        self._turning = False
        if calls or busy or self._unsent or self._behind:
            self._bell.set()

    async def _tick(self) -> None:
        while True:
            await trio.sleep(TICK)
            now = trio.current_time()
            for link in self.links:
                try:
                    link.tick(now)
                except Exception:  # noqa: BLE001  # see `_failed`
                    _failed(link)


def _flush(waiting: deque[Pollable]) -> None:
    """Have a bounded number of those that wait send what they have."""
    for _ in range(min(len(waiting), _TURN)):
        link = waiting.popleft()
        try:
            link.flush()
        except Exception:  # noqa: BLE001  # see `_failed`
            _failed(link)


def _failed(link: Pollable) -> None:
    """A bug met by one peer, being handled: logged with its traceback, and the peer is hung up on.

    It must stop neither the others nor the matching.
    """
    _log.exception("a connection failed")
    link.abort()


def broken(events: int) -> bool:
    """Whether these say that the peer is gone."""
    return bool(events & _BROKEN)
