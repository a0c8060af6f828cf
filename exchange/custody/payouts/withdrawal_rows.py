"""Readings of withdrawals, for operators and for their owners."""

from __future__ import annotations

from typing import Final

import apsw
import msgspec

from exchange.core.units import AccountId, Micros
from exchange.custody.payouts.rows import WithdrawalRow, withdrawal, withdrawals

_WHICH: Final = {"waiting": "state = 2", "open": "state BETWEEN 1 AND 7", "all": "state > 0"}


class ApprovalGiven(msgspec.Struct, frozen=True):
    """An operator's word for a withdrawal."""

    operator: str
    approver: bytes
    given: Micros


class Stop(msgspec.Struct, frozen=True):
    """A chain whose payouts stand still."""

    chain: str
    why: str
    since: Micros


def page(db: apsw.Connection, which: str, after: str, limit: int) -> list[WithdrawalRow]:
    """Withdrawals, newest first, from behind the one called `after` ("": from the newest)."""
    last = withdrawal(db, after) if after else None
    if after and last is None:
        return []
    if last is None:
        return withdrawals(db, f"{_WHICH[which]} ORDER BY asked DESC, id DESC LIMIT ?", limit)
    where = f"{_WHICH[which]} AND (asked, id) < (?, ?) ORDER BY asked DESC, id DESC LIMIT ?"
    return withdrawals(db, where, last.asked, last.id, limit)


def of_account(
    db: apsw.Connection, account: AccountId, since: Micros, until: Micros, limit: int
) -> list[WithdrawalRow]:
    """An account's own, newest first, asked for in a span of time (both ends in it)."""
    where = "account = ? AND state > 0 AND asked BETWEEN ? AND ? ORDER BY asked DESC, id DESC LIMIT ?"
    return withdrawals(db, where, account, since, until, limit)


def approvals_of(db: apsw.Connection, id: str) -> list[ApprovalGiven]:
    """Who has approved it."""
    rows = db.execute("SELECT operator, approver, given FROM approvals WHERE withdrawal = ? ORDER BY given", (id,))
    return [ApprovalGiven(operator, approver, Micros(given)) for operator, approver, given in rows]


def stop_of(db: apsw.Connection, chain: str) -> Stop | None:
    """Why a chain's payouts stand still, if they do."""
    row = db.execute("SELECT chain, why, since FROM payout_stops WHERE chain = ?", (chain,)).fetchone()
    return None if row is None else Stop(*row)


def counts(db: apsw.Connection, chain: str) -> tuple[int, int]:
    """Withdrawals of a chain that wait to be paid, and payouts that are not final."""
    ((waiting,),) = db.execute("SELECT count(*) FROM withdrawals WHERE chain = ? AND state BETWEEN 1 AND 3", (chain,))
    ((under_way,),) = db.execute("SELECT count(*) FROM payouts WHERE chain = ? AND state < 8", (chain,))
    return int(waiting), int(under_way)


def alive(db: apsw.Connection) -> dict[int, int]:
    """How many withdrawals are in each state that is not an end."""
    rows = db.execute(
        "SELECT state, count(*) FROM withdrawals WHERE state BETWEEN 1 AND 7 AND state < 8 GROUP BY state"
    )
    return {int(state): int(count) for state, count in rows}
