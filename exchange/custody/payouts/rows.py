"""The rows of money that leaves, as custody.db has them, and the questions about them. Nothing is changed here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import IntEnum
from typing import Final

import apsw
import msgspec

from exchange.core.transfers import WithdrawalState
from exchange.core.units import AccountId, Amount, AssetId, Micros
from exchange.custody.port import Draft, Payment
from exchange.custody.signing import Approval

ASKED: Final = 0
"""The state of a withdrawal that the ledger has not said yes to: after a restart it may never have been."""


class AttemptState(IntEnum):
    """Where one transaction stands. From WISHED on the signer may have bytes of it, from SIGNED on we do."""

    DRAFTED = 1
    WISHED = 2
    SIGNED = 3
    HANDED = 4
    REFUSED = 5


class WithdrawalRow(msgspec.Struct, frozen=True):
    """A withdrawal: `amount` is what the address gets in the chain's unit, `atoms` what the account pays in all."""

    id: str
    account: AccountId
    asset: AssetId
    chain: str
    contract: str
    address: str
    amount: int
    atoms: Amount
    fee: Amount
    client_id: str
    inside: AccountId | None
    state: int
    told: int
    needs: int
    why: str
    payout: int | None
    alone: bool
    not_before: Micros
    asked: Micros
    changed: Micros
    bears: int = 0
    """What an operator has let it cost more than a plain payment, in the chain's own coin."""
    fee_along: bool = False
    """Of one that stays inside: its fee goes along to the recipient, and not back."""

    @property
    def covered(self) -> int:
        """What its fee is worth in the chain's own coin, where that is what it pays; of a token nobody can say."""
        return 0 if self.contract else int(self.fee) * self.amount // (self.atoms - self.fee)

    @property
    def payment(self) -> Payment:
        """What is approved and paid."""
        return Payment(self.id, self.address, self.amount, self.contract)


class PayoutRow(msgspec.Struct, frozen=True):
    """One or more transactions that exclude each other; `height` and `winner` of the one that was mined."""

    number: int
    chain: str
    state: WithdrawalState
    winner: str
    height: int
    conflict: int
    cost: int
    note: str
    made: Micros
    changed: Micros


class AttemptRow(msgspec.Struct, frozen=True):
    """One transaction; `raw` and `txid` from SIGNED on."""

    id: str
    payout: int
    number: int
    state: AttemptState
    draft: Draft
    raw: bytes | None
    txid: str
    handed: Micros
    handed_at: int
    made: Micros


_WITHDRAWAL: Final = (
    "SELECT id, account, asset, chain, contract, address, amount, atoms, fee, client_id, inside, state, told, needs,"
    " why, payout, alone, not_before, asked, changed, bears,"
    " fee_along FROM withdrawals"
)
_PAYOUT: Final = "SELECT number, chain, state, winner, height, conflict, cost, note, made, changed FROM payouts"
_ATTEMPT: Final = (
    "SELECT id, payout, number, state, draft, raw, coalesce(txid, ''), handed, handed_at, made FROM attempts"
)
_draft: Final = msgspec.json.Decoder(Draft)
encode_draft: Final = msgspec.json.Encoder().encode
"""As JSON: MessagePack has no numbers above 64 bits, and 19 ether are more wei than that."""


def withdrawal(db: apsw.Connection, id: str) -> WithdrawalRow | None:
    """The withdrawal of that id."""
    return next(iter(withdrawals(db, "id = ?", id)), None)


def withdrawals(db: apsw.Connection, where: str, *values: object) -> list[WithdrawalRow]:
    """Withdrawals that a condition in SQL (ours, never a person's) holds for.

    All at once: while a statement is unfinished its connection sees the file as it was.
    """
    found = []
    for row in db.execute(f"{_WITHDRAWAL} WHERE {where}", values):
        cells = dict(zip(WithdrawalRow.__struct_fields__, row, strict=True))
        cells["amount"] = int(row[6])
        cells["alone"] = bool(row[16])
        cells["bears"] = int(row[20])
        cells["fee_along"] = bool(row[21])
        found.append(msgspec.convert(cells, WithdrawalRow))
    return found


def payout(db: apsw.Connection, number: int) -> PayoutRow | None:
    """The payout of that number."""
    return next(iter(payouts(db, "number = ?", number)), None)


def open_payouts(db: apsw.Connection, chain: str) -> list[PayoutRow]:
    """Those of a chain that have not ended, oldest first."""
    return payouts(db, "chain = ? AND state < 8 ORDER BY number", chain)


def payouts(db: apsw.Connection, where: str, *values: object) -> list[PayoutRow]:
    """Payouts that a condition in SQL holds for."""
    found = []
    for row in db.execute(f"{_PAYOUT} WHERE {where}", values):
        cells = dict(zip(PayoutRow.__struct_fields__, row, strict=True))
        cells["cost"] = int(cells["cost"])
        found.append(msgspec.convert(cells, PayoutRow))
    return found


def attempts(db: apsw.Connection, number: int) -> list[AttemptRow]:
    """All transactions of a payout, in the order in which they were drafted."""
    return [
        AttemptRow(name, of, place, AttemptState(state), _draft.decode(draft), raw, txid, handed, handed_at, made)
        for name, of, place, state, draft, raw, txid, handed, handed_at, made in db.execute(
            f"{_ATTEMPT} WHERE payout = ? ORDER BY number", (number,)
        )
    ]


def paid_by(tried: Sequence[AttemptRow]) -> list[str]:
    """The withdrawals that a payout's attempts pay: each of them pays all."""
    return [payment.id for payment in tried[0].draft.payments]


def approvals(db: apsw.Connection, ids: Sequence[str]) -> tuple[Approval, ...]:
    """Every operator's word for these withdrawals."""
    return tuple(
        Approval(name, approver, signature)
        for name in ids
        for approver, signature in db.execute(
            "SELECT approver, signature FROM approvals WHERE withdrawal = ? ORDER BY given, operator", (name,)
        )
    )


def stopped(db: apsw.Connection, chain: str) -> str:
    """Why the chain's payouts stand still; "" while they go."""
    return next((str(why) for (why,) in db.execute("SELECT why FROM payout_stops WHERE chain = ?", (chain,))), "")


def built_upon(db: apsw.Connection, chain: str, txids: Iterable[str]) -> bool:
    """Whether a payout that has not ended spends an output of one of these transactions."""
    upon = (
        "SELECT 1 FROM claims AS c JOIN payouts AS p ON p.number = c.payout"
        " WHERE c.chain = ? AND c.claim BETWEEN ? AND ? AND p.state < 8"
    )
    return any(db.execute(upon, (chain, f"{txid}:", f"{txid}:~")).fetchone() for txid in txids if txid)


def grounded(db: apsw.Connection, draft: Draft) -> list[str]:
    """The draft's claims, without coins that wait to be mined themselves or whose block is gone."""
    return [
        claim
        for claim in draft.claims
        if not db.execute(
            "SELECT 1 FROM incoming WHERE chain = ? AND key = ? AND height = 0", (draft.chain, claim)
        ).fetchone()
    ]
