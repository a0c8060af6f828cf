"""One chain of the in-memory family, watched for the real sequencer on a real ledger. Everything is driven by hand."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from exchange.core import commands as co
from exchange.core.networks import Network
from exchange.core.transfers import DepositState
from exchange.core.units import AccountId, Amount, AssetId
from exchange.custody.deposits import chain_rows
from exchange.custody.deposits.incoming_rows import Row, select
from exchange.custody.deposits.pool import Pool
from exchange.custody.deposits.watcher import Watcher
from exchange.custody.door import LedgerDoor
from exchange.custody.memory.chain import MemoryChain
from exchange.custody.memory.world import MemoryWorld
from exchange.custody.port import Chain, Purpose
from exchange.custody.store import Store
from exchange.sequencer import Sequencer
from tests.ledger.busy import Ticking, sequencing

BTC, TOK = AssetId(1), AssetId(2)
ALICE, BOB = AccountId(100), AccountId(101)
TABLE = ((Amount(0), 2), (Amount(1_000_000), 4))
"""Two blocks for most deposits, four from a million on."""
TOKEN = "0x70c0"


def network(asset: AssetId = BTC, **changed: Any) -> Network:
    given: dict[str, Any] = {
        "asset": asset,
        "name": "BTC",
        "chain_decimals": 8,
        "contract": "" if asset == BTC else TOKEN,
        "deposit_min": Amount(100),
        "confirmations": TABLE,
        "deposits_open": True,
    }
    return Network(**{**given, **changed})


class Harbour:
    """A world with one node, a watcher, and the ledger behind it."""

    def __init__(self, sequencer: Sequencer, store: Store, world: MemoryWorld, **more: Any) -> None:
        self.sequencer = sequencer
        self.store = store
        self.world = world
        self.node = MemoryChain(world)
        self.pool = pool_of(store, world)
        self.ledger = LedgerDoor(store, sequencer, Ticking())
        self.watcher = watcher_of(self.node, store, self.pool, self.ledger, **more)
        self.alice = self.bob = ""

    async def open(self) -> None:
        """A wallet, an address each, and the chain begun."""
        await self.pool.add_wallet(Purpose.DEPOSIT, "xpub")
        self.alice = await self.pool.address_for(ALICE, BTC)
        self.bob = await self.pool.address_for(BOB, BTC)
        await self.ledger.mend()
        await self.follow()

    async def read(self) -> None:
        """All blocks there are; the ledger is told nothing."""
        while await self.watcher.step():
            pass

    async def tell(self) -> None:
        """The ledger is told all there is."""
        while await self.ledger.tell():
            pass

    async def follow(self) -> None:
        await self.read()
        await self.tell()

    async def pay_and_mine(self, amount: int = 5_000, blocks: int = 2, address: str = "") -> str:
        """A payment (to alice, if not said), so many blocks, and all of it followed. Its id."""
        txid = self.world.pay(address or self.alice, amount)
        self.world.mine(blocks)
        await self.follow()
        return txid

    def rows(self) -> list[Row]:
        return list(select(self.store.reader, "1 = 1", (), "ORDER BY seen, key"))

    def states(self) -> list[int]:
        return [row.state for row in self.rows()]

    def alarms(self) -> list[str]:
        return [alarm.kind for alarm in chain_rows.alarms(self.store.reader, self.world.name)]

    def has(self, account: AccountId = ALICE, asset: AssetId = BTC) -> int:
        return self.sequencer.state.available(account, asset)

    def ledger_states(self) -> list[DepositState]:
        return [deposit.state for deposit in self.sequencer.state.deposits.values()]

    async def do(self, *commands: co.Command) -> None:
        for command in commands:
            outcome = await self.sequencer.call(command)
            assert outcome.reject is None, (command, outcome.reject)


def pool_of(store: Store, world: MemoryWorld, ahead: int = 5) -> Pool:
    def derive(purpose: Purpose, xpub: str, places: range) -> Iterable[tuple[int, str]]:
        return [(place, world.address(f"{xpub} {purpose} {place}")) for place in places]

    return Pool(store, world.name, MemoryChain(world).key_of, derive, Ticking(), ahead)


def watcher_of(node: Chain, store: Store, pool: Pool, ledger: LedgerDoor, **more: Any) -> Watcher:
    given: dict[str, Any] = {"reorg_limit": 10, "stale_after_seconds": 10**9}
    return Watcher(node, store, pool, ledger, Ticking(), **{**given, **more})


@asynccontextmanager
async def harbour(folder: Path, world: MemoryWorld | None = None, **more: Any) -> AsyncIterator[Harbour]:
    """Open the folder, new or not, and the chain; the ledger is furnished if it is new."""
    store = Store(folder / "custody.db")
    try:
        async with sequencing(folder / "ledger.db") as sequencer:
            one = Harbour(sequencer, store, world or grown(), **more)
            if not sequencer.state.assets:
                await one.do(co.ListAsset("BTC", 8), co.ListAsset("TOK", 6))
                await one.do(co.OpenAccount("alice"), co.OpenAccount("bob"))
                await one.do(co.SetNetwork(network()), co.SetNetwork(network(TOK, chain_decimals=18)))
            await one.open()
            yield one
    finally:
        store.close()


def grown(blocks: int = 20, name: str = "BTC", *, accounts: bool = False) -> MemoryWorld:
    """A world that has some blocks already."""
    world = MemoryWorld(name, accounts=accounts)
    world.mine(blocks)
    return world
