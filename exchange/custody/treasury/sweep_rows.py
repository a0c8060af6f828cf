"""What lies on deposit addresses and may be moved, by our own books; and what became of moves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import apsw
import msgspec

from exchange.core.transfers import DepositState, WithdrawalState
from exchange.core.units import Micros
from exchange.custody.payouts import store as payout_store
from exchange.custody.payouts.purse import Books
from exchange.custody.payouts.rows import attempts, open_payouts
from exchange.custody.port import Draft, Owned, Purpose

_W = WithdrawalState


class Pile(msgspec.Struct, frozen=True):
    """What credited deposits of one asset have left on one address. `keys` name them."""

    owned: Owned
    contract: str
    amount: int
    keys: tuple[str, ...]


_PILES: Final = """
SELECT a.address, i.place, i.contract, i.amount, i.key FROM incoming AS i
JOIN addresses AS a ON a.chain = i.chain AND a.key = i.to_key
WHERE i.chain = ? AND i.purpose = ? AND i.state = ? AND i.spent_by = '' AND i.claimed_by = ''
ORDER BY i.place, i.contract, i.key LIMIT ?
"""
_MOST: Final = 10_000
_OWNED: Final = "SELECT address, place FROM addresses WHERE chain = ? AND purpose = ? ORDER BY place LIMIT 1"
_SWEPT: Final = """
UPDATE incoming SET state = ?, changed = ? WHERE chain = ? AND purpose = ? AND state = ? AND claimed_by IN
  (SELECT CAST(number AS TEXT) FROM payouts WHERE chain = ? AND state = ?)
"""
_FREED: Final = """
UPDATE incoming SET claimed_by = '' WHERE chain = ?1 AND purpose = ?2 AND claimed_by IN
  (SELECT CAST(number AS TEXT) FROM payouts WHERE chain = ?1 AND state IN (?3, ?4))
AND NOT EXISTS (SELECT 1 FROM claims AS c WHERE c.chain = ?1 AND c.claim = incoming.key)
"""


def piles(db: apsw.Connection, chain: str) -> list[Pile]:
    """What can be swept, by address and asset; the oldest addresses first."""
    found: dict[tuple[int, str], Pile] = {}
    for address, place, contract, amount, key in db.execute(
        _PILES, (chain, Purpose.DEPOSIT, DepositState.CREDITED, _MOST)
    ):
        pile = found.get((place, contract)) or Pile(Owned(address, Purpose.DEPOSIT, place), contract, 0, ())
        found[place, contract] = Pile(pile.owned, contract, pile.amount + int(amount), (*pile.keys, key))
    return list(found.values())


def first(db: apsw.Connection, chain: str, purpose: Purpose) -> Owned | None:
    """The first address of a wallet of ours; None where there is no such wallet."""
    row = db.execute(_OWNED, (chain, purpose)).fetchone()
    return None if row is None else Owned(str(row[0]), purpose, int(row[1]))


def moving(db: apsw.Connection, chain: str) -> list[Draft]:
    """The newest draft of every move of ours that has not ended: of what pays nobody."""
    last = [attempts(db, row.number)[-1].draft for row in open_payouts(db, chain)]
    return [draft for draft in last if not draft.payments]


def plan(
    db: apsw.Connection, chain: str, keys: Sequence[str], draft: Callable[[Books], Draft], now: Micros
) -> int | None:
    """Fix a move; the deposits that it takes along are claimed with it. None: another waits to be signed."""
    number = payout_store.plan(db, chain, (), draft, now)
    if number is not None:
        db.executemany(
            "UPDATE incoming SET claimed_by = ? WHERE chain = ? AND key = ?", [(number, chain, key) for key in keys]
        )
    return number


def settle(db: apsw.Connection, chain: str, now: Micros) -> None:
    """What final moves took along is swept; what failed ones had claimed is free again."""
    db.execute(
        _SWEPT, (DepositState.SWEPT, now, chain, Purpose.DEPOSIT, DepositState.CREDITED, chain, WithdrawalState.FINAL)
    )
    db.execute(_FREED, (chain, Purpose.DEPOSIT, _W.CANCELLED, _W.FAILED))
