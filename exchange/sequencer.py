"""The single writer: commands in, in order; outcomes out, once durable.

While one batch is on its way to the disk the next is decided, never more. Every reply, a refusal or a reading of money
too, waits until all state that it was decided on is on disk. Any error of the ledger ends the process.
"""

from __future__ import annotations

import gc
from collections import Counter, deque
from collections.abc import Callable
from typing import Any, Final, TypeVar

import msgspec
import trio

from exchange.clock import Clock
from exchange.core.commands import CancelReplace, Command, Keyed, PlaceOrder, PlaceOrderList, SetMarketPhase
from exchange.core.committed import Committed, Report, reports_of, take_levels
from exchange.core.events import Event
from exchange.core.market import MarketPhase
from exchange.core.performing import Observer, Outcome, UndecidedError, perform, wake
from exchange.core.rejects import Reject
from exchange.core.state import State
from exchange.core.units import AccountId, Micros
from exchange.ledger.journal import Journal
from exchange.ledger.rows import Frozen, freeze
from exchange.ledger.writer import Writer
from exchange.ops.stats import Stats

T = TypeVar("T")
_ORDERS: Final = frozenset({PlaceOrder, CancelReplace, PlaceOrderList, Keyed})


QUARANTINED: Final = "quarantined: "
"""How the reason of a halt begins that the exchange made because deciding failed."""

_MANY: Final = 16
"""So many that wait are decided while the batch before them is being written."""

_UNSEEN: Final = 20_000
"""So many more containers may be made than given up before the collector looks for cycles. With its usual 700 it looked
several times at each order that waits for its commit."""

_Ticket = tuple[Command | Callable[[State], Any], Callable[[Any], None], Micros]
"""A command (or a look at the state) that waits, whom to tell, and since when."""


class _Batch:
    """What was decided together, and whom to tell once it is durable."""

    __slots__ = ("answers", "arrivals", "frozen", "handed", "reports", "time")

    def __init__(self) -> None:
        self.answers: list[tuple[Callable[[Any], None], Any]] = []
        self.arrivals: list[Micros] = []
        self.reports: list[Report] = []
        self.time = self.handed = Micros(0)
        self.frozen: Frozen | None = None


