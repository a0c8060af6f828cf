"""The requests of one connection: begun in the order in which they came, so many at a time.

One that is a command goes straight to the sequencer; any other gets a task of its own. Whoever comes behind one whose
task has not started yet waits for that, so orders keep their order and a slow reading holds up no order.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

import trio

from exchange.api.answering import Begun
from exchange.api.door_loop import Loop
from exchange.api.errors import Refusal, Refused
from exchange.api.submission import Submission
from exchange.core.performing import Outcome
from exchange.core.rejects import Reject
from exchange.sequencer import Sequencer

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Settled(NamedTuple):
    """What a request that needed no waiting came to."""

    content: object


class Asking(Protocol[T_co]):
    """A request, and the ways to answer it."""

    def begin(self) -> Begun | Settled:
        """All but the deed. Raises `Refused`."""
        ...

    def told(self, content: object) -> T_co:
        """The reply that tells what came of it."""
        ...

    def refused(self, refusal: Refusal) -> T_co:
        """The reply that says no."""
        ...

    def failed(self) -> T_co:
        """The reply to what met a bug of ours, which is being handled."""
        ...


class Desk:
    """Where all connections of a door have their requests done."""

    def __init__(self, sequencer: Sequencer, loop: Loop, nursery: trio.Nursery) -> None:
        """`nursery` holds the tasks of requests that need one."""
        self.submit = sequencer.submit
        self.soon = loop.soon
        self.start = nursery.start_soon


class Line(Generic[T]):
    """See above. `T` is what a reply is, to the protocol of the connection."""

    __slots__ = ("_closed", "_desk", "_in_hand", "_most", "_waiting")

    def __init__(self, desk: Desk, most: int) -> None:
        """`most` are in hand at a time; the caller is to see to that, by `full`."""
        self._desk = desk
        self._most = most
        self._in_hand = 0
        self._closed = False
        self._waiting: deque[tuple[Asking[T], Callable[[T], None], Callable[[], Awaitable[Any]] | None]] = deque()

    def full(self) -> bool:
        """Whether the next one is to wait until one is answered."""
        return self._in_hand >= self._most

    @property
    def empty(self) -> bool:
        """Whether nothing is in hand."""
        return not self._in_hand

    def close(self) -> None:
        """Begin nothing more: what has not been begun by now is dropped without a word."""
        self._closed = True

    def put(self, asking: Asking[T], done: Callable[[T], None]) -> None:
        """Do one more; `done` is called with its reply, perhaps at once."""
        self._in_hand += 1
        if self._waiting:
            self._wait(asking, done, None)
            return
        rest = self._begin(asking, done)
        if rest is not None:
            self._wait(asking, done, rest)

    def _wait(self, asking: Asking[T], done: Callable[[T], None], rest: Callable[[], Awaitable[Any]] | None) -> None:
        self._waiting.append((asking, done, rest))
        self._desk.start(self._work)

    def _begin(self, asking: Asking[T], done: Callable[[T], None]) -> Callable[[], Awaitable[Any]] | None:
        """See to it as far as that goes without waiting; what is left, if anything, is to be awaited by a task."""
        try:
            begun = asking.begin()
            if type(begun) is Submission:
                desk = self._desk
                reply = partial(desk.soon, self._tell, asking, done, begun.word)
                if not desk.submit(begun.command, reply):
                    self._tell(asking, done, begun.word, Outcome(Reject.QUEUE_FULL))
                return None
            if not isinstance(begun, Settled):
                return begun  # type: ignore[return-value]  # the one kind that is left
            said = asking.told(begun.content)
        except Refused as refused:
            said = asking.refused(refused.refusal)
        except Exception:  # noqa: BLE001  # `failed` logs it
            said = asking.failed()
        self._end(done, said)
        return None

    def _tell(
        self, asking: Asking[T], done: Callable[[T], None], word: Callable[[Outcome], Any], outcome: Outcome
    ) -> None:
        try:
            reply = asking.told(word(outcome))
        except Refused as refused:
            reply = asking.refused(refused.refusal)
        except Exception:  # noqa: BLE001  # `failed` logs it
            reply = asking.failed()
        self._end(done, reply)

    async def _work(self) -> None:
        """Do the one that has waited longest, not one given: tasks may start in any order, orders must not."""
        asking, done, rest = self._waiting.popleft()
        if rest is None:
            rest = None if self._closed else self._begin(asking, done)
            if rest is None:
                return
        try:
            reply = asking.told(await rest())
        except Refused as refused:
            reply = asking.refused(refused.refusal)
        except Exception:  # noqa: BLE001  # `failed` logs it
            reply = asking.failed()
        self._end(done, reply)

    def _end(self, done: Callable[[T], None], reply: T) -> None:
        self._in_hand -= 1
        done(reply)
