"""What every part of a chain's payouts works with: the file, the node, the rules, and how an alarm is raised."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final, TypeVar

import msgspec

from exchange.clock import Clock
from exchange.core.units import MILLION, Micros
from exchange.custody.payouts import store as moves
from exchange.custody.payouts.crash_points import Points, pass_by
from exchange.custody.payouts.screening import Screen
from exchange.custody.port import Chain, NodeFault, Spending
from exchange.custody.store import Store

T = TypeVar("T")

_ID_CHARS: Final = 16


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """How a chain's payouts are made. Blocks are counted from the tip."""

    final_blocks: int
    """A payout this deep is final."""
    wait_finalized: bool = True
    """Where the chain promises that blocks stay, a payout is not final before that."""
    batch: int = 1
    """Withdrawals paid by one transaction at the most."""
    replace_after_blocks: int = 3
    """After so many blocks without it a transaction is replaced by one that pays the network more."""
    max_attempts: int = 8
    retry_seconds: int = 600
    """How long a withdrawal waits that cannot be paid now, or that the signer refuses."""


class PayoutDesk:
    """One chain's payouts, without what is done there."""

    def __init__(
        self,
        store: Store,
        chain: Chain,
        spending: Spending,
        clock: Clock,
        policy: Policy,
        at: Points = pass_by,
        *,
        screen: Screen,
    ) -> None:
        """`at` is called at each point where a crash is survived; `screen` knows where nothing may be paid."""
        self._store = store
        self._chain = chain
        self._spending = spending
        self._clock = clock
        self._policy = policy
        self._at = at
        self._screen = screen

    async def _write(self, act: Callable[..., T], **values: Any) -> T:  # noqa: ANN401  # whatever the act takes
        """Run a function of `payout_store` in a transaction of its own."""
        return await self._store.write(partial(act, **values))

    async def _keep(self, act: Callable[..., T], **values: Any) -> T:  # noqa: ANN401
        """The same; what a family or the signer must never do is undone by it, and stops the chain's payouts."""
        try:
            return await self._write(act, **values)
        except moves.Inconsistent as error:
            why, now = str(error), self._clock.now()
            await self._write(moves.stop, chain=self._chain.name, why=why, now=now)
            raise NodeFault(why) from error

    async def _alarm(self, kind: str, text: str) -> None:
        await self._write(moves.alarm, chain=self._chain.name, kind=kind, text=text, now=self._clock.now())

    def _later(self) -> Micros:
        return Micros(self._clock.now() + self._policy.retry_seconds * MILLION)

    def _name(self) -> str:
        """A draft's name, never used before: not even by a signer that remembers more than a restored file."""
        return f"{self._chain.name}-{self._clock.token(_ID_CHARS)}"