class Sequencer:
    """Owns `State` and `Journal`. Everybody else calls `call`, `submit` and `read`."""

    def __init__(self, state: State, journal: Journal, clock: Clock, *, queue_limit: int, batch_limit: int) -> None:
        """`queue_limit` commands may wait; the last tenth of the places is for cancels and operators.

        While `storage_low` is set, orders are refused; cancels still work.
        """
        self.state = state
        self.stats = Stats()
        self.storage_low = False
        self._journal = journal
        self._clock = clock
        self._queue_limit = queue_limit
        self._order_limit = queue_limit - queue_limit // 10
        self._batch_limit = batch_limit
        self._inbox: deque[_Ticket] = deque()
        self._batch = _Batch()
        self._writing: _Batch | None = None
        self._written = False
        self._failure: BaseException | None = None
        self._closing = False
        self._drained = False
        self._bell = trio.Event()
        self._time: Micros = journal.last_time
        self._consumers: list[Callable[[Committed], None]] = []
        self._watched: Counter[AccountId] = Counter()

    def submit(self, command: Command, reply: Callable[[Outcome], None]) -> bool:
        """Queue `command`; `reply` is called with its outcome once that is durable.

        False: the queue is full or closing, nothing happened and `reply` is never called.
        """
        inbox = self._inbox
        if self._closing or len(inbox) >= (self._order_limit if type(command) in _ORDERS else self._queue_limit):
            return False
        inbox.append((command, reply, self._clock.now()))
        self._arrived()
        return True

    async def call(self, command: Command) -> Outcome:
        """Queue `command` and return its outcome once that is durable.

        A caller that is cancelled meanwhile changes nothing: the command stands, and the journal tells its fate.
        """
        done = _Answer()
        if not self.submit(command, done.set):
            return Outcome(Reject.QUEUE_FULL)
        outcome = await done.wait()
        assert isinstance(outcome, Outcome)
        return outcome

    async def read(self, look: Callable[[State], T]) -> T:
        """What `look` sees of the state in its turn, returned once all that it saw is durable.

        `look` must neither write nor keep hold of anything that can change. Readings find a place even when the
        queue is full: they change nothing and cost little. Once all is drained nobody would answer them any more:
        they raise `trio.ClosedResourceError`.
        """
        if self._drained:
            raise trio.ClosedResourceError("the sequencer has stopped")
        done = _Answer()
        self._inbox.append((look, done.set, self._clock.now()))
        self._arrived()
        result: T = await done.wait()
        return result

    def _arrived(self) -> None:
        """Something waits. While a batch is being written a few may: it will ring soon, and each ring costs a turn."""
        if self._writing is None or len(self._inbox) == _MANY:
            self._bell.set()

    def subscribe(self, consumer: Callable[[Committed], None]) -> None:
        """Call `consumer` after every commit, in order. It must be quick and must not raise."""
        self._consumers.append(consumer)

    def watch(self, account: AccountId) -> None:
        """Report on this account with every commit, until `unwatch` was called as often."""
        self._watched[account] += 1

    def unwatch(self, account: AccountId) -> None:
        """Undo one `watch`."""
        self._watched[account] -= 1
        if self._watched[account] <= 0:
            del self._watched[account]

    def close(self) -> None:
        """Take no more commands; `run` returns when all that waits is durable and answered."""
        self._closing = True
        self._bell.set()

    @property
    def waiting(self) -> int:
        """How many commands and readings wait to be decided."""
        return len(self._inbox)

    @property
    def last_time(self) -> Micros:
        """Of the newest batch that was decided, or of the ledger's last event."""
        return self._time

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Decide and commit until closed. Raises whatever the ledger raises: then the process must end."""
        gc.collect()
        gc.freeze()
        gc.set_threshold(_UNSEEN)
        writer = Writer(self._journal.commit, self._durable)
        try:
            task_status.started()
            while not self._drained:
                await self._bell.wait()  # or a turn for the others, if there is more to do at once
                done = self._take_written()
                if done is not None:
                    self._answer(done)
                    await trio.lowlevel.checkpoint()  # who was answered, or came meanwhile, makes the next batch larger
                self._bell = trio.Event()
                self._step(writer)
        finally:
            await writer.close()

    def _step(self, writer: Writer) -> None:
        """Decide what waits, and have it written unless another batch is."""
        if self._inbox:
            self._decide()
        self._hand_over(writer)
        if self._writing is None and self._closing and not self._inbox:
            self._drained = True
        elif self._inbox and len(self._batch.answers) < self._batch_limit:
            self._bell.set()

    def _decide(self) -> None:
        """Decide what waits, up to a full batch."""
        batch, inbox = self._batch, self._inbox
        batch.time = self._now()
        while inbox and len(batch.answers) < self._batch_limit:
            command, reply, arrived = inbox.popleft()
            batch.arrivals.append(arrived)
            if isinstance(command, msgspec.Struct):
                batch.answers.append((reply, self._perform(command, batch)))
            else:
                batch.answers.append((reply, _look(command, self.state)))

    def _perform(self, command: Command, batch: _Batch) -> Outcome:
        """One command, and all the sleeping orders that it wakes. A market that cannot be decided is quarantined."""
        if self.storage_low and type(command) in _ORDERS:
            return Outcome(Reject.STORAGE_LOW)
        after = self._observer(batch) if self._watched else None
        try:
            outcome = perform(self.state, batch.time, command, after)
        except UndecidedError as error:
            self._quarantine(error, batch, after)
            return error.happened or Outcome(Reject.INTERNAL)
        self._wake(command, batch, after)
        return outcome

    def _wake(self, command: Command, batch: _Batch, after: Observer | None) -> None:
        """Wake whom the command's trades woke, and whom those wake. What the command itself did stands either way."""
        market = command.place.market if isinstance(command, CancelReplace) else getattr(command, "market", None)
        book = self.state.books.get(market) if market is not None else None
        if book is None or not book.anybody_due:
            return
        try:
            while wake(self.state, batch.time, book.rules.id, after):
                pass
        except UndecidedError as error:
            self._quarantine(error, batch, after)

    def _quarantine(self, error: UndecidedError, batch: _Batch, after: Observer | None) -> None:
        """Halt the one market in which deciding failed; the others go on. Without a market, it is a bug of ours."""
        self.stats.quarantined(error)
        book = self.state.books.get(error.market) if error.market is not None else None
        if book is not None and book.phase != MarketPhase.HALTED:
            reason = QUARANTINED + type(error.__cause__).__name__
            perform(self.state, batch.time, SetMarketPhase(book.rules.id, MarketPhase.HALTED, reason), after)

    def _observer(self, batch: _Batch) -> Observer:
        """Write down what watched accounts are to be told of each event."""

        def after(event: Event) -> None:
            batch.reports += reports_of(self.state, event, self._watched.keys())

        return after

    def _hand_over(self, writer: Writer) -> None:
        """Close the batch unless one is being written: its rows are the writer's, and the next batch begins."""
        if self._writing is not None or not self._batch.answers:
            return
        batch, self._batch = self._batch, _Batch()
        levels = take_levels(self.state)
        batch.frozen = freeze(self.state.take_changes(), self.state, batch.time, levels, tuple(batch.reports))
        self._writing = batch
        if batch.frozen is not None:
            batch.handed = self._clock.now()
            writer.write(batch.frozen)
        else:
            self._durable(None)  # nothing happened, and all that it was decided on is on the disk

    def _durable(self, error: BaseException | None) -> None:
        """The batch that was being written is on the disk; or it failed, and `run` is to raise that."""
        self._failure = error
        self._written = True
        self._bell.set()

    def _take_written(self) -> _Batch | None:
        """The batch that became durable since last asked, if one did. Raises what its commit raised."""
        if not self._written:
            return None
        if self._failure is not None:
            raise self._failure
        batch, self._writing, self._written = self._writing, None, False
        return batch

    def _answer(self, batch: _Batch) -> None:
        """A batch is durable: answer, then publish."""
        now = self._clock.now()
        for reply, answer in batch.answers:
            reply(answer)
        self.stats.answered(now, batch.arrivals)
        frozen = batch.frozen
        if frozen is not None:
            self.stats.committed(now, batch.handed, len(batch.answers), frozen.committed.last)
            for consumer in self._consumers:
                consumer(frozen.committed)

    def _now(self) -> Micros:
        """The time, never running backwards: events are ordered by number, and their times must not disagree."""
        self._time = now = max(self._time, self._clock.now())
        return now


class _Answer:
    """One answer, awaited by one task."""

    __slots__ = ("_event", "_value")

    def __init__(self) -> None:
        self._event = trio.Event()
        self._value: Any = None

    def set(self, value: Any) -> None:  # noqa: ANN401  # whatever the question was
        self._value = value
        self._event.set()

    async def wait(self) -> Any:  # noqa: ANN401
        """The answer; raises it if it is an exception of the reader's own."""
        await self._event.wait()
        if isinstance(self._value, _Failed):
            raise self._value.error
        return self._value


class _Failed:
    """A look at the state that raised: its asker's bug, so its asker gets it back."""

    __slots__ = ("error",)

    def __init__(self, error: Exception) -> None:
        self.error = error


def _look(look: Callable[[State], Any], state: State) -> Any:  # noqa: ANN401
    try:
        return look(state)
    except Exception as error:  # noqa: BLE001  # handed to the asker, who raises it
        return _Failed(error)
