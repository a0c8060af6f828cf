"""A ledger, custody.db and approved withdrawals on an in-memory chain, and what one counts afterwards."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import trio

from exchange.clock import SystemClock
from exchange.core import commands as co
from exchange.core.postings import Bucket, balance_key
from exchange.core.transfers import DepositState, WithdrawalState
from exchange.core.units import AccountId, Amount, AssetId
from exchange.custody.memory import world as memory_world
from exchange.custody.memory.chain import MemoryChain, MemorySpending
from exchange.custody.memory.world import MemoryWorld
from exchange.custody.payouts.desk import Policy
from exchange.custody.payouts.machine import Payouts
from exchange.custody.payouts.reports import Reports
from exchange.custody.payouts.rows import PayoutRow, WithdrawalRow, payouts, withdrawals
from exchange.custody.payouts.screening import ScreenLost
from exchange.custody.port import Purpose
from exchange.custody.signing import Refused, Signed, Wish
from exchange.custody.store import Store
from exchange.sequencer import Sequencer
from tests.core.ways import NET, ways
from tests.ledger.busy import sequencing

WHO, ASSET = AccountId(100), AssetId(1)
FUNDED = 1_000_000
POLICY = Policy(final_blocks=2, replace_after_blocks=2)
HOT = "hot"
_W = WithdrawalState


class MemorySigner:
    """Signs drafts of the in-memory family, whose bodies are their own signed bytes; or says no to the next ones."""

    def __init__(self) -> None:
        self.refusals: list[Refused] = []
        self.wishes: list[Wish] = []

    async def sign(self, wish: Wish) -> Signed | Refused:
        """The same wish gets the same bytes."""
        await trio.lowlevel.checkpoint()
        self.wishes.append(wish)
        if self.refusals:
            return self.refusals.pop(0)
        return Signed(wish.body, memory_world.decode(wish.body).txid)


class Till:
    """Everything that pays, in one folder, around one world."""

    def __init__(self, store: Store, sequencer: Sequencer, chain: MemoryChain) -> None:
        self.store = store
        self.sequencer = sequencer
        self.chain = chain
        self.world = chain.world
        self.clock = SystemClock()
        self.signer = MemorySigner()
        self.denied: dict[str, str] = {}
        self.lost: ScreenLost | None = None
        self.reports = Reports(store, sequencer, self.clock)
        self.spending = MemorySpending(chain, HOT)

    def worker(self, policy: Policy = POLICY) -> Payouts:
        """One who pays."""
        one = (self.store, self.chain, self.spending, self.signer, self.reports, self.clock)
        return Payouts(*one, policy, screen=self.screen)

    def screen(self, chain: str, address: str) -> str:
        """What is denied."""
        assert chain == self.chain.name
        if self.lost is not None:
            raise self.lost
        return self.denied.get(address, "")

    async def approve(self, key: str, amount: int, address: str = "") -> str:
        """A withdrawal that the ledger holds the money for, and that nobody has to look at; its address."""
        address = address or self.world.address(key)
        outcome = await self.sequencer.call(co.RequestWithdrawal(key, WHO, ASSET, Amount(amount), NET))
        assert outcome.reject is None
        await self.sequencer.call(co.MoveWithdrawal(key, _W.APPROVED))
        now = self.clock.now()
        await self.store.write(
            lambda db: db.execute(
                "INSERT INTO withdrawals (id, account, asset, chain, contract, address, amount, atoms, fee, client_id,"
                " state, told, asked, changed) VALUES (?, ?, ?, ?, '', ?, ?, ?, 0, '', ?, ?, ?, ?)",
                (key, WHO, ASSET, self.chain.name, address, str(amount), amount, _W.APPROVED, _W.APPROVED, now, now),
            )
        )
        return address

    async def give(self, address: str, account: int) -> None:
        """Make an address the deposit address of an account."""
        columns = "INSERT INTO addresses (chain, key, address, purpose, place, account)"
        row = (self.chain.name, address, Purpose.DEPOSIT, account)
        await self.store.write(lambda db: db.execute(f"{columns} VALUES (?1, ?2, ?2, ?3, ?4, ?4)", row))

    def withdrawal(self, key: str) -> WithdrawalRow:
        """How it stands."""
        return withdrawals(self.store.reader, "id = ?", key)[0]

    def payouts(self) -> list[PayoutRow]:
        """All of them."""
        return payouts(self.store.reader, "1 ORDER BY number")

    async def until_final(self, *workers: Payouts, rounds: int = 40) -> None:
        """Let them work, a block after each round, until the ledger has settled everything."""
        for _ in range(rounds):
            for worker in workers:
                await worker.step()
            self.world.mine()
            if not withdrawals(self.store.reader, "told <> ? LIMIT 1", _W.FINAL):
                return
        raise AssertionError([(row.state, row.why) for row in withdrawals(self.store.reader, "1")])

    async def until_final_of(self, key: str) -> None:
        """Let a worker work until the ledger has settled this one."""
        worker = self.worker()
        for _ in range(10):
            await worker.step()
            self.world.mine()
        assert self.withdrawal(key).told == _W.FINAL, self.withdrawal(key)

    async def money(self) -> tuple[int, int]:
        """What the account has available, and held, in the ledger."""
        return await self.sequencer.read(
            lambda state: (
                state.balances[balance_key(WHO, ASSET, Bucket.AVAILABLE)],
                state.balances.get(balance_key(WHO, ASSET, Bucket.HELD), 0),
            )
        )


def paid(world: MemoryWorld, address: str) -> list[int]:
    """Every payment to an address that is in a block."""
    return [
        int(output.amount)
        for mint in world.best
        for one in mint.transactions.values()
        for output in one.outputs
        if output.address == address and not one.reverts
    ]


@asynccontextmanager
async def till(folder: Path, chain: MemoryChain, coins: int = 8) -> AsyncIterator[Till]:
    """Open what is in the folder; a new one gets an account with money, and a hot wallet with so many coins."""
    store = Store(folder / "custody.db")
    try:
        async with sequencing(folder / "ledger.db") as sequencer:
            made = Till(store, sequencer, chain)
            if not await sequencer.read(lambda state: len(state.assets)):
                await _furnish(made, coins)
            yield made
    finally:
        store.close()


async def _furnish(made: Till, coins: int) -> None:
    commands: list[co.Command] = [
        co.ListAsset("BTC", 8),
        *ways(ASSET),
        co.OpenAccount("ann"),
        co.Credit(WHO, ASSET, Amount(FUNDED), "first"),
    ]
    for command in commands:
        assert (await made.sequencer.call(command)).reject is None
    world, name = made.world, made.chain.name
    addresses = [(HOT if world.accounts else world.address(HOT), Purpose.HOT, 0)]
    addresses += [(world.address(f"change {n}"), Purpose.CHANGE, n) for n in range(coins)]
    txid = world.pay(addresses[0][0], *[100_000] * coins)
    world.mine()
    await made.store.write(
        lambda db: db.executemany(
            "INSERT INTO addresses (chain, key, address, purpose, place) VALUES (?1, ?2, ?2, ?3, ?4)",
            [(name, address, purpose, place) for address, purpose, place in addresses],
        )
    )
    await made.store.write(
        lambda db: db.executemany(
            "INSERT INTO incoming (chain, key, txid, to_key, purpose, place, contract, amount, coinbase, sender, state,"
            " height, seen, changed) VALUES (?, ?, ?, ?, ?, 0, '', '100000', 0, '', ?, 1, 0, 0)",
            [
                (name, f"{txid}:{n}", txid, addresses[0][0], Purpose.HOT, DepositState.SWEPT)
                for n in range(0 if world.accounts else coins)
            ],
        )
    )


def family(name: str) -> MemoryChain:
    """A chain of coins ("BTC") or of accounts ("ETH"), new."""
    return MemoryChain(MemoryWorld(name, accounts=name == "ETH"))


def copied(policy: Policy, **changed: int | bool) -> Policy:
    """The policy with some of it changed."""
    return msgspec.structs.replace(policy, **changed)
