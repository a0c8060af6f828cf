"""Every change to a payout: one transaction that names the state it starts from, so who comes second changes nothing.

These functions are run by `Store.write`. They ask nobody and wait for nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import apsw

from exchange.core.transfers import WithdrawalState
from exchange.core.units import Micros
from exchange.custody.deposits import chain_rows
from exchange.custody.payouts.purse import Books
from exchange.custody.payouts.rows import (
    AttemptRow,
    AttemptState,
    PayoutRow,
    WithdrawalRow,
    attempts,
    built_upon,
    encode_draft,
)
from exchange.custody.port import Draft, Payment

_W = WithdrawalState
_A = AttemptState


class Inconsistent(Exception):
    """A family or the signer did what it must never do. The transaction is undone and the chain's payouts stop."""


def plan(
    db: apsw.Connection,
    chain: str,
    chosen: Sequence[WithdrawalRow],
    draft: Callable[[Books], Draft],
    now: Micros,
) -> int | None:
    """Fix how these withdrawals are paid; the payout's number, or None where another worker was quicker.

    Raises what `draft` raises, `Inconsistent` among it; then nothing was changed.
    """
    ((busy,),) = db.execute("SELECT count(*) FROM payouts WHERE chain = ? AND state = ?", (chain, _W.PLANNED))
    free = all(
        db.execute(
            "SELECT 1 FROM withdrawals WHERE id = ? AND state = ? AND payout IS NULL", (one.id, _W.APPROVED)
        ).fetchone()
        for one in chosen
    )
    if busy or not free:
        return None
    made = draft(Books(db, chain, now))
    _check(made, chain, [one.payment for one in chosen])
    ((number,),) = db.execute(
        "INSERT INTO payouts (chain, state, made, changed) VALUES (?, ?, ?, ?) RETURNING number",
        (chain, _W.PLANNED, now, now),
    )
    for one in chosen:
        db.execute(
            "UPDATE withdrawals SET state = ?, payout = ?, why = '', changed = ? WHERE id = ?",
            (_W.PLANNED, number, now, one.id),
        )
    _add(db, int(number), 1, made, now)
    return int(number)


def replace(
    db: apsw.Connection, payout: PayoutRow, tried: Sequence[AttemptRow], draft: Callable[[Books], Draft], now: Micros
) -> bool:
    """Add an attempt that excludes every earlier one. False: another worker was quicker, or it is not due any more."""
    ((count,),) = db.execute("SELECT count(*) FROM attempts WHERE payout = ?", (payout.number,))
    if count != len(tried) or _state(db, payout.number) not in (_W.SIGNED, _W.SENT):
        return False
    if built_upon(db, payout.chain, [one.txid for one in tried]):
        return False  # what spends its change would be worth nothing; that one is replaced, and pays for both
    made = draft(Books(db, payout.chain, now))
    _check(made, payout.chain, list(tried[0].draft.payments))
    for one in tried:
        if one.state is not _A.REFUSED and not set(made.claims) & set(one.draft.claims):
            raise Inconsistent(f"the replacement {made.id} shares no claim with {one.id}: both could be mined")
    _add(db, payout.number, len(tried) + 1, made, now)
    return True


def _check(draft: Draft, chain: str, payments: list[Payment]) -> None:
    if draft.chain != chain or list(draft.payments) != payments or not draft.claims:
        raise Inconsistent(f"the draft {draft.id} does not pay what was asked")


def _add(db: apsw.Connection, number: int, place: int, draft: Draft, now: Micros) -> None:
    """An attempt and its claims; a claim that another payout has undoes the transaction."""
    db.execute(
        "INSERT INTO attempts (id, payout, number, state, draft, made) VALUES (?, ?, ?, ?, ?, ?)",
        (draft.id, number, place, _A.DRAFTED, encode_draft(draft), now),
    )
    for claim in draft.claims:
        row = db.execute("SELECT payout FROM claims WHERE chain = ? AND claim = ?", (draft.chain, claim)).fetchone()
        if row is None:
            db.execute("INSERT INTO claims VALUES (?, ?, ?)", (draft.chain, claim, number))
            db.execute("UPDATE incoming SET claimed_by = ? WHERE chain = ? AND key = ?", (number, draft.chain, claim))
        elif row != (number,):
            raise Inconsistent(f"{claim} is claimed by payout {row[0]} already")


def wish(db: apsw.Connection, attempt: AttemptRow) -> bool:
    """Write down that the signer is asked: from here on nobody can take the attempt back.

    False: the ledger has not agreed yet, or it was taken back, or signed, meanwhile.
    """
    return _moved(
        db,
        "UPDATE attempts SET state = ? WHERE id = ? AND state IN (?, ?)"
        " AND (SELECT state FROM payouts WHERE number = attempts.payout) IN (?, ?, ?)"
        " AND NOT EXISTS (SELECT 1 FROM withdrawals AS w WHERE w.payout = attempts.payout AND w.told < ?)",
        *(_A.WISHED, attempt.id, _A.DRAFTED, _A.WISHED, _W.PLANNED, _W.SIGNED, _W.SENT, _W.PLANNED),
    )


