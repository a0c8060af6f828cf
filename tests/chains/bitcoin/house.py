"""The house on one regtest chain: real ledger, custody.db, watcher, payouts and keys; everything is driven by hand."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

import trio

from exchange.core import commands as co
from exchange.core.networks import Network
from exchange.core.postings import Bucket, balance_key
from exchange.core.transfers import DepositState, WithdrawalState
from exchange.core.units import MAX_STORED, AccountId, Amount, AssetId
from exchange.custody.bitcoin.chain import BitcoinChain
from exchange.custody.bitcoin.spending import BitcoinSpending
from exchange.custody.deposits import chain_rows
from exchange.custody.deposits.incoming_rows import Row, select
from exchange.custody.deposits.pool import Pool
from exchange.custody.deposits.watcher import Watcher
from exchange.custody.derivation import account_of, account_path, addresses, branch_of, path, read_xpub
from exchange.custody.door import LedgerDoor
from exchange.custody.payouts.crash_points import Points, pass_by
from exchange.custody.payouts.desk import Policy
from exchange.custody.payouts.machine import Payouts
from exchange.custody.payouts.purse import Books
from exchange.custody.payouts.reports import Reports
from exchange.custody.payouts.rows import AttemptRow, AttemptState, WithdrawalRow, attempts, withdrawals
from exchange.custody.port import Owned, Purpose
from exchange.custody.rpc import Rpc
from exchange.custody.signer.bitcoin import read
from exchange.custody.signer.seed import root
from exchange.custody.signing import Signed, Wish
from exchange.custody.store import Store
from exchange.sequencer import Sequencer
from tests.chains.bitcoin.regtest import COIN, Regtest
from tests.ledger.busy import Ticking, sequencing

T = TypeVar("T")
NAME = "BTC"
ASSET = AssetId(1)
ALICE, BOB = AccountId(100), AccountId(101)
FUNDED = 20 * COIN
POLICY = Policy(final_blocks=2, replace_after_blocks=2, retry_seconds=1)
TABLE = ((Amount(0), 2), (Amount(COIN), 4))
"""Two blocks for most deposits, four from a whole coin on."""
DUST = 1_000
_W = WithdrawalState


class House:
    """One folder and one chain. Its keys come from the folder's name: another test has others on the same chain."""

    def __init__(self, folder: Path, sequencer: Sequencer, outside: Regtest, rpc: Rpc, **more: Any) -> None:
        self.sequencer = sequencer
        self.outside = outside
        self.rpc = rpc
        self.form = outside.network.parameters
        self.tree = root(sha256(folder.name.encode()).digest() * 2)
        self.clock = Ticking()
        self.store = Store(folder / "custody.db")
        self.chain = BitcoinChain(NAME, outside.network, rpc)
        self.spending = BitcoinSpending(NAME, outside.network, rpc, self.public_key)
        self.pool = Pool(self.store, NAME, self.chain.key_of, self.derive, self.clock, 20)
        self.ledger = LedgerDoor(self.store, sequencer, self.clock)
        given: dict[str, Any] = {"reorg_limit": 10, "stale_after_seconds": 10**9}
        self.watcher = Watcher(self.chain, self.store, self.pool, self.ledger, self.clock, **{**given, **more})
        self.reports = Reports(self.store, sequencer, self.clock)
        self.alice = self.bob = self.hot = ""

    def xpub(self, purpose: Purpose) -> str:
        """Of the account that serves it."""
        return self.tree.below(account_path(self.form, account_of(purpose))).xpub().text()

    def derive(self, purpose: Purpose, xpub: str, places: range) -> Iterable[tuple[int, str]]:
        return addresses(self.form, read_xpub(xpub), branch_of(purpose), places)

    def public_key(self, owned: Owned) -> bytes:
        xpub = read_xpub(self.xpub(owned.purpose))
        return xpub.child(branch_of(owned.purpose)).child_key(owned.index)

    def secret(self, owned: Owned) -> Any:
        """The private key of an address of ours: for thieves."""
        return self.tree.below(path(self.form, owned.purpose, owned.index)).key

    async def sign(self, wish: Wish) -> Signed:
        """As the signer does once it has no objection."""
        await trio.lowlevel.checkpoint()
        return read(self.form, self.chain.identity, wish.body, self.tree).sign()

    async def open(self) -> None:
        """Wallets, an address for each of our people, and the chain begun."""
        for purpose in (Purpose.DEPOSIT, Purpose.HOT, Purpose.CHANGE):
            await self.pool.add_wallet(purpose, self.xpub(purpose))
        self.alice = await self.pool.address_for(ALICE, ASSET)
        self.bob = await self.pool.address_for(BOB, ASSET)
        self.hot = next(one.address for one in self.pool.watched.values() if one.purpose is Purpose.HOT)
        await self.ledger.mend()
        await self.follow()

    async def follow(self) -> None:
        """All blocks there are, and all the ledger must be told; addresses are made ahead."""
        await self.pool.fill()
        while await self.watcher.step():
            pass
        while await self.ledger.tell():
            pass

    async def step_for_ever(self) -> None:
        """Until something is raised."""
        while True:
            await self.watcher.step()

    async def mine(self, blocks: int = 1) -> None:
        """Blocks with what waits, followed."""
        self.outside.mine(blocks)
        await self.follow()

    async def fill(self, *amounts: int) -> None:
        """Coins for the hot wallet."""
        for amount in amounts:
            self.outside.pay(self.hot, amount)
        await self.mine()

    def rows(self, txid: str = "") -> list[Row]:
        """Payments to us, of a transaction or all."""
        return list(select(self.store.reader, "? IN ('', txid) AND purpose = 1", (txid,), "ORDER BY seen, key"))

    def states(self, txid: str = "") -> list[int]:
        return [row.state for row in self.rows(txid)]

    def credits(self) -> list[DepositState]:
        """What the ledger says of every deposit it was told of."""
        return [deposit.state for deposit in self.sequencer.state.deposits.values()]

    def alarms(self) -> list[str]:
        return [alarm.kind for alarm in chain_rows.alarms(self.store.reader, NAME)]

    def has(self, account: AccountId = ALICE) -> int:
        return self.sequencer.state.available(account, ASSET)

    def held(self, account: AccountId = ALICE) -> int:
        return self.sequencer.state.balances.get(balance_key(account, ASSET, Bucket.HELD), 0)

    async def do(self, *commands: co.Command) -> None:
        for command in commands:
            outcome = await self.sequencer.call(command)
            assert outcome.reject is None, (command, outcome.reject)

    async def books(self, act: Callable[[Any], T], kind: type[Books] = Books) -> T:
        """Call `act` with a purse, inside a transaction that is kept."""
        return await self.store.write(lambda db: act(kind(db, NAME, self.clock.now())))

    async def keep(self, txid: str, raw: bytes) -> None:
        """A transaction that waits, whole, so that its outputs can be spent."""
        row = (NAME, txid, raw)
        await self.store.write(lambda db: db.execute("INSERT OR IGNORE INTO raw_transactions VALUES (?, ?, ?)", row))

    async def approve(self, key: str, amount: int, address: str) -> None:
        """A withdrawal of Bob's that nobody has to look at any more."""
        await self.do(co.RequestWithdrawal(key, BOB, ASSET, Amount(amount), NAME))
        await self.do(co.MoveWithdrawal(key, _W.APPROVED))
        now = self.clock.now()
        await self.store.write(
            lambda db: db.execute(
                "INSERT INTO withdrawals (id, account, asset, chain, contract, address, amount, atoms, fee, client_id,"
                " state, told, asked, changed) VALUES (?, ?, ?, ?, '', ?, ?, ?, 0, '', ?, ?, ?, ?)",
                (key, BOB, ASSET, NAME, address, str(amount), amount, _W.APPROVED, _W.APPROVED, now, now),
            )
        )

    def worker(self, policy: Policy = POLICY, at: Points = pass_by) -> Payouts:
        """One who pays."""
        one = (self.store, self.chain, self.spending, self, self.reports, self.clock)
        return Payouts(*one, policy, at, screen=lambda *_: "")

    def withdrawal(self, key: str) -> WithdrawalRow:
        return withdrawals(self.store.reader, "id = ?", key)[0]

    def attempts(self, payout: int = 1) -> list[AttemptRow]:
        return list(attempts(self.store.reader, payout))

    async def send(self, worker: Payouts, payout: int = 1, tries: int = 1) -> AttemptRow:
        """Work until this payout's attempt of that number was handed out."""
        for _ in range(10):
            await worker.step()
            tried = self.attempts(payout)
            if len(tried) >= tries and tried[-1].state is AttemptState.HANDED:
                return tried[-1]
        raise AssertionError([(row.state, row.why) for row in withdrawals(self.store.reader, "1")])

    async def until_final(self, *workers: Payouts, rounds: int = 20) -> None:
        """Let them work, a block after each round, until the ledger has settled everything."""
        for _ in range(rounds):
            for worker in workers:
                await worker.step()
            if not withdrawals(self.store.reader, "told <> ? LIMIT 1", _W.FINAL):
                return
            await self.mine()
        raise AssertionError([(row.state, row.why) for row in withdrawals(self.store.reader, "1")])


