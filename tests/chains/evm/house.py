"""The house on a real Anvil: real ledger, custody.db, watcher, payouts and keys; everything is driven by hand."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import trio

from exchange.core import commands as co
from exchange.core.networks import Network
from exchange.core.postings import Bucket, balance_key
from exchange.core.transfers import DepositState, WithdrawalState
from exchange.core.units import MAX_STORED, AccountId, Amount, AssetId
from exchange.custody.deposits import chain_rows
from exchange.custody.deposits.incoming_rows import Row, select
from exchange.custody.deposits.pool import Pool
from exchange.custody.deposits.watcher import Contracts, Watcher
from exchange.custody.derivation import EVM, account_of, account_path, addresses, branch_of, path, read_xpub
from exchange.custody.door import LedgerDoor
from exchange.custody.evm.chain import Evm
from exchange.custody.evm.spending import EvmSpending
from exchange.custody.payouts.crash_points import Points, pass_by
from exchange.custody.payouts.desk import Policy
from exchange.custody.payouts.machine import Payouts
from exchange.custody.payouts.reports import Reports
from exchange.custody.payouts.rows import AttemptRow, WithdrawalRow, attempts, withdrawals
from exchange.custody.port import Owned, Purpose
from exchange.custody.rpc import Rpc
from exchange.custody.signer.evm import read
from exchange.custody.signer.seed import root, seed_of
from exchange.custody.signing import Signed, Wish
from exchange.custody.store import Store
from exchange.sequencer import Sequencer
from tests.chains.evm.world import CHAIN_ID, ETHER, World
from tests.ledger.busy import Ticking, sequencing

NAME = "ETH"
COIN, TOKEN = AssetId(1), AssetId(2)
ALICE, BOB = AccountId(100), AccountId(101)
WEI_PER_ATOM = 10**10
ATOMS = 10**8
"""Of a whole coin in the ledger; the token has six decimals on the chain and eight in the ledger."""
UNITS = {COIN: WEI_PER_ATOM, TOKEN: 1}
FUNDED = 20 * ATOMS
TREE = root(seed_of(bytes(range(32))))
POLICY = Policy(final_blocks=2, wait_finalized=False, replace_after_blocks=2, retry_seconds=1)
DUST = 1_000
TABLE = ((Amount(0), 2), (Amount(10 * ATOMS), 4))
"""Two blocks for most deposits, four and the chain's own word from ten coins on."""
_W = WithdrawalState


