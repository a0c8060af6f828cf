"""An operator's word on a payout that is stuck, believed only as far as the chain bears it out.

Settled: one of its transactions is in a block that stays; what it moved is not what it was to move, and somebody has
found out that it was paid all the same. Given back: it is proven that no transaction of it will ever pay. That takes a
transaction in a block that stays which paid something else, or one of others that uses up what all attempts need, or
that uses up what the very coin needs that they all spend, the coin's own block having been orphaned. What excludes
them must have been there for as many blocks as make a payout final. While any attempt may still be mined nothing
goes back.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from exchange.clock import Clock
from exchange.custody.payouts import store as moves
from exchange.custody.payouts.desk import Policy
from exchange.custody.payouts.rows import AttemptRow, PayoutRow, attempts
from exchange.custody.port import Chain, Found, Header, Standing
from exchange.custody.store import Store

_IN_A_BLOCK = (Standing.MINED, Standing.REVERTED, Standing.UNCLEAR)


class Clearing:
    """One chain's. Methods return "" when it was done, else why not, in words for an operator. Raise `NodeFault`."""

    def __init__(self, store: Store, chain: Chain, policy: Policy, clock: Clock) -> None:
        """`policy` says how deep is final."""
        self._store = store
        self._chain = chain
        self._policy = policy
        self._clock = clock

    async def settle(self, row: PayoutRow) -> str:
        """It was paid: the hold leaves for good. The reason is kept by who asks."""
        tip, tried = await self._chain.tip(), attempts(self._store.reader, row.number)
        winner = await self._mined(tried)
        if winner is None:
            return "none of its transactions is in a block"
        attempt, found, block = winner
        if found.standing is Standing.REVERTED:
            return f"{attempt.txid} failed on the chain and paid nobody: it goes back by itself"
        if not await self._stays(block, tip):
            return f"{attempt.txid} is in block {block.height}, which is not deep enough yet"
        await self._confirm(row, attempt, found, block)
        await self._store.write(partial(moves.settle, number=row.number, now=self._clock.now()))
        return ""

    async def give_back(self, row: PayoutRow, why: str) -> str:
        """It will never be paid: the hold goes back to its owner, who reads `why`."""
        tip, tried = await self._chain.tip(), attempts(self._store.reader, row.number)
        winner = await self._mined(tried)
        if winner is not None:
            return await self._give_back_mined(row, winner, tip, why)
        if not await self._excluded(tried):
            await self._store.write(partial(moves.suspect, number=row.number, height=0))
            return "it may be on its way: nothing that excludes it is in the chain"
        if row.conflict == 0:
            await self._store.write(partial(moves.suspect, number=row.number, height=tip.height))
        left = self._policy.final_blocks - (tip.height - (row.conflict or tip.height))
        if left > 0:
            return f"what excludes it is not final yet: ask again in {left} blocks"
        await self._store.write(partial(moves.fail, number=row.number, why=why, now=self._clock.now()))
        return ""

    async def _give_back_mined(
        self, row: PayoutRow, winner: tuple[AttemptRow, Found, Header], tip: Header, why: str
    ) -> str:
        attempt, found, block = winner
        if found.standing is Standing.MINED:
            return f"it was paid, by {attempt.txid} in block {block.height}"
        if not await self._stays(block, tip):
            return f"{attempt.txid} is in block {block.height}, which is not deep enough yet"
        await self._confirm(row, attempt, found, block)
        await self._store.write(partial(moves.fail, number=row.number, why=why, now=self._clock.now()))
        return ""

    async def _mined(self, tried: Sequence[AttemptRow]) -> tuple[AttemptRow, Found, Header] | None:
        """The attempt that is in a block of the best chain, and which."""
        for attempt in tried:
            if attempt.raw is not None:
                found = await self._chain.find(attempt.txid)
                if found.standing in _IN_A_BLOCK and found.header is not None:
                    return attempt, found, found.header
        return None

    async def _excluded(self, tried: Sequence[AttemptRow]) -> bool:
        """Whether something that all attempts need is used up, or can never be there, in the best chain as it is."""
        if any([(await self._chain.find(one.txid)).standing is Standing.PENDING for one in tried if one.raw]):
            return False
        shared = set.intersection(*(set(one.draft.claims) for one in tried))
        return any([await self._gone(claim) for claim in sorted(shared)])

    async def _gone(self, claim: str) -> bool:
        """A claim that another transaction has used up; or a coin whose own transaction is excluded by one."""
        if not await self._chain.used(claim):
            return False
        name, made_by = self._chain.name, claim.partition(":")[0]
        where = (name, claim)
        if self._store.reader.execute("SELECT 1 FROM incoming WHERE chain = ? AND key = ?", where).fetchone() is None:
            return True  # a nonce
        if (await self._chain.find(made_by)).standing is Standing.MINED:
            return True
        raw = self._store.reader.execute(
            "SELECT raw FROM raw_transactions WHERE chain = ? AND txid = ?", (name, made_by)
        ).fetchone()
        return raw is not None and any([await self._spent(needed) for needed in self._chain.spends(bytes(raw[0]))])

    async def _spent(self, outpoint: str) -> bool:
        """Whether an output that is in a block is spent in the best chain."""
        made_by = await self._chain.find(outpoint.partition(":")[0])
        return made_by.standing is Standing.MINED and await self._chain.used(outpoint)

    async def _stays(self, block: Header, tip: Header) -> bool:
        """Whether a block is deep enough, and promised to stay where the chain promises such things."""
        if tip.height - block.height + 1 < self._policy.final_blocks:
            return False
        promised = await self._chain.finalized() if self._policy.wait_finalized else None
        return promised is None or block.height <= promised

    async def _confirm(self, row: PayoutRow, attempt: AttemptRow, found: Found, block: Header) -> None:
        act = partial(
            moves.confirm,
            payout=row,
            winner=attempt,
            height=block.height,
            cost=found.cost,
            now=self._clock.now(),
        )
        await self._store.write(act)
