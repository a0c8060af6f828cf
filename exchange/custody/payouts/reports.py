"""The ledger follows: each withdrawal's way in custody.db is told to the sequencer, step by step, until both agree.

Telling is safe to repeat, and late telling is safe: the ledger keeps the money held until it hears of an end.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from functools import partial
from typing import Final

import structlog
import trio

from exchange.clock import Clock
from exchange.core.commands import MoveWithdrawal
from exchange.core.rejects import Reject
from exchange.core.transfers import INSIDE, WITHDRAWAL_TRANSITIONS, WithdrawalState
from exchange.core.units import MILLION, Micros
from exchange.custody.payouts import store as moves
from exchange.custody.payouts.rows import WithdrawalRow, withdrawals
from exchange.custody.store import Store
from exchange.sequencer import Sequencer

_W = WithdrawalState
_NOT_NOW: Final = (Reject.ACCOUNT_FROZEN, Reject.PAYOUTS_SHUT)
"""The ledger's ways to say that a payout must not be begun now."""
_RETRY: Final = Micros(600 * MILLION)
_MOST: Final = 500
"""Withdrawals told of in one go."""
_log = structlog.get_logger("exchange.payouts")


class Reports:
    """Tells the ledger."""

    def __init__(self, store: Store, sequencer: Sequencer, clock: Clock) -> None:
        """`sequencer` is running."""
        self._store = store
        self._sequencer = sequencer
        self._clock = clock
        self._turn = trio.Lock()

    async def step(self) -> bool:
        """Tell what has not been told; False where the ledger could not take it all now."""
        async with self._turn:  # of two who tell of one withdrawal the later would be out of date
            waiting = withdrawals(self._store.reader, "told <> state AND state > 0 ORDER BY changed LIMIT ?", _MOST)
            done = [await self._tell(row) for row in waiting]
        return all(done)

    async def _tell(self, row: WithdrawalRow) -> bool:
        """Walk one withdrawal to where it stands; what the ledger has taken is noted after each step."""
        for state in way(WithdrawalState(row.told), WithdrawalState(row.state)):
            outcome = await self._sequencer.call(MoveWithdrawal(row.id, state))
            if outcome.reject is Reject.QUEUE_FULL:
                return False
            if outcome.reject is not None and state is _W.PLANNED and outcome.reject in _NOT_NOW:
                await self._take_back(row, outcome.reject)
                return True
            if outcome.reject is not None:
                return await self._look(row, outcome.reject)
            await self._store.write(partial(moves.told, id=row.id, state=state))
        if not way(WithdrawalState(row.told), WithdrawalState(row.state)):
            await self._store.write(partial(moves.told, id=row.id, state=row.state))
        return True

    async def objection(self, ids: Sequence[str]) -> str:
        """Why the ledger does not want one of these paid now; "" where it does, or was not told yet."""
        facts = await self._sequencer.read(
            lambda state: [
                (known, state.accounts[known.account].frozen, state.shut(known.asset) is not None)
                for known in map(state.withdrawals.get, ids)
                if known is not None and known.holds
            ]
        )
        if len(facts) < len(ids):
            return "the ledger holds no money for this withdrawal"
        agreed = [fact for fact in facts if fact[0].state <= _W.PLANNED]  # else under way: this file is the older copy
        if any(frozen for _, frozen, _ in agreed):
            return Reject.ACCOUNT_FROZEN.text
        return Reject.PAYOUTS_SHUT.text if any(shut for _, _, shut in agreed) else ""

    async def _look(self, row: WithdrawalRow, reject: Reject) -> bool:
        """The ledger stands elsewhere than was noted: a note was lost in a crash. What it knows is noted now."""
        known = await self._sequencer.read(lambda house: house.withdrawals.get(row.id))
        state = WithdrawalState(row.state)
        if known is not None and known.state != row.told and (known.state == state or way(known.state, state)):
            await self._store.write(partial(moves.told, id=row.id, state=known.state))
            return False
        text = f"withdrawal {row.id} is {state.name} and the ledger says: {reject.text}"
        _log.error("the ledger does not follow", withdrawal=row.id, reject=reject.name)
        now = self._clock.now()
        await self._store.write(partial(moves.alarm, chain=row.chain, kind="ledger differs", text=text, now=now))
        return False

    async def _take_back(self, row: WithdrawalRow, reject: Reject) -> None:
        """The ledger does not want it paid now, and the signer was not asked yet: it waits for its turn."""
        assert row.payout is not None, "what is planned has a payout"
        now = self._clock.now()
        again = Micros(now + _RETRY)
        await self._store.write(partial(moves.give_up, number=row.payout, why=reject.text, retry=again, now=now))


def way(told: WithdrawalState, state: WithdrawalState) -> tuple[WithdrawalState, ...]:
    """The shortest way from what the ledger knows to how it is; empty where there is none, or nothing to tell."""
    waiting, seen = deque([(told, tuple[WithdrawalState, ...]())]), {told}
    while waiting:
        here, path = waiting.popleft()
        if here == state:
            return path
        for was, to in WITHDRAWAL_TRANSITIONS:
            if was == here and to not in seen and (was, to) != INSIDE:
                seen.add(to)
                waiting.append((to, (*path, to)))
    return ()
