"""Keeps our own coins where they belong: deposits into the hot wallet, too much of that to cold, too little told.

It only plans. What it plans has no payment, so the signer lets it go nowhere but to our own addresses; from there on it
is a payout like any other, sent, replaced and followed by the same worker. A person's balance is never touched.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final, Protocol

import msgspec

from exchange.clock import Clock
from exchange.custody.deposits import chain_rows
from exchange.custody.payouts.purse import Books
from exchange.custody.payouts.rows import stopped
from exchange.custody.port import BadAddress, Chain, Draft, FeeTooHigh, Header, Unaffordable
from exchange.custody.store import Store
from exchange.custody.treasury import hot_limits, sweep_rows
from exchange.custody.treasury.hot_limits import Act
from exchange.custody.treasury.sweep_rows import Pile

_ID_CHARS: Final = 16
_MOST_MOVING: Final = 10
"""Moves under way on one chain at once."""


class TankEmpty(Exception):
    """The address that pays for the gas of others has too little."""


class Planned(msgspec.Struct, frozen=True):
    """A move: its draft, made from an id inside the transaction that keeps it, and the deposits that it takes along."""

    draft: Callable[[str, Books], Draft]
    keys: tuple[str, ...]


class Moves(Protocol):
    """What a family knows of moving our own coins. Raises `NodeFault`, `Unaffordable`, `FeeTooHigh`, `BadAddress`."""

    async def sweep(self, piles: Sequence[Pile], least: Mapping[str, int], moving: Sequence[Draft]) -> Planned | None:
        """The next move of deposits into the hot wallet; None where nothing is worth it now."""
        ...

    async def rescue(self) -> Planned | None:
        """A child for a payment to us that waits too long to be mined; None where there is none, or no such thing."""
        ...

    async def spill(self, contract: str, amount: int, cold: str) -> Planned:
        """A move out of the hot wallet to a cold address."""
        ...

    async def hot(self, contract: str, header: Header) -> int:
        """What the hot wallet has."""
        ...


class Hot(msgspec.Struct, frozen=True):
    """What the hot wallet should hold of an asset, and what we owe of it; in the chain's unit."""

    wanted: int
    liabilities: int


class Plans(msgspec.Struct, frozen=True, kw_only=True):
    """By contract: the least that is worth a sweep, and what the hot wallet should hold (asked anew at each step)."""

    least: Mapping[str, int]
    hot: Callable[[], Mapping[str, Hot]]
    cold: str = ""
    """Where too much goes; "" where no cold wallet is known."""


class Sweeper:
    """One chain's."""

    def __init__(self, store: Store, chain: Chain, moves: Moves, plans: Plans, clock: Clock) -> None:
        """`moves` of the chain's family."""
        self._store = store
        self._chain = chain
        self._moves = moves
        self.plans = plans
        self._clock = clock

    async def step(self) -> int | None:
        """Plan the next move, if one is due; its number. Raises `NodeFault`."""
        name, db = self._chain.name, self._store.reader
        await self._store.write(partial(sweep_rows.settle, chain=name, now=self._clock.now()))
        moving = sweep_rows.moving(db, name)
        if stopped(db, name) or len(moving) >= _MOST_MOVING:
            return None
        number, empty, waits = None, "", ""
        try:
            planned = await self._moves.rescue()
            planned = planned or await self._moves.sweep(sweep_rows.piles(db, name), self.plans.least, moving)
            if planned is None and not moving:
                planned = await self._level()
            number = None if planned is None else await self._keep(planned)
        except TankEmpty as error:
            empty = str(error)
        except (Unaffordable, FeeTooHigh, BadAddress) as error:
            waits = str(error)
        await self._alarm("gas tank empty", empty)
        await self._alarm("moves wait", waits)
        return number

    async def _level(self) -> Planned | None:
        """Too much in the hot wallet goes to cold; too little is an alarm, since its keys are not here."""
        header = await self._chain.tip()
        for contract, hot in self.plans.hot().items():
            have = await self._moves.hot(contract, header)
            advice = hot_limits.advise(have, hot.wanted, hot.liabilities)
            what = contract or "the chain's own coin"
            low = f"{what}: below half of {hot.wanted}. Refill it from cold" if advice.act is Act.REFILL else ""
            await self._alarm("hot wallet low", low, contract)
            much = advice.act is Act.SPILL and not self.plans.cold
            full = f"{what}: too much for {hot.wanted}, and no cold wallet is known" if much else ""
            await self._alarm("hot wallet full", full, contract)
            if advice.act is Act.SPILL and self.plans.cold:
                return await self._moves.spill(contract, advice.amount, self.plans.cold)
        return None

    async def _keep(self, planned: Planned) -> int | None:
        name = f"{self._chain.name}-move-{self._clock.token(_ID_CHARS)}"
        return await self._store.write(
            partial(
                sweep_rows.plan,
                chain=self._chain.name,
                keys=planned.keys,
                draft=partial(planned.draft, name),
                now=self._clock.now(),
            )
        )

    async def _alarm(self, kind: str, text: str, about: str = "") -> None:
        """Tell the operators how it stands with something; "" when it is well, or well again."""
        name = self._chain.name
        if chain_rows.condition(self._store.reader, name, kind, about) != text:
            now = self._clock.now()
            told = partial(chain_rows.set_condition, chain=name, kind=kind, about=about, text=text, now=now)
            await self._store.write(told)
