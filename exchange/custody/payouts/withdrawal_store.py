"""Every change to a withdrawal before it is planned, each one transaction that names the state it starts from."""

from __future__ import annotations

from typing import Final

import apsw
import msgspec

from exchange.core.transfers import WithdrawalState
from exchange.core.units import AccountId, Amount, AssetId, Micros
from exchange.custody.payouts import store as payout_store
from exchange.custody.payouts.holds import DAY, HOUR, Left, Velocity
from exchange.custody.payouts.rows import ASKED, WithdrawalRow, withdrawal

_W = WithdrawalState
_TOTAL: Final = "SELECT coalesce(sum(atoms), 0) FROM withdrawals WHERE asset = ? AND asked > ? AND state <= 8"
"""What was asked for and did not come back."""


def begin(db: apsw.Connection, row: WithdrawalRow) -> bool:
    """Keep what was asked for, before the ledger is asked. False: the account has used this name of its own before."""
    known = db.execute(
        "SELECT 1 FROM withdrawals WHERE account = ? AND client_id = ? AND client_id <> ''",
        (row.account, row.client_id),
    )
    if known.fetchone():
        return False
    cells = msgspec.structs.asdict(row) | {"amount": str(row.amount), "bears": str(row.bears)}
    cells |= {"alone": int(row.alone), "fee_along": int(row.fee_along)}
    places = ", ".join(f":{name}" for name in cells)
    db.execute(f"INSERT INTO withdrawals ({', '.join(cells)}) VALUES ({places})", cells)  # our own names
    return True


def forget(db: apsw.Connection, id: str) -> None:
    """The ledger said no, so it never was."""
    db.execute("DELETE FROM withdrawals WHERE id = ? AND state = ?", (id, ASKED))


def judge(db: apsw.Connection, id: str, needs: int, why: str, now: Micros) -> bool:
    """The ledger has said yes: it waits for so many operators, or, without a need for any, is approved."""
    return _moved(
        db,
        "UPDATE withdrawals SET state = ?, told = ?, needs = ?, why = ?, changed = ? WHERE id = ? AND state = ?",
        *(_W.RISK_HELD if needs else _W.APPROVED, _W.REQUESTED, needs, why, now, id, ASKED),
    )


def approve(db: apsw.Connection, id: str, operator: str, approver: bytes, signature: bytes, now: Micros) -> int | None:
    """Keep an operator's word, and approve when it is the last one needed; how many are still needed.

    None: he, or his key, has approved it before, or it does not wait for approval.
    """
    row = withdrawal(db, id)
    if row is None or row.state != _W.RISK_HELD:
        return None
    if not _moved(db, "INSERT OR IGNORE INTO approvals VALUES (?, ?, ?, ?, ?)", id, operator, approver, signature, now):
        return None
    ((given,),) = db.execute("SELECT count(*) FROM approvals WHERE withdrawal = ?", (id,))
    if given >= row.needs:
        db.execute(
            "UPDATE withdrawals SET state = ?, why = '', changed = ? WHERE id = ? AND state = ?",
            (_W.APPROVED, now, id, _W.RISK_HELD),
        )
    return max(0, row.needs - int(given))


def hold_again(db: apsw.Connection, id: str, why: str, now: Micros, bears: int = 0) -> bool:
    """What was approved waits for an operator once more; approvals given before are taken back.

    `bears`: who approves it then lets it cost so much more than a plain payment.
    False: it has ended, or the signer was asked already, and there may be bytes of it.
    """
    _unplan(db, id, why, now)
    if not _moved(
        db,
        "UPDATE withdrawals SET state = ?, needs = max(needs, 1), why = ?, bears = ?, changed = ?"
        " WHERE id = ? AND payout IS NULL AND state = ?",
        *(_W.RISK_HELD, why, str(bears), now, id, _W.APPROVED),
    ):
        return False
    db.execute("DELETE FROM approvals WHERE withdrawal = ?", (id,))
    return True


def _unplan(db: apsw.Connection, id: str, why: str, now: Micros) -> None:
    """Give up the payout that it is planned in, unless the signer was asked. What else that pays is planned anew."""
    row = withdrawal(db, id)
    if row is not None and row.state == _W.PLANNED and row.payout is not None:
        payout_store.give_up(db, row.payout, why, now, now)


def end(db: apsw.Connection, id: str, to: WithdrawalState, why: str, now: Micros) -> bool:
    """Reject or cancel it. False: it has ended, or the signer was asked already, and there may be bytes of it."""
    assert to in (_W.REJECTED, _W.CANCELLED), "other ends are the payer's"
    _unplan(db, id, why, now)
    return _moved(
        db,
        "UPDATE withdrawals SET state = ?, why = ?, changed = ? WHERE id = ? AND payout IS NULL"
        " AND (state = ? OR state = ? AND inside IS NULL)",  # an approved one inside is being settled
        *(to, why, now, id, _W.RISK_HELD, _W.APPROVED),
    )


def settled_inside(db: apsw.Connection, id: str, now: Micros) -> None:
    """The ledger has credited one of our own people: it is final, and no chain knows of it."""
    db.execute(
        "UPDATE withdrawals SET state = ?1, told = ?1, changed = ?2 WHERE id = ?3 AND state = ?4",
        (_W.FINAL, now, id, _W.APPROVED),
    )


def left(db: apsw.Connection, asset: AssetId, account: AccountId, now: Micros) -> Left:
    """How much was asked for in the last hour and day."""

    def total(where: str, since: int, *values: int) -> Amount:
        ((atoms,),) = db.execute(f"{_TOTAL} {where}", (asset, since, *values))
        return Amount(int(atoms))

    return Left(
        hour=total("", now - HOUR),
        day=total("", now - DAY),
        account_hour=total("AND account = ?", now - HOUR, account),
        account_day=total("AND account = ?", now - DAY, account),
    )


def velocity(db: apsw.Connection, asset: AssetId) -> Velocity:
    """The asset's limits; none where none were set."""
    row = db.execute("SELECT hour, day, account_hour, account_day FROM velocities WHERE asset = ?", (asset,)).fetchone()
    return Velocity() if row is None else Velocity(*(Amount(int(atoms)) for atoms in row))


def set_velocity(db: apsw.Connection, asset: AssetId, limits: Velocity) -> None:
    """From now on these are the asset's limits."""
    db.execute("INSERT OR REPLACE INTO velocities VALUES (?, ?, ?, ?, ?)", (asset, *msgspec.structs.astuple(limits)))


def used_before(db: apsw.Connection, account: AccountId, chain: str, address: str) -> bool:
    """Whether the account was paid there before."""
    found = db.execute(
        "SELECT 1 FROM withdrawals WHERE account = ? AND chain = ? AND address = ? AND state = ? LIMIT 1",
        (account, chain, address, _W.FINAL),
    )
    return found.fetchone() is not None


def owner(db: apsw.Connection, chain: str, key: str) -> tuple[int, int | None] | None:
    """Purpose and account of an address, if it is one of ours."""
    row = db.execute("SELECT purpose, account FROM addresses WHERE chain = ? AND key = ?", (chain, key)).fetchone()
    return None if row is None else (int(row[0]), None if row[1] is None else int(row[1]))


def _moved(db: apsw.Connection, statement: str, *values: object) -> bool:
    db.execute(statement, values)
    return db.changes() > 0