def unwish(db: apsw.Connection, attempt: AttemptRow, why: str) -> None:
    """The signer is locked, so it signed nothing: the attempt can be taken back again. `why` is for operators."""
    db.execute("UPDATE attempts SET state = ? WHERE id = ? AND state = ?", (_A.DRAFTED, attempt.id, _A.WISHED))
    note(db, attempt.payout, why)


def sign(db: apsw.Connection, attempt: AttemptRow, raw: bytes, txid: str, now: Micros) -> bool:
    """Keep the bytes, before any node sees them. False: they were kept already."""
    had = db.execute("SELECT raw FROM attempts WHERE id = ?", (attempt.id,)).fetchone()
    if had is not None and had[0] is not None and had[0] != raw:
        raise Inconsistent(f"the signer made other bytes of {attempt.id} than before")
    if not _moved(
        db,
        "UPDATE attempts SET state = ?, raw = ?, txid = ? WHERE id = ? AND state = ?",
        *(_A.SIGNED, raw, txid, attempt.id, _A.WISHED),
    ):
        return False
    db.execute(
        "INSERT OR IGNORE INTO raw_transactions VALUES (?, ?, ?)", (attempt.draft.chain, txid, raw)
    )  # whoever spends our change shows it to the signer
    move(db, attempt.payout, _W.PLANNED, _W.SIGNED, now)
    return True


def refuse(db: apsw.Connection, attempt: AttemptRow, why: str, retry: Micros, now: Micros) -> bool:
    """The signer said no, so there are no bytes. A first attempt's payout is given up and its withdrawals wait."""
    if not _moved(db, "UPDATE attempts SET state = ? WHERE id = ? AND state = ?", _A.REFUSED, attempt.id, _A.WISHED):
        return False
    if attempt.number == 1:
        give_up(db, attempt.payout, why, retry, now)
    else:
        _free(db, attempt.payout)
        db.execute("UPDATE payouts SET note = ?, changed = ? WHERE number = ?", (why, now, attempt.payout))
    return True


def give_up(db: apsw.Connection, number: int, why: str, retry: Micros, now: Micros) -> bool:
    """End a payout of which no bytes can exist; its withdrawals are planned anew, each alone, not before `retry`."""
    ((risky,),) = db.execute(
        "SELECT count(*) FROM attempts WHERE payout = ? AND state NOT IN (?, ?)", (number, _A.DRAFTED, _A.REFUSED)
    )
    if risky or not _moved(
        db,
        "UPDATE payouts SET state = ?, note = ?, changed = ? WHERE number = ? AND state = ?",
        *(_W.CANCELLED, why, now, number, _W.PLANNED),
    ):
        return False
    db.execute("UPDATE attempts SET state = ? WHERE payout = ?", (_A.REFUSED, number))
    db.execute(
        "UPDATE withdrawals SET state = ?, payout = NULL, alone = 1, why = ?, not_before = ?, changed = ?"
        " WHERE payout = ? AND state = ?",
        (_W.APPROVED, why, retry, now, number, _W.PLANNED),
    )
    _free(db, number)
    return True


def hand_out(db: apsw.Connection, attempt: AttemptRow, height: int, now: Micros) -> bool:
    """Write down that a node is about to be given the bytes. The first time counts."""
    return _moved(
        db,
        "UPDATE attempts SET state = ?, handed = ?, handed_at = ? WHERE id = ? AND state = ?",
        *(_A.HANDED, now, height, attempt.id, _A.SIGNED),
    )


def move(db: apsw.Connection, number: int, was: WithdrawalState, to: WithdrawalState, now: Micros) -> bool:
    """Take a payout and what it pays from one state to another."""
    if not _moved(db, "UPDATE payouts SET state = ?, changed = ? WHERE number = ? AND state = ?", to, now, number, was):
        return False
    db.execute("UPDATE withdrawals SET state = ?, changed = ? WHERE payout = ? AND state = ?", (to, now, number, was))
    return True


def confirm(db: apsw.Connection, payout: PayoutRow, winner: AttemptRow, height: int, cost: int, now: Micros) -> bool:
    """One of the attempts is in a block; which and where may change until it is final."""
    if payout.state in (_W.SIGNED, _W.SENT):
        if payout.state is _W.SIGNED:
            move(db, payout.number, _W.SIGNED, _W.SENT, now)
        move(db, payout.number, _W.SENT, _W.CONFIRMED, now)
    return _moved(
        db,
        "UPDATE payouts SET winner = ?, height = ?, cost = ?, conflict = 0, note = '', changed = ?"
        " WHERE number = ? AND state = ?",
        *(winner.id, height, str(cost), now, payout.number, _W.CONFIRMED),
    )


def unconfirm(db: apsw.Connection, number: int, now: Micros) -> bool:
    """Its block is of the best chain no more: it is on its way again."""
    db.execute(
        "UPDATE payouts SET winner = '', height = 0, cost = '0' WHERE number = ? AND state = ?", (number, _W.CONFIRMED)
    )
    return move(db, number, _W.CONFIRMED, _W.SENT, now)


