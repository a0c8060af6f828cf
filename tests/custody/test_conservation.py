"""Money is conserved to the last unit through random operations, reorganisations and crashes, on a chain in memory."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from exchange.core import commands as co
from exchange.core.postings import FEES, FIRST_TRADER, GENESIS, split_key
from exchange.core.transfers import WithdrawalState
from exchange.core.units import Amount, BalanceKey
from exchange.custody.memory.world import MemoryWorld
from exchange.custody.payouts.crash_points import Point
from exchange.custody.payouts.withdrawals import NotAsked, Wanted
from tests.custody.harbour import ALICE, BOB, BTC, grown
from tests.custody.whole_house import CAPITAL, WholeHouse, whole_house


class Killed(BaseException):
    """The process ends here."""


class Storm:
    """Random operations on one folder and one world; killed now and then, and opened again."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder = folder
        self.dice = random.Random(seed)  # a test's own dice
        self.world: MemoryWorld = grown()
        self.done = 0
        self.kills = 0
        self.reorgs = 0

    def at(self, _point: Point) -> None:
        """Crashes at some of the points where a payout may be cut off."""
        if self.dice.random() < 0.02:
            self.kills += 1
            raise Killed

    async def run(self, operations: int, every: int) -> None:
        """So many; compared after each `every`, and again once all has come to its end."""
        while self.done < operations:
            try:
                async with whole_house(self.folder, self.world, self.at) as house:
                    while self.done < operations:
                        self.done += 1
                        await self.operate(house)
                        if self.done % every == 0:
                            assert await house.verdicts() == [], self.done
            except BaseExceptionGroup as group:
                if group.subgroup(lambda error: not isinstance(error, (Killed, BaseExceptionGroup))) is not None:
                    raise
        async with whole_house(self.folder, self.world) as house:
            await thaw(house)
            await house.calm()
            await thaw(house)
            await house.calm()
            assert await house.verdicts() == []
            await counted(house)

    async def operate(self, house: WholeHouse) -> None:
        """One operation."""
        acts = (self.deposit, self.withdraw, self.inside, self.mine, self.work, self.sweep, self.reorganise)
        act = self.dice.choices(acts, (20, 14, 6, 25, 25, 6, 4))[0]
        await act(house)

    async def deposit(self, house: WholeHouse) -> None:
        to = self.dice.choice([house.harbour.alice, house.harbour.bob])
        self.world.pay(to, *[self.dice.randrange(1, 90_000) for _ in range(self.dice.choice([1, 1, 3]))])

    async def withdraw(self, house: WholeHouse) -> None:
        await self.ask(house, self.world.address(f"out {self.done}"))

    async def inside(self, house: WholeHouse) -> None:
        await self.ask(house, house.harbour.bob)

    async def ask(self, house: WholeHouse, address: str) -> None:
        atoms = Amount(self.dice.randrange(100, 60_000))
        try:
            await house.withdrawals.ask(Wanted(account=ALICE, asset=BTC, network="BTC", address=address, atoms=atoms))
        except NotAsked:
            return  # too little money, or frozen after a reorganisation

    async def mine(self, house: WholeHouse) -> None:
        waiting = list(self.world.pool)
        some = self.dice.random() < 0.2 and not any(self.world.pool[txid].claims for txid in waiting)
        self.world.mine(1, only=self.dice.sample(waiting, len(waiting) // 2) if some else None)
        await thaw(house)

    async def work(self, house: WholeHouse) -> None:
        await house.work()

    async def sweep(self, house: WholeHouse) -> None:
        await house.harbour.follow()
        await house.sweeper.step()
        await house.payouts.step()

    async def reorganise(self, house: WholeHouse) -> None:
        self.reorgs += 1
        self.world.reorg(self.dice.randrange(1, 4))
        if self.dice.random() < 0.5:
            await house.work()


async def thaw(house: WholeHouse) -> None:
    """An operator has looked at the accounts that a reorganisation froze."""
    for account in (ALICE, BOB):
        await house.harbour.do(co.SetAccountFrozen(account, False, "looked at"))


async def counted(house: WholeHouse) -> None:
    """Without any book of custody's: what is on our addresses is what people and house have, to the last unit."""
    state = house.sequencer.state
    people = house_fees = demo = 0
    for key, amount in state.balances.items():
        account, asset, _ = split_key(BalanceKey(key))
        if asset == BTC and account >= FIRST_TRADER:
            people += amount
        elif asset == BTC and account == FEES:
            house_fees += amount
        elif asset == BTC and account == GENESIS:
            demo -= amount
    rows = house.store.reader.execute("SELECT amount FROM incoming WHERE purpose = 1 AND state = 4")
    small = sum(int(amount) for (amount,) in rows)
    # What spends the change of a transaction that was replaced is never mined: its money stays held, and is counted so.
    assert not [one for one in state.withdrawals.values() if one.state is WithdrawalState.CONFIRMED]
    assert house.on_chain() == people + house_fees - demo + CAPITAL + small - house.network_got()


async def test_two_hundred_random_operations_with_crashes_and_reorganisations_conserve_all(tmp_path: Path) -> None:
    storm = Storm(tmp_path, seed=4)
    await storm.run(200, 20)
    assert storm.reorgs
    assert storm.kills


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(3))
async def test_a_thousand_random_operations_with_crashes_and_reorganisations_conserve_all(
    tmp_path: Path, seed: int
) -> None:
    storm = Storm(tmp_path, seed)
    await storm.run(1_000, 100)
    assert storm.reorgs
    assert storm.kills
