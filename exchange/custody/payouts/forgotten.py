"""What was paid and an older copy does not know: found by the signer's record, and booked in the ledger as what it was.

Three must agree, and none of them is the ledger: custody's books have the payout final, the signer's own record has
signed that very transaction for that very withdrawal, and the chain has it still. Two operators ask for it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from exchange.core.commands import BookPaid
from exchange.core.transfers import WithdrawalState
from exchange.custody.payouts import store as moves
from exchange.custody.payouts.rows import attempts, payout, withdrawal
from exchange.custody.port import Chain, Standing
from exchange.custody.signer.wire import Row
from exchange.custody.store import Store
from exchange.sequencer import Sequencer

Recall = Callable[[int], Awaitable[Sequence[Row]]]
"""A page of the signer's record, after a row's number; empty at the end. Raises `NodeFault`, while it is locked too."""


class Forgotten:
    """Books what the ledger has forgotten."""

    def __init__(self, store: Store, sequencer: Sequencer) -> None:
        """`sequencer` is running."""
        self._store = store
        self._sequencer = sequencer

    async def book(self, id: str, chain: Chain, recall: Recall) -> str:
        """Book it; "" or why not, in words for an operator. Raises `NodeFault`.

        What its account no longer has becomes a debt, and the account is frozen.
        """
        row = withdrawal(self._store.reader, id)
        if row is None or row.state != WithdrawalState.FINAL or row.payout is None:
            return "custody's books do not have it as paid; it is booked once its payout is final"
        if await self._sequencer.read(lambda state: id in state.withdrawals):
            return "the ledger knows it: there is nothing to book"
        paid = payout(self._store.reader, row.payout)
        assert paid is not None, "a final withdrawal has a payout"
        txid = next(one.txid for one in attempts(self._store.reader, paid.number) if one.id == paid.winner)
        if not await _signed(recall, row.chain, id, txid):
            return f"the signer's record has no {txid} for it"
        if (await chain.find(txid)).standing not in (Standing.MINED, Standing.UNCLEAR):
            return f"{txid} is in no block of the chain"
        outcome = await self._sequencer.call(
            BookPaid(row.id, row.account, row.asset, row.atoms, row.chain, row.fee, row.asked)
        )
        if outcome.reject is not None:
            return outcome.reject.text
        await self._store.write(partial(moves.told, id=row.id, state=WithdrawalState.FINAL))
        return ""


async def unknown(store: Store, recall: Recall) -> list[Row]:
    """What the signer has signed and custody's books, restored from an older copy, do not know. Raises `NodeFault`."""
    known = {txid for (txid,) in store.reader.execute("SELECT txid FROM attempts WHERE txid IS NOT NULL")}
    found: list[Row] = []
    after = 0
    while rows := await recall(after):
        found += [one for one in rows if one.txid not in known]
        after = rows[-1].number
    return found


async def _signed(recall: Recall, chain: str, id: str, txid: str) -> bool:
    """Whether the signer has signed this transaction for this withdrawal."""
    after = 0
    while rows := await recall(after):
        if any(one.chain == chain and one.txid == txid and id in one.payments for one in rows):
            return True
        after = rows[-1].number
    return False
