"""R12: random payments, reorganisations, late nodes and crashes; every deposit is credited once and none too early.

The referee counts nothing but the world itself: what its best chain pays each person, deep enough, is what he has.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from exchange.core import audit
from exchange.core.transfers import DepositState
from exchange.core.units import AccountId, AssetId
from exchange.custody.memory.world import MemoryWorld
from exchange.custody.port import NodeFault
from exchange.ledger.reconcile import verify
from tests.custody.harbour import ALICE, BOB, BTC, TABLE, TOK, TOKEN, Harbour, grown, harbour

STEPS = 60
DEEPEST = 5
SCALE = {BTC: 1, TOK: 10**12}
CONTRACT = {BTC: "", TOK: TOKEN}


class Crash(Exception):
    """The process is gone before custody.db knows what the ledger has on disk."""


class Voyage:
    """One life after the other of one folder, around one world."""

    def __init__(self, seed: int, folder: Path) -> None:
        self.dice = random.Random(seed)
        self.folder = folder
        self.world: MemoryWorld = grown(accounts=bool(seed % 2))
        self.addresses: dict[str, AccountId] = {}
        self.credited: set[tuple[str, str]] = set()
        """Payments and the blocks in which they were when they were credited."""

    async def sail(self) -> None:
        left = STEPS
        while left > 0:
            async with harbour(self.folder, self.world, reorg_limit=DEEPEST * 3) as h:
                self.addresses = {h.alice: ALICE, h.bob: BOB}
                h.node.finality = 3
                left = await self._live(h, left)
        async with harbour(self.folder, self.world, reorg_limit=DEEPEST * 3) as h:
            self.world.mine(8)
            await h.follow()
            self._judge(h)
        verify(self.folder / "ledger.db", lambda _done, _total: None)

    async def _live(self, h: Harbour, left: int) -> int:
        """Until a crash, or the end; how many steps are left."""
        while left > 0:
            left -= 1
            try:
                await self._do(h)
            except Crash:
                return left
            except NodeFault:
                h.node.behind = 0
            self._none_too_early(h)
            assert not list(audit.violations(h.sequencer.state))
        return left

    async def _do(self, h: Harbour) -> None:
        match self.dice.randrange(9):
            case 0 | 1 | 2:
                self._pay(h)
            case 3 | 4:
                self.world.mine(self.dice.randint(1, 3), only=self._some())
            case 5:
                self.world.reorg(self.dice.randint(1, DEEPEST), only=self._some())
            case 6:
                h.node.behind = self.dice.choice([0, 0, 1, 4])
            case 7:
                for txid in self._some()[:1]:
                    if txid in self.world.pool:
                        self.world.drop(txid)
            case _:
                await h.watcher.step()
                if self.dice.random() < 0.3:
                    h.ledger._note = _crash  # type: ignore[assignment]
                await h.tell()
                if self.dice.random() < 0.2:
                    raise Crash

    def _pay(self, h: Harbour) -> None:
        asset = self.dice.choice([BTC, TOK])
        amounts = [self.dice.choice([1, 99, 100, 5_000, 5_000, 1_000_000]) * SCALE[asset] for _ in range(3)]
        amounts = amounts[: self.dice.randint(1, 3)]
        address = self.dice.choice([h.alice, h.alice, h.bob, self.world.address("stranger")])
        self.world.pay(address, *amounts, contract=CONTRACT[asset])

    def _some(self) -> Sequence[str]:
        """Most of what waits, in any order; after a reorg that is what was mined before, too."""
        waiting = [txid for mint in self.world.best[-DEEPEST:] for txid in mint.transactions] + list(self.world.pool)
        self.dice.shuffle(waiting)
        return waiting[: len(waiting) * 3 // 4]

    def _paid(self, deep_enough: bool) -> Counter[tuple[AccountId, AssetId]]:
        """What the best chain pays each person above the dust; only what is deep enough, or all of it."""
        found: Counter[tuple[AccountId, AssetId]] = Counter()
        for mint in self.world.best:
            depth = self.world.tip.height - mint.header.height + 1
            for one in mint.transactions.values():
                for output in one.outputs:
                    asset = TOK if output.contract else BTC
                    atoms = int(output.amount) // SCALE[asset]
                    needed = next(blocks for least, blocks in reversed(TABLE) if atoms >= least)
                    who = self.addresses.get(output.address)
                    if who is not None and atoms >= 100 and (depth >= needed or not deep_enough):
                        found[who, asset] += atoms
        return found

    def _judge(self, h: Harbour) -> None:
        state = h.sequencer.state
        have = {
            (who, asset): state.available(who, asset) - state.owed(who, asset)
            for who in (ALICE, BOB)
            for asset in (BTC, TOK)
        }
        expected = self._paid(deep_enough=True)
        assert have == {key: expected[key] for key in have}

    def _none_too_early(self, h: Harbour) -> None:
        """What is credited had its blocks in the chain as it was read then; later that may be on its way back."""
        read = h.watcher.status.height
        for row in h.rows():
            if row.state == DepositState.CREDITED and (row.key, row.block) not in self.credited:
                self.credited.add((row.key, row.block))
                needed = next(blocks for least, blocks in reversed(TABLE) if row.atoms >= least)
                assert read - row.height + 1 >= needed or h.node.behind or not read


async def _crash(*_: Any) -> int:
    raise Crash


async def _voyage(seed: int, folder: Path) -> None:
    try:
        await Voyage(seed, folder).sail()
    except BaseException:
        print(f"seed {seed}")
        raise


@pytest.mark.parametrize("tens", range(3))
async def test_r12_deposits_are_credited_once_through_reorgs_and_crashes(tmp_path: Path, tens: int) -> None:
    """R12: a few seeds by day."""
    for seed in range(tens * 5, tens * 5 + 5):
        (folder := tmp_path / str(seed)).mkdir()
        await _voyage(seed, folder)


@pytest.mark.nightly
async def test_r12_two_thousand_seeds(tmp_path: Path) -> None:
    """R12: the same by night."""
    for seed in range(1_000, 3_000):
        (folder := tmp_path / str(seed)).mkdir()
        await _voyage(seed, folder)
