"""What networks took for payouts that ended and for the cold wallet's transactions, booked against the house's fees."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Literal

import apsw
import msgspec

from exchange.core.commands import BookNetworkCost
from exchange.core.networks import from_chain
from exchange.core.rejects import Reject
from exchange.core.units import Amount, AssetId
from exchange.custody.store import Store
from exchange.sequencer import Sequencer


class Coin(msgspec.Struct, frozen=True):
    """The asset that a chain takes its fees in, and how finely both count it."""

    asset: AssetId
    decimals: int
    chain_decimals: int


class Due(msgspec.Struct, frozen=True):
    """A cost that the ledger has not booked, in a row of `table`; `atoms` is None until they were worked out.

    `name` is what the ledger knows it by, on its chain: the attempt that was mined, or the cold transaction.
    """

    table: Literal["payouts", "cold_spendings"]
    number: int
    chain: str
    name: str
    units: int
    atoms: int | None


class NetworkCosts:
    """Books what is due."""

    def __init__(self, store: Store, sequencer: Sequencer, final_blocks: Mapping[str, int]) -> None:
        """`sequencer` is running. By chain, how deep a transaction of the cold wallet is when it is booked."""
        self._store = store
        self._sequencer = sequencer
        self._final_blocks = final_blocks

    async def step(self) -> None:
        """Book what has ended since; of a chain whose coin is not listed nothing is booked."""
        db = self._store.reader
        cold = [due for chain, blocks in self._final_blocks.items() for due in unbooked_cold(db, chain, blocks)]
        for due in (*unbooked(db), *cold):
            coin = await self._coin(due.chain)
            if coin is None:
                continue
            atoms = await self._store.write(partial(fix, due=due, coin=coin))
            if atoms:
                key = f"{due.chain}:{due.name}"
                outcome = await self._sequencer.call(BookNetworkCost(key, coin.asset, Amount(atoms)))
                if outcome.reject is Reject.QUEUE_FULL:
                    return
                assert outcome.reject is None, f"the cost of {key} is not taken: {outcome.reject}"
            await self._store.write(partial(booked, due=due))

    async def _coin(self, chain: str) -> Coin | None:
        return await self._sequencer.read(
            lambda state: next(
                (
                    Coin(network.asset, state.assets[network.asset].decimals, network.chain_decimals)
                    for network in state.networks.values()
                    if network.name == chain and not network.contract
                ),
                None,
            )
        )


def unbooked(db: apsw.Connection) -> list[Due]:
    """Payouts that ended in a block and whose cost was not booked, oldest first."""
    rows = db.execute(
        "SELECT number, chain, winner, cost, cost_atoms FROM payouts WHERE state IN (8, 11) AND cost_booked = 0"
        " AND cost <> '0' ORDER BY number LIMIT 100"
    )
    return [Due("payouts", number, chain, winner, int(cost), atoms) for number, chain, winner, cost, atoms in rows]


def unbooked_cold(db: apsw.Connection, chain: str, blocks: int) -> list[Due]:
    """Transactions of the cold wallet that are so many blocks deep, and whose cost was not booked, oldest first."""
    rows = db.execute(
        "SELECT number, txid, cost, cost_atoms FROM cold_spendings AS s JOIN chains AS c ON c.name = s.chain"
        " WHERE s.chain = ? AND s.height > 0 AND c.height - s.height + 1 >= ? AND cost_booked = 0 AND cost <> '0'"
        " ORDER BY number LIMIT 100",
        (chain, blocks),
    )
    return [Due("cold_spendings", number, chain, txid, int(cost), atoms) for number, txid, cost, atoms in rows]


def fix(db: apsw.Connection, due: Due, coin: Coin) -> int:
    """How many atoms this cost is, worked out once: what was less than an atom before counts with it."""
    if due.atoms is not None:
        return due.atoms
    row = db.execute("SELECT units, atoms FROM network_costs WHERE chain = ?", (due.chain,)).fetchone()
    units, before = (int(row[0]), int(row[1])) if row else (0, 0)
    units += due.units
    total, _ = from_chain(units, coin.decimals, coin.chain_decimals)
    db.execute("INSERT OR REPLACE INTO network_costs VALUES (?, ?, ?)", (due.chain, str(units), total))
    db.execute(f"UPDATE {due.table} SET cost_atoms = ? WHERE number = ?", (total - before, due.number))
    return total - before


def booked(db: apsw.Connection, due: Due) -> None:
    """The ledger has it on disk."""
    db.execute(f"UPDATE {due.table} SET cost_booked = 1 WHERE number = ?", (due.number,))
