"""Watcher, payouts, sweeper, ledger and reconciler of one in-memory chain, driven by hand, and killed at will."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from exchange.core import commands as co
from exchange.core.units import Amount
from exchange.custody.memory.chain import MemorySpending
from exchange.custody.memory.signer import MemorySigner
from exchange.custody.memory.world import MemoryWorld, Output, Transaction
from exchange.custody.payouts.crash_points import Points, pass_by
from exchange.custody.payouts.desk import Policy
from exchange.custody.payouts.machine import Payouts
from exchange.custody.payouts.purse import Books
from exchange.custody.payouts.reports import Reports
from exchange.custody.payouts.screening import DenyList
from exchange.custody.payouts.withdrawals import Withdrawals
from exchange.custody.port import Draft, Handed, Header, Purpose
from exchange.custody.proof.reconciling import Judged, Reconciler
from exchange.custody.proof.reconciling import Watched as Compared
from exchange.custody.treasury.sweep_rows import Pile
from exchange.custody.treasury.sweeping import Planned, Plans, Sweeper
from tests.custody.harbour import BTC, Harbour, harbour, network
from tests.ledger.busy import Ticking

FINAL = 4
"""Blocks after which a payout is final: no reorg here goes as deep."""
CAPITAL = 500_000
FEE = 1_000


class GatherAll:
    """Moves all deposits into the hot wallet in one transaction. Satisfies `sweeping.Moves`."""

    def __init__(self, name: str, hot: str) -> None:
        self._name = name
        self._hot = hot

    async def sweep(self, piles: Sequence[Pile], least: Mapping[str, int], moving: Sequence[Draft]) -> Planned | None:
        keys = {key for pile in piles for key in pile.keys}
        if moving or sum(pile.amount for pile in piles) < least[""]:
            return None

        def draft(id: str, books: Books) -> Draft:
            coins = [coin for coin in books.coins(frozenset({Purpose.DEPOSIT})) if coin.outpoint in keys]
            claims = tuple(coin.outpoint for coin in coins)
            out = Output(self._hot, str(sum(coin.amount for coin in coins) - FEE))
            return Draft(id, self._name, Transaction(claims, (out,), FEE).raw, (), claims, FEE)

        return Planned(draft, ())

    async def rescue(self) -> None:
        """Nothing waits for long here."""

    async def spill(self, contract: str, amount: int, cold: str) -> Planned:
        raise AssertionError((contract, amount, cold))

    async def hot(self, contract: str, header: Header) -> int:
        raise AssertionError((contract, header))


class WholeHouse:
    """Everything around one harbour."""

    def __init__(self, one: Harbour, folder: Path, at: Points) -> None:
        self.harbour = one
        self.world, self.store, self.sequencer, self.node = one.world, one.store, one.sequencer, one.node
        name, clock = self.world.name, Ticking()
        self.hot = self.address(Purpose.HOT)
        screen = DenyList(folder / "denied")
        self.withdrawals = Withdrawals(self.store, self.sequencer, {name: self.node}, screen, clock)
        self.reports = Reports(self.store, self.sequencer, clock)
        policy = Policy(final_blocks=FINAL, batch=5, replace_after_blocks=2)
        spending = MemorySpending(self.node, self.hot, FEE)
        rooms = (self.store, self.node, spending, MemorySigner(), self.reports, clock)
        self.payouts = Payouts(*rooms, policy, at, screen=screen)
        plans = Plans(least={"": 20_000}, hot=dict)
        self.sweeper = Sweeper(self.store, self.node, GatherAll(name, self.hot), plans, clock)
        watched = {name: Compared(self.node, not self.world.accounts, lambda: True)}
        self.reconciler = Reconciler(self.store, folder / "ledger.db", self.sequencer, watched, clock)

    def address(self, purpose: Purpose) -> str:
        """The first address of a wallet."""
        rows = self.store.reader.execute("SELECT address FROM addresses WHERE purpose = ? ORDER BY place", (purpose,))
        return str(next(iter(list(rows)))[0])

    async def work(self) -> None:
        """Everybody has a turn."""
        await self.harbour.follow()
        await self.payouts.step()
        await self.withdrawals.settle_inside()

    async def compare(self) -> Sequence[Judged]:
        """Read what there is, and compare."""
        await self.harbour.read()
        return await self.reconciler.compare()

    async def verdicts(self) -> list[str]:
        """What does not agree."""
        return [one.verdict for one in await self.compare() if one.verdict]

    async def calm(self) -> None:
        """Let everything come to its end."""
        for _ in range(6 * FINAL):
            self.world.mine()
            await self.work()

    def on_chain(self) -> int:
        """What our addresses have, counted without any of our books of it."""
        ours = [str(one) for (one,) in self.store.reader.execute("SELECT address FROM addresses")]
        return sum(self.world.balance(one) for one in ours)

    def network_got(self) -> int:
        """What transactions of ours in the best chain have paid the network."""
        return sum(one.fee for mint in self.world.best for one in mint.transactions.values() if one.claims)


@asynccontextmanager
async def whole_house(folder: Path, world: MemoryWorld, at: Points = pass_by) -> AsyncIterator[WholeHouse]:
    """Open it, new (with capital in the hot wallet) or as it was left."""
    async with harbour(folder, world) as one:
        fresh = not list(one.store.reader.execute("SELECT 1 FROM addresses WHERE purpose = ?", (Purpose.HOT,)))
        await one.pool.add_wallet(Purpose.HOT, "hot")
        await one.pool.add_wallet(Purpose.CHANGE, "change")
        made = WholeHouse(one, folder, at)
        if fresh:
            terms = network(
                withdrawal_fee=Amount(50),
                withdrawal_min=Amount(100),
                automatic_limit=Amount(10**12),
                one_person_limit=Amount(10**12),
                withdrawals_open=True,
            )
            await one.do(co.SetNetwork(terms), co.SetTierLimit(0, BTC, Amount(10**15), Amount(10**15)))
            world.pay(made.hot, *[CAPITAL // 10] * 10)
            world.mine()
        await made.withdrawals.recover()
        yield made


def thief(world: MemoryWorld, claim: str, amount: int) -> None:
    """Somebody else spends a coin of ours."""
    out = Output(world.address("thief"), str(amount))
    assert world.hand(Transaction((claim,), (out,), FEE).raw) is Handed.ACCEPTED
