"""What custody.db and the ledger say of the money on one chain up to one block: the terms of `reconciling`'s equations.

All of it is read in one moment of each file, the ledger's first, by a thread that yields again and again.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final

import apsw
import msgspec

from exchange.core.transfers import DepositState, WithdrawalState
from exchange.custody.deposits import cold_spendings
from exchange.custody.deposits.confirmations import HOUSE, reference
from exchange.custody.port import Found, Header, Purpose, Standing
from exchange.ledger.outside import Outside

_AT_ONCE: Final = 200
_MINED: Final = """
SELECT i.key, i.to_key, i.purpose, i.amount, i.state, i.asset, i.atoms, i.block, i.spent_at,
  EXISTS (SELECT 1 FROM attempts AS t WHERE t.txid = i.txid) OR EXISTS (
    SELECT 1 FROM addresses AS a WHERE a.chain = i.chain AND a.key = i.sender AND a.purpose IN (5, 6)) OR EXISTS (
    SELECT 1 FROM incoming AS c WHERE c.chain = i.chain AND c.spent_by = i.txid AND c.purpose IN (5, 6))
FROM incoming AS i WHERE i.chain = ? AND i.contract = ? AND i.height BETWEEN 1 AND ?
"""
_PAYOUTS: Final = "SELECT number, state, winner, height, cost FROM payouts WHERE chain = ?"
_TRIED: Final = "SELECT txid FROM attempts WHERE payout = ? AND txid IS NOT NULL"
_PAID: Final = "SELECT id, contract, amount FROM withdrawals WHERE payout = ?"
_TAKEN_BACK: Final = """
SELECT r.reference, r.atoms FROM reports AS r JOIN incoming AS i ON i.chain = r.chain AND i.key = r.key
WHERE r.chain = ? AND i.contract = ? AND r.state = 5
"""


class Terms(msgspec.Struct):
    """Of one asset on one chain, as `reconciling` names them."""

    came: int = 0
    house: int = 0
    paid: int = 0
    costs: int = 0
    waiting: int = 0
    held: int = 0
    dust: int = 0
    taken_back: int = 0
    leaving: int = 0
    ahead: int = 0
    unproven: int = 0
    faults: list[str] = msgspec.field(default_factory=list)
    coins: Counter[str] = msgspec.field(default_factory=Counter)

    @property
    def own(self) -> int:
        """What must be on our addresses, by our books."""
        return self.came + self.house - self.paid - self.costs


class Line(msgspec.Struct, frozen=True):
    """One asset on one chain. All is counted in the asset's finest unit: `unit` of it make one of the chain's, `atom`
    of it one of the ledger's.
    """

    chain: str
    contract: str
    unit: int
    atom: int


def terms(db: apsw.Connection, ledger: Outside, line: Line, at: Header, found: Mapping[str, Found]) -> Terms:
    """Everything up to the block `at`; `found` is where the node has our open transactions."""
    made = Terms()
    for row in _gently(db.execute(_MINED, (line.chain, line.contract, at.height))):
        _receive(made, ledger, line, at, row)
    for row in _gently(db.execute(_PAYOUTS, (line.chain,))):
        _spend(made, db, ledger, line, at, found, row)
    for name, atoms in _gently(db.execute(_TAKEN_BACK, (line.chain, line.contract))):
        if ledger.has_credited(str(name)):
            made.taken_back += _int(atoms) * line.atom
    if not line.contract:
        made.costs += cold_spendings.cost_up_to(db, line.chain, at.height) * line.unit
    return made


def _int(cell: object) -> int:
    return int(str(cell))


def _gently(rows: Iterator[tuple[object, ...]]) -> Iterator[tuple[object, ...]]:
    """All of them, letting the trading loop go first again and again."""
    for number, row in enumerate(rows):
        if number % _AT_ONCE == 0:
            time.sleep(0.0001)
        yield row


def _receive(made: Terms, ledger: Outside, line: Line, at: Header, row: tuple[object, ...]) -> None:
    key, to_key, purpose, text, state, asset, atoms, block, spent_at, ours = row
    amount = _int(text) * line.unit
    if not spent_at or _int(spent_at) > at.height:
        made.coins[str(to_key)] += amount
    if state == HOUSE or purpose != Purpose.DEPOSIT:
        made.house += 0 if ours else amount
    elif asset is None and state == DepositState.HELD:
        made.unproven += amount
    else:
        made.came += amount
        _follow(made, ledger, reference(line.chain, str(key), str(block)), amount, _int(atoms) * line.atom, _int(state))


def _follow(made: Terms, ledger: Outside, name: str, amount: int, credited: int, state: int) -> None:
    """Where a deposit's money stands in the ledger."""
    if ledger.has_credited(name):
        made.dust += amount - credited
        if credited > amount:
            made.faults.append(f"{name} was credited with more than it paid")
    elif state == DepositState.HELD:
        made.held += amount
    else:
        made.waiting += amount


def _spend(
    made: Terms,
    db: apsw.Connection,
    ledger: Outside,
    line: Line,
    at: Header,
    found: Mapping[str, Found],
    row: tuple[object, ...],
) -> None:
    """A payout: whether it was mined up to the block, and what the ledger makes of it."""
    number, state, winner, height, cost = row
    mined, succeeded, price = False, state == WithdrawalState.FINAL, _int(cost)
    if _int(state) >= WithdrawalState.FINAL:
        mined = bool(winner) and 0 < _int(height) <= at.height
    else:
        for (txid,) in db.execute(_TRIED, (number,)):
            one = found.get(str(txid))
            if one is not None and one.header is not None and one.header.height <= at.height:
                mined, succeeded, price = True, one.standing is Standing.MINED, one.cost
    if mined and not line.contract:
        made.costs += price * line.unit
    for name, token, text in db.execute(_PAID, (number,)):
        if token == line.contract:
            amount, settled = _int(text) * line.unit, ledger.has_settled(str(name))
            if mined and succeeded:
                made.paid += amount
                made.leaving += 0 if settled else amount
            elif settled and _int(height) > at.height:
                made.ahead += amount
