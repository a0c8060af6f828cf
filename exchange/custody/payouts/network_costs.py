"""What networks took for payouts that ended, booked in the ledger: the house pays it out of its fees."""

from __future__ import annotations

from functools import partial

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
    """A payout whose cost the ledger has not booked; `atoms` is None until they were worked out."""

    number: int
    chain: str
    winner: str
    units: int
    atoms: int | None


class NetworkCosts:
    """Books what is due."""

    def __init__(self, store: Store, sequencer: Sequencer) -> None:
        """`sequencer` is running."""
        self._store = store
        self._sequencer = sequencer

    async def step(self) -> None:
        """Book every payout that has ended since; of a chain whose coin is not listed nothing is booked."""
        for due in unbooked(self._store.reader):
            coin = await self._coin(due.chain)
            if coin is None:
                continue
            atoms = await self._store.write(partial(fix, due=due, coin=coin))
            if atoms:
                key = f"{due.chain}:{due.winner}"
                outcome = await self._sequencer.call(BookNetworkCost(key, coin.asset, Amount(atoms)))
                if outcome.reject is Reject.QUEUE_FULL:
                    return
                assert outcome.reject is None, f"the cost of {key} is not taken: {outcome.reject}"
            await self._store.write(partial(booked, number=due.number))

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
    return [Due(number, chain, winner, int(cost), atoms) for number, chain, winner, cost, atoms in rows]


def fix(db: apsw.Connection, due: Due, coin: Coin) -> int:
    """How many atoms this payout's cost is, worked out once: what was less than an atom before counts with it."""
    if due.atoms is not None:
        return due.atoms
    row = db.execute("SELECT units, atoms FROM network_costs WHERE chain = ?", (due.chain,)).fetchone()
    units, before = (int(row[0]), int(row[1])) if row else (0, 0)
    units += due.units
    total, _ = from_chain(units, coin.decimals, coin.chain_decimals)
    db.execute("INSERT OR REPLACE INTO network_costs VALUES (?, ?, ?)", (due.chain, str(units), total))
    db.execute("UPDATE payouts SET cost_atoms = ? WHERE number = ?", (total - before, due.number))
    return total - before


def booked(db: apsw.Connection, number: int) -> None:
    """The ledger has it on disk."""
    db.execute("UPDATE payouts SET cost_booked = 1 WHERE number = ?", (number,))
