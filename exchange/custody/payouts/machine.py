"""Pays what was approved, exactly once, on one chain.

Before each act on the world outside it is on disk that it is about to be done; after a crash, what may have been done
is looked for and, if need be, done again with the same bytes. There is never a new transaction instead of an old one:
a replacement excludes all before it, and while any of them may be mined nothing goes back to its owner.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import structlog

from exchange.clock import Clock
from exchange.core.transfers import WithdrawalState
from exchange.custody.payouts import store as moves
from exchange.custody.payouts.clearing import Clearing
from exchange.custody.payouts.crash_points import Point, Points, pass_by
from exchange.custody.payouts.desk import Policy
from exchange.custody.payouts.planning import Planning
from exchange.custody.payouts.reports import Reports
from exchange.custody.payouts.rows import (
    AttemptRow,
    AttemptState,
    PayoutRow,
    approvals,
    attempts,
    grounded,
    open_payouts,
    paid_by,
    payout,
    payouts,
    stopped,
)
from exchange.custody.payouts.screening import Screen
from exchange.custody.port import Chain, Found, Handed, Header, OutcomeUnknown, Spending, Standing
from exchange.custody.signing import Refused, Signed, Wish
from exchange.custody.store import Store

_W = WithdrawalState
_A = AttemptState
_IN_A_BLOCK = (Standing.MINED, Standing.REVERTED, Standing.UNCLEAR)
_log = structlog.get_logger("exchange.payouts")


class Signer(Protocol):
    """Whoever holds the keys. The same wish is answered with the same bytes, however often it is made."""

    async def sign(self, wish: Wish) -> Signed | Refused:
        """Sign, or say why not. Raises `NodeFault` where it cannot be asked now; it is asked again later."""
        ...


class Payouts(Planning):
    """A worker. Several may work on one file: of two, one makes each step and the other finds it made."""

    def __init__(
        self,
        store: Store,
        chain: Chain,
        spending: Spending,
        signer: Signer,
        reports: Reports,
        clock: Clock,
        policy: Policy,
        at: Points = pass_by,
        *,
        screen: Screen,
    ) -> None:
        """`at` is called at each point where a crash is survived; `screen` knows where nothing may be paid."""
        super().__init__(store, chain, spending, clock, policy, at, screen=screen)
        self._signer = signer
        self._clearing = Clearing(store, chain, policy, clock)
        self._reports = reports

    async def step(self) -> None:
        """Take everything that is under way as far as it goes now, then plan what waits. Raises `NodeFault`.

        While the chain's payouts are stopped, what was sent is followed all the same: it may be mined whatever we do.
        """
        await self._reports.step()
        tip, name = await self._chain.tip(), self._chain.name
        going = not stopped(self._store.reader, name)
        for row in open_payouts(self._store.reader, name):
            if going:
                await self._advance(row, tip)
            else:
                await self._look(row, attempts(self._store.reader, row.number), tip)
        if going and not self._suspects(open_payouts(self._store.reader, name)):
            number = await self._plan()
            await self._reports.step()  # nothing is signed before the ledger has agreed
            for row in payouts(self._store.reader, "number = ?", number):
                await self._advance(row, tip)
        await self._reports.step()

    def _suspects(self, rows: Sequence[PayoutRow]) -> bool:
        """Whether a claim of what pays people seems to be used by somebody else: then nothing more is planned."""
        odd = [row for row in rows if row.conflict]
        return any(attempts(self._store.reader, row.number)[0].draft.payments for row in odd)

    async def _advance(self, row: PayoutRow, tip: Header) -> None:
        """One payout: have its newest attempt signed, look where all of them are, hand out what no node has."""
        tried = attempts(self._store.reader, row.number)
        if tried[-1].state in (_A.DRAFTED, _A.WISHED):
            await self._sign(row, tried[-1])
            tried = attempts(self._store.reader, row.number)
            row = payout(self._store.reader, row.number) or row
        if row.state < _W.SIGNED or row.state >= _W.FINAL:
            return
        if not await self._look(row, tried, tip) and not await self._turned_away(paid_by(tried)):
            await self._push(row, tried, tip)

    async def _sign(self, row: PayoutRow, attempt: AttemptRow) -> None:
        """Ask the signer for the attempt's bytes and keep them."""
        if attempt.number == 1 and not await self._wanted(row, attempt):
            return
        if not await self._write(moves.wish, attempt=attempt):
            return
        self._at(Point.PLANNED)
        draft = attempt.draft
        given = approvals(self._store.reader, [payment.id for payment in draft.payments])
        answer = await self._signer.sign(Wish(draft.id, draft.chain, draft.body, draft.payments, given))
        self._at(Point.SIGNED)
        now = self._clock.now()
        if isinstance(answer, Signed):
            await self._keep(moves.sign, attempt=attempt, raw=answer.raw, txid=answer.txid, now=now)
            self._at(Point.STORED)
        elif answer.locked:
            await self._write(moves.unwish, attempt=attempt, why=answer.reason)
        else:
            _log.warning("the signer refused", chain=draft.chain, draft=draft.id, reason=answer.reason)
            await self._write(moves.refuse, attempt=attempt, why=answer.reason, retry=self._later(), now=now)
            await self._alarm("signer refused", answer.reason)

    async def _wanted(self, row: PayoutRow, attempt: AttemptRow) -> bool:
        """Whether it may still be paid, asked before each request to the signer: it may have waited since it was made.

        If its destination was denied it goes back to the operators; if the ledger objects it is planned anew later.
        Where the signer may have signed it already it does neither, and waits with an alarm.
        """
        if await self._turned_away(paid_by([attempt])):
            return False
        why = await self._reports.objection(paid_by([attempt]))
        if not why:
            return True
        retry, now = self._later(), self._clock.now()
        if not await self._write(moves.give_up, number=row.number, why=why, retry=retry, now=now):
            await self._write(moves.note, number=row.number, text=why)
            await self._alarm("payouts wait", f"payout {row.number}: {why}")
        return False

    # -----------------------------------------------------------------------------------------
    # Looking.

    async def _look(self, row: PayoutRow, tried: Sequence[AttemptRow], tip: Header) -> bool:
        """Where the attempts stand, all of them; True if one is in a block."""
        for attempt in tried:
            if attempt.raw is None:
                continue
            found = await self._chain.find(attempt.txid)
            if found.standing in _IN_A_BLOCK and found.header is not None:
                self._at(Point.MINED)
                await self._mined(row, attempt, found, found.header, tip)
                return True
        if row.state is _W.CONFIRMED:
            await self._write(moves.unconfirm, number=row.number, now=self._clock.now())
        return False

    async def _mined(self, row: PayoutRow, winner: AttemptRow, found: Found, block: Header, tip: Header) -> None:
        """An attempt is in a block: write that down; once it is deep enough, it is paid, or has failed, for good."""
        now = self._clock.now()
        await self._write(moves.confirm, payout=row, winner=winner, height=block.height, cost=found.cost, now=now)
        if tip.height - block.height + 1 < self._policy.final_blocks or not await self._stays(block):
            return
        ours = not winner.draft.payments  # a move between our own addresses: what is kept from it is our own loss
        if found.standing is Standing.MINED or (found.standing is Standing.UNCLEAR and ours):
            await self._write(moves.settle, number=row.number, now=now)
            self._at(Point.FINAL)
        elif found.standing is Standing.UNCLEAR:
            text = f"payout {row.number}: {winner.txid} moved something else than it was to. Nothing goes back"
            await self._alarm("payout unclear", text)
        else:
            why = "the transaction was mined and paid nothing: the recipient or its contract refused it"
            await self._write(moves.fail, number=row.number, why=why, now=now)
            await self._alarm("payout failed", f"payout {row.number}: {why}")

    async def _stays(self, block: Header) -> bool:
        """Whether the chain, where it promises such things and we wait for it, promises that this block stays."""
        promised = await self._chain.finalized() if self._policy.wait_finalized else None
        return promised is None or block.height <= promised

    # -----------------------------------------------------------------------------------------
    # Handing out.

    async def _push(self, row: PayoutRow, tried: Sequence[AttemptRow], tip: Header) -> None:
        """None of the attempts is mined: give the newest to the node, the same bytes each time; replace it when due."""
        signed = [attempt for attempt in tried if attempt.raw is not None]
        newest = signed[-1]
        if newest.state is _A.SIGNED:
            await self._write(moves.hand_out, attempt=newest, height=tip.height, now=self._clock.now())
        await self._warn_if_stuck(row, signed, tip)
        handed = await self._hand(newest)
        self._at(Point.HANDED)
        if handed is Handed.CONFLICT:
            await self._conflict(row, signed, tip)
            return
        if handed in (Handed.ACCEPTED, Handed.KNOWN):
            await self._sent(row)
        elif handed is Handed.REFUSED:
            await self._write(moves.note, number=row.number, text="the node does not take the transaction now")
        if newest.state is _A.HANDED and handed is not None:
            await self._replace_if_due(row, tried, tip)

    async def _hand(self, attempt: AttemptRow) -> Handed | None:
        """Broadcast; None where it is not known whether the node took it: the next round looks."""
        assert attempt.raw is not None, "only stored bytes are handed out"
        try:
            return await self._chain.hand(attempt.raw)
        except OutcomeUnknown:
            return None

    async def _sent(self, row: PayoutRow) -> None:
        if row.state is _W.SIGNED:
            now = self._clock.now()
            await self._write(moves.move, number=row.number, was=_W.SIGNED, to=_W.SENT, now=now)
            self._at(Point.SENT)
        if row.conflict or row.note:
            await self._write(moves.clear, number=row.number)

    async def _conflict(self, row: PayoutRow, signed: Sequence[AttemptRow], tip: Header) -> None:
        """The node knows something that excludes our transaction. One of ours? If none is, somebody else has our key.

        A node may need a moment to show what it mined, so that is believed only when it is still so a block later.
        """
        claims = grounded(self._store.reader, signed[-1].draft)
        if not claims and not signed[-1].draft.payments:
            why = "the payment that it was to help was replaced: nothing of ours was in it"
            await self._clearing.give_back(row, why)
            return
        if not any([await self._chain.used(claim) for claim in claims]):
            return  # an earlier attempt of ours waits to be mined, or what we build on has not come to the node yet
        if await self._look(row, signed, tip):
            return
        if not row.conflict:
            await self._write(moves.suspect, number=row.number, height=tip.height)
        elif tip.height > row.conflict:
            why = (
                f"payout {row.number}: {', '.join(claims)} was used by a transaction that is not ours. Somebody else"
                " may have the key. Nothing more is paid from here until an operator resumes it"
            )
            _log.error("a claim was used elsewhere", chain=self._chain.name, payout=row.number)
            await self._write(moves.stop, chain=self._chain.name, why=why, now=self._clock.now())