def settle(db: apsw.Connection, number: int, now: Micros) -> bool:
    """It is final: what only the losing attempts claimed is free again."""
    if not move(db, number, _W.CONFIRMED, _W.FINAL, now):
        return False
    _free_losers(db, number)
    return True


def fail(db: apsw.Connection, number: int, why: str, now: Micros) -> bool:
    """It is proven that no attempt can pay any more: what it held for its withdrawals goes back to their owners."""
    for was in (_W.SIGNED, _W.SENT, _W.CONFIRMED):
        if move(db, number, was, _W.FAILED, now):
            db.execute("UPDATE payouts SET note = ? WHERE number = ?", (why, number))
            db.execute("UPDATE withdrawals SET why = ? WHERE payout = ?", (why, number))
            return True
    return False


def told(db: apsw.Connection, id: str, state: int) -> None:
    """The ledger has this state of a withdrawal on its disk."""
    db.execute("UPDATE withdrawals SET told = ? WHERE id = ?", (state, id))


def put_off(db: apsw.Connection, chosen: Sequence[WithdrawalRow], why: str, later: Micros, now: Micros) -> None:
    """These cannot be paid now: each waits, and is tried alone if there were several."""
    for one in chosen:
        db.execute(
            "UPDATE withdrawals SET alone = ?, not_before = ?, why = ?, changed = ?"
            " WHERE id = ? AND state = ? AND payout IS NULL",
            (1, later if len(chosen) == 1 else now, why, now, one.id, _W.APPROVED),
        )


def note(db: apsw.Connection, number: int, text: str) -> None:
    """What it waits for, for operators."""
    db.execute("UPDATE payouts SET note = ? WHERE number = ? AND note <> ?", (text, number, text))


def clear(db: apsw.Connection, number: int) -> None:
    """It is on its way, and nothing is wrong with it."""
    db.execute("UPDATE payouts SET note = '', conflict = 0 WHERE number = ?", (number,))


def suspect(db: apsw.Connection, number: int, height: int) -> None:
    """A claim is used up, and by none of ours, as it seems: since which tip."""
    db.execute("UPDATE payouts SET conflict = ? WHERE number = ?", (height, number))


def stop(db: apsw.Connection, chain: str, why: str, now: Micros) -> bool:
    """No payouts on this chain until an operator lifts it; an alarm says why. False: it stood still already."""
    row = db.execute(
        "INSERT INTO payout_stops VALUES (?, ?, ?) ON CONFLICT DO NOTHING RETURNING 1", (chain, why, now)
    ).fetchone()
    if row is not None:
        alarm(db, chain, "payouts stopped", why, now)
    return row is not None


def alarm(db: apsw.Connection, chain: str, kind: str, text: str, now: Micros) -> None:
    """Tell the operators, once while it is open."""
    chain_rows.raise_alarm(db, chain, kind, text, now)


def resume(db: apsw.Connection, chain: str) -> bool:
    """An operator has looked: payouts go on. False: they did not stand still."""
    return _moved(db, "DELETE FROM payout_stops WHERE chain = ?", chain)


def _free(db: apsw.Connection, number: int) -> None:
    """Give back what no attempt with bytes, or perhaps with bytes, claims."""
    kept = {c for one in attempts(db, number) if one.state is not _A.REFUSED for c in one.draft.claims}
    _free_but(db, number, kept)


def _free_losers(db: apsw.Connection, number: int) -> None:
    row = db.execute("SELECT winner FROM payouts WHERE number = ?", (number,)).fetchone()
    assert row is not None, "it was just moved"
    used = {c for one in attempts(db, number) if one.id == row[0] for c in one.draft.claims}
    _free_but(db, number, used)
    for sender, _, nonce in (claim.rpartition(":") for claim in used):
        db.execute(  # nonces are mined in their order; of an outpoint there is no such row
            "UPDATE nonces SET first = max(first, ?) WHERE sender = ? AND chain ="
            " (SELECT chain FROM payouts WHERE number = ?)",
            (int(nonce) + 1, sender, number),
        )


def _free_but(db: apsw.Connection, number: int, kept: set[str]) -> None:
    for chain, claim in list(db.execute("SELECT chain, claim FROM claims WHERE payout = ?", (number,))):
        if claim not in kept:
            db.execute("DELETE FROM claims WHERE chain = ? AND claim = ?", (chain, claim))
            db.execute("UPDATE incoming SET claimed_by = '' WHERE chain = ? AND key = ?", (chain, claim))


def _state(db: apsw.Connection, number: int) -> int:
    ((state,),) = db.execute("SELECT state FROM payouts WHERE number = ?", (number,))
    return int(state)


def _moved(db: apsw.Connection, statement: str, *values: object) -> bool:
    """Run a statement that changes one row or none; whether it did."""
    db.execute(statement, values)
    return db.changes() > 0
