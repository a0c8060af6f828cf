"""Each chain's sweeper in a running house: what is worth a sweep, and what the hot wallet should hold, asked in time.

A deposit is worth its sweep from a hundred times the smallest deposit of its network on. What the hot wallet should
hold follows from what is owed (an asset with several networks counts in equal parts) and from the days behind us.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from exchange.clock import Clock
from exchange.core.networks import to_chain
from exchange.core.postings import CUSTODY
from exchange.core.transfers import DepositState, WithdrawalState
from exchange.core.units import MILLION, Amount
from exchange.custody.custody import Line
from exchange.custody.port import Purpose, Spending
from exchange.custody.spendings import spending_of
from exchange.custody.store import Store
from exchange.custody.treasury import hot_limits, sweep_rows
from exchange.custody.treasury.sweeping import Hot, Moves, Plans, Sweeper
from exchange.sequencer import Sequencer

WORTH: Final = 100
"""So many times the smallest deposit are worth a sweep."""
_LEVEL_SECONDS: Final = 600
_DAYS: Final = 30
_DAY: Final = 86_400 * MILLION
_OUT: Final = """
SELECT changed / ?1, amount FROM withdrawals WHERE chain = ?2 AND contract = ?3 AND state = ?4 AND inside IS NULL
AND changed >= ?5
"""
_IN: Final = """
SELECT changed / ?1, amount FROM incoming WHERE chain = ?2 AND contract = ?3 AND purpose = ?4 AND state IN (?5, ?6)
AND changed >= ?7
"""


class _Terms(msgspec.Struct, frozen=True):
    """Of one asset on this chain, in the chain's unit: the least deposit, and this chain's part of what is owed."""

    contract: str
    least: int
    owed: int


class Sweeps:
    """One chain's."""

    def __init__(
        self,
        name: str,
        line: Line,
        folder: Path,
        store: Store,
        sequencer: Sequencer,
        clock: Clock,
        *,
        demo: bool,
        cold: str,
    ) -> None:
        """`cold`: where too much goes; "": nowhere. In a demo the hot wallet's level is nobody's business."""
        self._name = name
        self._line = line
        self._folder = folder
        self._store = store
        self._sequencer = sequencer
        self._clock = clock
        self._demo = demo
        self._cold = cold
        self._sweeper: Sweeper | None = None
        self._level_at = 0

    async def step(self) -> None:
        """Plan the next move of our own coins, if one is due. Raises `NodeFault`."""
        sweeper = self._sweeper = self._sweeper or self._made()
        if sweeper is not None:
            sweeper.plans = await self._plans()
            await sweeper.step()

    def _made(self) -> Sweeper | None:
        """None for a chain in memory, and while there is no wallet."""
        moves = self._moves()
        plans = Plans(least={}, hot=dict[str, Hot])
        return None if moves is None else Sweeper(self._store, self._line.chain, moves, plans, self._clock)

    def _moves(self) -> Moves | None:
        settings, db = self._line.settings, self._store.reader
        gas, hot = (sweep_rows.first(db, self._name, purpose) for purpose in (Purpose.GAS, Purpose.HOT))
        if settings.family == "memory" or gas is None or hot is None:
            return None
        spending = spending_of(self._name, settings, self._folder, self._line.chain, self._line.pool)
        if settings.family == "evm":
            from exchange.custody.evm.spending import EvmSpending  # noqa: PLC0415  # only who has such a chain loads it
            from exchange.custody.treasury.sweep_evm import EvmMoves  # noqa: PLC0415

            assert isinstance(spending, EvmSpending), "of its family"
            return EvmMoves(self._line.chain, spending, gas, settings.fee_ceiling)
        return self._bitcoin(spending)

    def _bitcoin(self, spending: Spending | None) -> Moves:
        from exchange.custody.bitcoin.spending import BitcoinSpending  # noqa: PLC0415
        from exchange.custody.treasury.rescue_bitcoin import BitcoinRescue  # noqa: PLC0415
        from exchange.custody.treasury.sweep_bitcoin import BitcoinMoves  # noqa: PLC0415

        hot = sweep_rows.first(self._store.reader, self._name, Purpose.HOT)
        assert isinstance(spending, BitcoinSpending), "of its family"
        assert hot is not None, "it was just there"
        children = BitcoinRescue(self._store, self._name, spending, self._clock)
        return BitcoinMoves(self._store, self._name, spending, hot, children)

    async def _plans(self) -> Plans:
        terms = await self._terms()
        hot: Mapping[str, Hot] = {}
        now = self._clock.now()
        if not self._demo and now >= self._level_at:
            self._level_at = now + _LEVEL_SECONDS * MILLION
            hot = {one.contract: self._wanted(one, now) for one in terms}
        return Plans(least={one.contract: one.least for one in terms}, hot=lambda: hot, cold=self._cold)

    async def _terms(self) -> list[_Terms]:
        """What the ledger says of the assets of this chain; a few rows, read in a moment."""
        name = self._name
        found = await self._sequencer.read(
            lambda state: [
                (
                    network,
                    state.assets[asset].decimals,
                    -state.available(CUSTODY, asset) // sum(1 for other, _ in state.networks if other == asset),
                )
                for (asset, chain), network in state.networks.items()
                if chain == name
            ]
        )
        return [
            _Terms(
                network.contract.lower(),
                max(1, _units(network.deposit_min, scale, network.chain_decimals) * WORTH),
                _units(max(0, owed), scale, network.chain_decimals),
            )
            for network, scale, owed in found
        ]

    def _wanted(self, terms: _Terms, now: int) -> Hot:
        """What the hot wallet should hold of one asset."""
        since = (now // _DAY - _DAYS) * _DAY
        days = dict.fromkeys(range(since // _DAY, now // _DAY), 0)
        db, about = self._store.reader, (_DAY, self._name, terms.contract)
        for day, amount in db.execute(_OUT, (*about, WithdrawalState.FINAL, since)):
            days[day] = days.get(day, 0) + int(amount)
        states = (DepositState.CREDITED, DepositState.SWEPT)
        for day, amount in db.execute(_IN, (*about, Purpose.DEPOSIT, *states, since)):
            days[day] = days.get(day, 0) - int(amount)
        return Hot(hot_limits.target(terms.owed, list(days.values())), terms.owed)


def _units(atoms: int, scale: int, chain_decimals: int) -> int:
    """Atoms in the chain's unit, what is less than one left out."""
    if chain_decimals >= scale:
        return to_chain(Amount(atoms), scale, chain_decimals)
    whole: int = 10 ** (scale - chain_decimals)
    return atoms // whole