class House:
    """One folder and one chain."""

    def __init__(self, folder: Path, sequencer: Sequencer, outside: World, rpc: Rpc, **more: Any) -> None:
        self.sequencer = sequencer
        self.outside = outside
        self.clock = Ticking()
        self.store = Store(folder / "custody.db")
        self.contracts = Contracts()
        self.chain = Evm(NAME, CHAIN_ID, rpc, self.contracts)
        self.hot = Owned(self.address(Purpose.HOT, 0), Purpose.HOT, 0)
        self.spending = EvmSpending(NAME, CHAIN_ID, rpc, self.hot)
        self.pool = Pool(self.store, NAME, self.chain.key_of, self.derive, self.clock, 20)
        self.ledger = LedgerDoor(self.store, sequencer, self.clock)
        given: dict[str, Any] = {"reorg_limit": 10, "stale_after_seconds": 10**9, "contracts": self.contracts}
        self.watcher = Watcher(self.chain, self.store, self.pool, self.ledger, self.clock, **{**given, **more})
        self.reports = Reports(self.store, sequencer, self.clock)
        self.signer: Any = self
        self.alice = self.bob = ""

    def address(self, purpose: Purpose, place: int) -> str:
        """An address of ours."""
        ((_, found),) = self.derive(purpose, self.xpub(purpose), range(place, place + 1))
        return found

    def xpub(self, purpose: Purpose) -> str:
        """Of the account that serves it."""
        return TREE.below(account_path(EVM, account_of(purpose))).xpub().text()

    def derive(self, purpose: Purpose, xpub: str, places: range) -> Iterable[tuple[int, str]]:
        return addresses(EVM, read_xpub(xpub), branch_of(purpose), places)

    def secret(self, purpose: Purpose, place: int) -> bytes:
        """The private key of an address of ours: for thieves."""
        return bytes(TREE.below(path(EVM, purpose, place)).key.secret)

    async def sign(self, wish: Wish) -> Signed:
        """As the signer does once it has no objection."""
        await trio.lowlevel.checkpoint()
        return read(wish.body, TREE).sign()

    async def open(self) -> None:
        """Wallets, an address for each of our people, and the chain begun."""
        await self.pool.add_wallet(Purpose.DEPOSIT, self.xpub(Purpose.DEPOSIT))
        await self.pool.add_wallet(Purpose.HOT, self.xpub(Purpose.HOT))
        self.alice = await self.pool.address_for(ALICE, COIN)
        self.bob = await self.pool.address_for(BOB, COIN)
        await self.ledger.mend()
        await self.follow()

    async def follow(self) -> None:
        """All blocks there are, and all the ledger must be told."""
        while await self.watcher.step():
            pass
        while await self.ledger.tell():
            pass

    async def mine(self, blocks: int = 1) -> None:
        """Blocks with what waits, followed."""
        await self.outside.mine(blocks)
        await self.follow()

    def rows(self, txid: str = "") -> list[Row]:
        """Payments to our people, of a transaction or all."""
        return list(select(self.store.reader, "? IN ('', txid) AND purpose = 1", (txid,), "ORDER BY seen, key"))

    def states(self, txid: str = "") -> list[int]:
        return [row.state for row in self.rows(txid)]

    def credits(self) -> list[DepositState]:
        """What the ledger says of every deposit it was told of."""
        return [deposit.state for deposit in self.sequencer.state.deposits.values()]

    def alarms(self) -> list[str]:
        return [alarm.kind for alarm in chain_rows.alarms(self.store.reader, NAME)]

    def has(self, account: AccountId = ALICE, asset: AssetId = COIN) -> int:
        return self.sequencer.state.available(account, asset)

    def held(self, account: AccountId = BOB, asset: AssetId = COIN) -> int:
        return self.sequencer.state.balances.get(balance_key(account, asset, Bucket.HELD), 0)

    async def do(self, *commands: co.Command) -> None:
        for command in commands:
            outcome = await self.sequencer.call(command)
            assert outcome.reject is None, (command, outcome.reject)

    async def list_token(self, contract: str) -> None:
        """From now on the token is taken, and Bob has some."""
        await self.do(co.SetNetwork(network(TOKEN, contract)), co.Credit(BOB, TOKEN, Amount(FUNDED), "token"))

    async def approve(
        self, key: str, atoms: int, address: str, asset: AssetId = COIN, contract: str = "", bears: str = str(ETHER)
    ) -> None:
        """A withdrawal of Bob's that nobody has to look at any more; the house `bears` what its recipient costs."""
        await self.do(co.RequestWithdrawal(key, BOB, asset, Amount(atoms), NAME))
        await self.do(co.MoveWithdrawal(key, _W.APPROVED))
        now, amount = self.clock.now(), str(atoms * WEI_PER_ATOM if asset == COIN else atoms // 100)
        await self.store.write(
            lambda db: db.execute(
                "INSERT INTO withdrawals (id, account, asset, chain, contract, address, amount, atoms, fee, client_id,"
                " state, told, asked, changed, bears) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, '', ?, ?, ?, ?, ?)",
                (key, BOB, asset, NAME, contract, address, amount, atoms, _W.APPROVED, _W.APPROVED, now, now, bears),
            )
        )

    def worker(self, policy: Policy = POLICY, at: Points = pass_by) -> Payouts:
        """One who pays."""
        chain, spending = self.chain, self.spending
        one = (self.store, chain, spending, self.signer, self.reports, self.clock)
        return Payouts(*one, policy, at, screen=lambda *_: "")

    def withdrawal(self, key: str) -> WithdrawalRow:
        return withdrawals(self.store.reader, "id = ?", key)[0]

    def attempts(self, payout: int = 1) -> list[AttemptRow]:
        return list(attempts(self.store.reader, payout))

    def unsettled(self) -> list[WithdrawalRow]:
        """What the ledger has not seen the end of."""
        return list(withdrawals(self.store.reader, "told <> ?", _W.FINAL))

    async def until_final(self, *workers: Payouts, rounds: int = 20) -> None:
        """Let them work, a block after each round, until the ledger has settled everything."""
        for _ in range(rounds):
            for worker in workers:
                await worker.step()
            if not self.unsettled():
                return
            await self.outside.mine()
        raise AssertionError([(row.state, row.why) for row in self.unsettled()])


def network(asset: AssetId = COIN, contract: str = "", **changed: Any) -> Network:
    """Wide open."""
    most = Amount(MAX_STORED >> 4)
    given: dict[str, Any] = {
        "asset": asset,
        "name": NAME,
        "contract": contract,
        "chain_decimals": 6 if contract else 18,
        "deposit_min": Amount(DUST),
        "withdrawal_min": Amount(100 if contract else 1),
        "confirmations": TABLE,
        "automatic_limit": most,
        "one_person_limit": most,
        "deposits_open": True,
        "withdrawals_open": True,
    }
    return Network(**{**given, **changed})


@asynccontextmanager
async def house(folder: Path, outside: World, **more: Any) -> AsyncIterator[House]:
    """Open the folder, new or not; Bob has money in a new ledger, and the hot wallet has ten coins on the chain."""
    with Rpc(outside.url) as rpc:
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
        co.ListAsset("ETH", 8),
        co.ListAsset("USDT", 8),
        co.SetNetwork(network()),
        *(co.SetTierLimit(0, asset, most, most) for asset in (COIN, TOKEN)),
        co.OpenAccount("alice"),
        co.OpenAccount("bob"),
        co.Credit(BOB, COIN, Amount(FUNDED), "first"),
    )
    await made.outside.fund(made.hot, 10 * ETHER)
    await made.outside.mine(12)
