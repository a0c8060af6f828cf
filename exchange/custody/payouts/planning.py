"""What is paid next, by which transaction, and what replaces a transaction that is not mined."""

from __future__ import annotations

from collections.abc import Sequence

from exchange.core.transfers import WithdrawalState
from exchange.custody.payouts import store as moves
from exchange.custody.payouts import withdrawal_store
from exchange.custody.payouts.crash_points import Point
from exchange.custody.payouts.desk import PayoutDesk
from exchange.custody.payouts.purse import Books
from exchange.custody.payouts.rows import (
    AttemptRow,
    AttemptState,
    PayoutRow,
    WithdrawalRow,
    built_upon,
    open_payouts,
    withdrawal,
    withdrawals,
)
from exchange.custody.payouts.screening import DENIED, ScreenLost
from exchange.custody.port import BadAddress, Draft, FeeTooHigh, Header, Unaffordable

_W = WithdrawalState
_PRICES_RISE = 2
"""So many times what it costs now may be borne: until somebody has looked, gas may have become dearer."""
_UNSIGNED = (AttemptState.DRAFTED, AttemptState.WISHED)


class Planning(PayoutDesk):
    """Drafts transactions; nothing here is signed or sent."""

    async def _plan(self) -> int | None:
        """Plan what was approved longest ago, as many together as the policy says; the new payout's number.

        One at a time: while a plan waits for its signature the next is not made, so that no nonce is left out.
        """
        chosen = self._choose()
        if await self._turned_away([one.id for one in chosen]):
            return None  # what was planned with it is planned in the next round
        if not chosen or any(row.state is _W.PLANNED for row in open_payouts(self._store.reader, self._chain.name)):
            return None
        payments = [one.payment for one in chosen]
        try:
            quote = await self._spending.quote(payments)
            self._at(Point.QUOTED)
            if await self._too_dear(chosen, self._spending.burden(quote)):
                return None
            name, now = self._name(), self._clock.now()

            def draft(books: Books) -> Draft:
                return self._spending.build(name, payments, quote, books)

            return await self._keep(moves.plan, chain=self._chain.name, chosen=chosen, draft=draft, now=now)
        except (Unaffordable, FeeTooHigh, BadAddress) as error:
            await self._put_off(chosen, str(error))
            return None

    def _choose(self) -> list[WithdrawalRow]:
        """What is due and agreed with the ledger, oldest first; of one token, or alone where that was said."""
        due = withdrawals(
            self._store.reader,
            "chain = ? AND state = ? AND told IN (?, ?) AND payout IS NULL AND inside IS NULL"
            " AND not_before <= ? ORDER BY asked, id LIMIT ?",
            *(self._chain.name, _W.APPROVED, _W.APPROVED, _W.PLANNED, self._clock.now(), self._policy.batch),
        )
        if not due or due[0].alone:
            return due[:1]
        return [one for one in due if not one.alone and one.contract == due[0].contract]

    async def _too_dear(self, chosen: Sequence[WithdrawalRow], burden: int) -> bool:
        """Whether its recipient makes it cost more than its fee covers: then an operator says whether we bear that.

        Whoever asks for it says where it goes, and could make us burn gas again and again for a flat fee.
        """
        row = chosen[0]
        if burden <= row.covered or burden <= row.bears:
            return False
        most, now = burden * _PRICES_RISE, self._clock.now()
        why = (
            f"its recipient, a contract, makes it cost {burden} of the chain's smallest unit more than a plain payment,"
            f" and its fee covers {row.covered}. Who approves it lets the house bear up to {most}"
        )
        await self._write(withdrawal_store.hold_again, id=row.id, why=why, now=now, bears=most)
        await self._alarm("payout too dear", f"withdrawal {row.id}: {why}")
        return True

    async def _turned_away(self, ids: Sequence[str]) -> bool:
        """Whether a destination among them is denied now: it goes back to the operators, and nothing is paid to it.

        Who approved it did not know; his word is taken back with it. While the list cannot be read nobody is paid.
        """
        rows = [row for name in ids if (row := withdrawal(self._store.reader, name)) is not None]
        try:
            denied = [(row, why) for row in rows if (why := self._screen(row.chain, row.address))]
        except ScreenLost as lost:
            await self._alarm("payouts wait", str(lost))
            return True
        for row, why in denied:
            now, text = self._clock.now(), f"{DENIED}: {why}"
            held = await self._write(withdrawal_store.hold_again, id=row.id, why=text, now=now)
            left = "It waits for an operator" if held else "It may be on its way: nothing more is done to send it"
            await self._alarm("destination denied", f"withdrawal {row.id}: {text}. {left}")
        return bool(denied)

    async def _put_off(self, chosen: Sequence[WithdrawalRow], why: str) -> None:
        """The wallet cannot pay these now: each is tried alone, and later, so that a large one keeps none up."""
        later, now = self._later(), self._clock.now()
        await self._write(moves.put_off, chosen=chosen, why=why, later=later, now=now)
        await self._alarm("payouts wait", why)

    async def _warn_if_stuck(self, row: PayoutRow, signed: Sequence[AttemptRow], tip: Header) -> None:
        """No attempt is in a block although all of them had their time: somebody has to look, we cannot know why."""
        since = signed[0].handed_at
        if since and tip.height - since >= self._policy.replace_after_blocks * self._policy.max_attempts:
            text = f"payout {row.number}: handed out at block {since} and in no block yet. It may still be mined"
            await self._alarm("payout stuck", text)

    async def _replace_if_due(self, row: PayoutRow, tried: Sequence[AttemptRow], tip: Header) -> None:
        """Draft a transaction that pays the network more and excludes all before it; the next round has it signed."""
        signed = [one for one in tried if one.raw is not None]
        due = signed[-1].handed_at + self._policy.replace_after_blocks
        waits = any(one.state in _UNSIGNED for one in tried)
        if waits or tip.height < due or len(tried) >= self._policy.max_attempts:
            return
        if built_upon(self._store.reader, self._chain.name, [one.txid for one in signed]):
            return
        earlier = [one.draft for one in signed]
        try:
            quote = await self._spending.quote(())  # what it pays is fixed: the fees alone
            self._at(Point.QUOTED)
            name, now = self._name(), self._clock.now()

            def draft(books: Books) -> Draft:
                return self._spending.replace(name, earlier, quote, books)

            await self._keep(moves.replace, payout=row, tried=tried, draft=draft, now=now)
        except (Unaffordable, FeeTooHigh, BadAddress) as error:
            await self._write(moves.note, number=row.number, text=str(error))