def network(**changed: Any) -> Network:
    """Wide open."""
    most = Amount(MAX_STORED >> 4)
    given: dict[str, Any] = {
        "asset": ASSET,
        "name": NAME,
        "chain_decimals": 8,
        "deposit_min": Amount(DUST),
        "confirmations": TABLE,
        "automatic_limit": most,
        "one_person_limit": most,
        "deposits_open": True,
        "withdrawals_open": True,
    }
    return Network(**{**given, **changed})


@asynccontextmanager
async def house(
    folder: Path, outside: Regtest, url: str = "", patience: float = 20, **more: Any
) -> AsyncIterator[House]:
    """Open the folder, new or not; Bob has money in a new ledger. `url`: of whoever stands in front of the node."""
    with Rpc(url or outside.node.url, login_file=outside.node.login_file, timeout_seconds=patience) as rpc:
        async with sequencing(folder / "ledger.db") as sequencer:
            made = House(folder, sequencer, outside, rpc, **more)
            try:
                if not sequencer.state.assets:
                    await _furnish(made)
                await made.open()
                yield made
            finally:
                made.store.close()


async def _furnish(made: House) -> None:
    most = Amount(MAX_STORED)
    await made.do(
        co.ListAsset("BTC", 8),
        co.SetNetwork(network()),
        co.SetTierLimit(0, ASSET, most, most),
        co.OpenAccount("alice"),
        co.OpenAccount("bob"),
        co.Credit(BOB, ASSET, Amount(FUNDED), "first"),
    )
