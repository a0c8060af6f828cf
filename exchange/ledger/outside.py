"""The ledger as the chains are compared with it: sums per asset, and what it knows of each deposit and withdrawal."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import msgspec

from exchange.core.networks import Network
from exchange.core.postings import FIRST_TRADER, GENESIS
from exchange.core.transfers import DepositState, WithdrawalState
from exchange.core.units import AssetId
from exchange.ledger import db

_PEOPLE: Final = f"SELECT coalesce(sum(amount), 0) FROM balances WHERE key >> 16 >= {FIRST_TRADER} AND {{}} = ?"
_ASSET: Final = "((key >> 4) & 4095)"


class Sums(msgspec.Struct, frozen=True):
    """Of one asset, in atoms: what people have (less what they owe), the house's fees, and what came out of nothing.

    `costs` is what was booked as paid to networks; it was taken out of `fees`.
    """

    people: int
    fees: int
    demo: int
    costs: int


class Outside:
    """One moment of the ledger, for as long as the block lasts. Read-only, beside the writer."""

    def __init__(self, path: Path) -> None:
        """Raises `LedgerDamaged`."""
        self._connection = db.open_reader(path)
        self._connection.execute("BEGIN")
        self.seq = int(self._one("SELECT coalesce(max(last_seq), 0) FROM journal"))
        """The last event in it: reading it fixed the moment."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._connection.close()

    def _one(self, statement: str, *values: object) -> int:
        row = self._connection.execute(statement, values).fetchone()
        return 0 if row is None else int(row[0])

    def networks(self) -> Sequence[tuple[Network, str, int]]:
        """Every way in or out, with its asset's code and decimals."""
        rows = self._connection.execute("SELECT terms, code, decimals FROM networks JOIN assets ON assets.id = asset")
        return [(msgspec.json.decode(terms, type=Network), str(code), int(places)) for terms, code, places in rows]

    def sums(self, asset: AssetId) -> Sums:
        """What it says of an asset."""
        people = self._one(_PEOPLE.format(_ASSET), asset)
        genesis = self._one(
            f"SELECT coalesce(sum(amount), 0) FROM balances WHERE key >> 16 = ? AND {_ASSET} = ?", GENESIS, asset
        )
        outside = self._one(
            f"SELECT coalesce(sum(amount), 0) FROM balances WHERE key >> 16 = 2 AND {_ASSET} = ?", asset
        )
        costs = self._one("SELECT coalesce(sum(amount), 0) FROM network_costs WHERE asset = ?", asset)
        return Sums(people, outside, -genesis, costs)

    def has_credited(self, reference: str) -> bool:
        """Whether a deposit's money is in somebody's balance."""
        state = self._one("SELECT state FROM deposits WHERE key = ?", reference)
        return state in {DepositState.CREDITED, DepositState.SWEPT}

    def has_settled(self, withdrawal: str) -> bool:
        """Whether a withdrawal's money has left its owner for good."""
        return self._one("SELECT state FROM withdrawals WHERE key = ?", withdrawal) == WithdrawalState.FINAL
