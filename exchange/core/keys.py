"""Idempotency keys: which were used, for what, and until when. The answer itself lies in the ledger.

A key is remembered from the first command that changed something under it. For as long as it lives, the same key with
the same content is answered as the first time, and with other content it is refused.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator
from typing import Final

import msgspec

from exchange.core.order_lists import OrderListRow
from exchange.core.orders import OrderRow
from exchange.core.units import AccountId, Micros, Seq

RETENTION: Final = Micros(25 * 3_600 * 1_000_000)
"""How long a key lives after its first use: a day, and an hour for clocks that disagree."""
MAX_KEYS: Final = 300_000
MAX_KEYS_PER_ACCOUNT: Final = 60_000
"""So many may live at a time, in all and of one account; each takes about a third of a kilobyte of memory.

Nobody gets a key who has as many as are left for all: so a few accounts cannot leave nothing to the others.
"""
_FORGOTTEN_AT_ONCE: Final = 2
"""Dead keys dropped with each new one: more than come in, few enough never to be felt."""

Name = tuple[AccountId, str]


class Remembered(msgspec.Struct, frozen=True, gc=False):
    """The first answer, but for its events: those are the `events` that stand right before it in the journal.

    `reject` names a refusal ("": none). `replaced` is the second half of a cancel-replace, its events the later ones.
    """

    reject: str
    events: int
    orders: tuple[OrderRow, ...]
    replaced: Remembered | None = None
    lists: tuple[OrderListRow, ...] = ()


class Used(msgspec.Struct, frozen=True, gc=False):
    """A key in use: `seq` is the event that remembers it, `digest` says what was asked under it."""

    seq: Seq
    time: Micros
    digest: bytes


class Keys:
    """The living keys of all accounts, oldest first, and the dead ones that nothing has displaced yet."""

    __slots__ = ("_by_name", "_counts", "_queue")

    def __init__(self) -> None:
        """None."""
        self._by_name: dict[Name, Used] = {}
        self._queue: deque[tuple[Name, Used]] = deque()
        self._counts: Counter[AccountId] = Counter()

    def __len__(self) -> int:
        return len(self._by_name)

    def find(self, account: AccountId, key: str, now: Micros) -> Used | None:
        """The use of that key, unless it is too long ago."""
        used = self._by_name.get((account, key))
        return used if used is not None and now - used.time < RETENTION else None

    def full(self, account: AccountId, now: Micros) -> bool:
        """Whether there is no room for a further key of the account: there is as long as dead ones can make way."""
        if self._counts[account] < min(MAX_KEYS_PER_ACCOUNT, MAX_KEYS - len(self._by_name)):
            return False
        return not self._queue or now - self._queue[0][1].time < RETENTION

    def remember(self, account: AccountId, key: str, used: Used) -> list[Name]:
        """Add a key, and drop a few dead ones for it: those that were dropped."""
        name, dropped = (account, key), []
        if name in self._by_name:  # dead, and used anew: its old place in the queue is an empty one from here on
            self._forget(name)
            dropped.append(name)
        while self._queue and len(dropped) < _FORGOTTEN_AT_ONCE:
            oldest, its = self._queue[0]
            if used.time - its.time < RETENTION:
                break
            self._queue.popleft()
            if self._by_name.get(oldest) is its:
                self._forget(oldest)
                dropped.append(oldest)
        self.restore(account, key, used)
        return dropped

    def restore(self, account: AccountId, key: str, used: Used) -> None:
        """Add a key that is younger than all there are."""
        name = (account, key)
        self._by_name[name] = used
        self._queue.append((name, used))
        self._counts[account] += 1

    def violations(self) -> Iterator[str]:
        """What is wrong with the counts and the queue, in words."""
        if Counter(account for account, _ in self._by_name) != self._counts:
            yield "idempotency keys: the accounts' counts are wrong"
        living = [name for name, used in self._queue if self._by_name.get(name) is used]
        if living != list(self._by_name):
            yield "idempotency keys: the queue is not in the order of use"

    def _forget(self, name: Name) -> None:
        del self._by_name[name]
        self._counts[name[0]] -= 1
        if not self._counts[name[0]]:
            del self._counts[name[0]]
