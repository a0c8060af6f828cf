"""What is written about one account: its own events by number, its money movement by movement, its first answers.

On a connection of its own, so that a long reading keeps nobody's order waiting. Each question reads at most so many
batches of the journal; who wants more asks again from where the answer ends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, TypeVar

import msgspec
import trio

from exchange.core.events import Event, Traded
from exchange.core.performing import Outcome, first_outcome
from exchange.core.postings import ACCOUNT_SHIFT
from exchange.core.units import AccountId, Amount, BalanceKey, Seq
from exchange.ledger import db
from exchange.ledger.journal import DECODER

T = TypeVar("T")

MAX_BATCHES: Final = 200
"""Batches of the journal that one question may read; each has at most as many events as one commit."""


class OwnEvent(msgspec.Struct, frozen=True, gc=False):
    """One of an account's own events: its `number` there, its `seq` in the journal."""

    number: int
    seq: Seq
    event: Event


class Movement(msgspec.Struct, frozen=True, gc=False):
    """One change of one balance of the account, `balance` being what it came to."""

    cause: OwnEvent
    key: BalanceKey
    other: BalanceKey
    amount: Amount
    balance: Amount


class Records:
    """A read-only view of the ledger, one question at a time."""

    def __init__(self, path: Path) -> None:
        """Open the ledger at `path`; raises `LedgerDamaged` when there is none."""
        self._connection = db.open_reader(path)
        self._turn = trio.CapacityLimiter(1)

    async def run(self, question: Callable[[], T]) -> T:
        """Ask in a worker thread: `await records.run(lambda: records.events(...))`."""
        return await trio.to_thread.run_sync(question, limiter=self._turn)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def events(self, account: AccountId, start: int, limit: int) -> list[OwnEvent]:
        """The account's events from number `start` on, at most `limit`, perhaps fewer; none: there are no more yet."""
        found: list[OwnEvent] = []
        with self._connection:
            for own in self._events(account, start):
                if len(found) == limit:
                    break
                found.append(own)
        return found

    def movements(self, account: AccountId, start: int, limit: int) -> tuple[list[Movement], int]:
        """The changes of its balances by `limit` of its events from `start` on, and the number to go on from."""
        with self._connection:
            last, balances = self._mark(account, start)
            found: list[Movement] = []
            beyond = start
            events = list(self._some(account, last + 1, start + limit))
            for own in events:
                moved = list(self._moved(own, account, balances, self._twin(own, account)))
                if own.number >= start:
                    found += moved
                    beyond = own.number + 1
        return found, beyond

    def first_outcome(self, account: AccountId, key: str) -> Outcome | None:
        """The first answer to what the account asked under an idempotency key; None when the key is not known."""
        with self._connection:
            row = self._connection.execute(
                "SELECT seq, answer FROM idempotency_keys WHERE account = ? AND key = ?", (account, key)
            ).fetchone()
            if row is None:
                return None
            seq, answer = row
            batch = self._connection.execute(
                "SELECT first_seq, events FROM journal WHERE first_seq <= ? ORDER BY first_seq DESC LIMIT 1", (seq,)
            ).fetchone()
        assert batch is not None
        first, blob = batch
        return first_outcome(answer, DECODER.decode(blob)[: seq - first])

    def _events(self, account: AccountId, start: int) -> Iterator[OwnEvent]:
        batches = self._connection.execute(
            "SELECT j.first_seq, j.events FROM account_events a JOIN journal j ON j.first_seq = a.batch"
            " WHERE a.account = ? AND a.last >= ? ORDER BY a.last LIMIT ?",
            (account, start, MAX_BATCHES),
        )
        for first, blob in batches:
            for seq, event in enumerate(DECODER.decode(blob), first):
                for number in numbers_of(event, account):
                    if number >= start:
                        yield OwnEvent(number, Seq(seq), event)

    def _some(self, account: AccountId, start: int, end: int) -> Iterator[OwnEvent]:
        """Events from `start` up to and without `end`, as far as one question may go."""
        for own in self._events(account, start):
            if own.number >= end:
                return
            yield own

    @staticmethod
    def _twin(own: OwnEvent, account: AccountId) -> bool:
        """Whether it is the first half of what the account did with itself: its movements are told with the other."""
        numbers = numbers_of(own.event, account)
        return len(numbers) > 1 and own.number == numbers[0]

    def _mark(self, account: AccountId, start: int) -> tuple[int, dict[int, int]]:
        """The newest noted balances before event `start`: after which event, and what they were."""
        row = self._connection.execute(
            "SELECT last, balances FROM balance_marks WHERE account = ? AND last < ? ORDER BY last DESC LIMIT 1",
            (account, start),
        ).fetchone()
        if row is None:
            return 0, {}
        return row[0], dict(msgspec.msgpack.decode(row[1], type=list[tuple[int, int]]))

    def _moved(
        self, own: OwnEvent, account: AccountId, balances: dict[int, int], told_elsewhere: bool
    ) -> Iterator[Movement]:
        """What one event did to the account's balances, which are brought up to date."""
        if told_elsewhere:
            return
        first = self._first_posting_at(own.seq)
        postings = self._connection.execute(
            "SELECT debit, credit, amount, seq FROM postings WHERE id >= ? ORDER BY id", (first,)
        )
        for debit, credit, amount, seq in postings:
            if seq != own.seq:
                return
            for key, other, change in ((debit, credit, -amount), (credit, debit, amount)):
                if key >> ACCOUNT_SHIFT == account:
                    balances[key] = balances.get(key, 0) + change
                    yield Movement(own, key, other, Amount(change), Amount(balances[key]))

    def _first_posting_at(self, seq: Seq) -> int:
        """The id of the first posting of event `seq` or after it: ids count from 1, and events ascend with them."""
        row = self._connection.execute("SELECT coalesce(max(id), 0) FROM postings").fetchone()
        assert row is not None
        low, high = 1, row[0] + 1
        while low < high:
            middle = (low + high) // 2
            found = self._connection.execute("SELECT seq FROM postings WHERE id = ?", (middle,)).fetchone()
            assert found is not None
            if found[0] < seq:
                low = middle + 1
            else:
                high = middle
        return low


def numbers_of(event: Event, account: AccountId) -> tuple[int, ...]:
    """The event's numbers among the account's own: none, one, or, of what it did with itself, two."""
    if type(event) is Traded:
        maker = (event.maker_seq,) if event.maker == account else ()
        return (*maker, event.taker_seq) if event.taker == account else maker
    if getattr(event, "account", None) != account:
        return ()
    number = getattr(event, "account_seq", None)
    if number is not None:
        return (number,)
    sides = (getattr(event, "maker_seq", 0), getattr(event, "taker_seq", 0))
    return tuple(number for number in sides if number)
