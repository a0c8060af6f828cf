"""All of custody that one process has: custody.db, the chains of the settings, and the way to the ledger."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec
import trio

from exchange.chain_settings import ChainSettings
from exchange.clock import Clock
from exchange.custody.deposits import chain_rows
from exchange.custody.deposits.following import Follower
from exchange.custody.deposits.pool import Pool
from exchange.custody.deposits.watcher import Contracts, Watcher
from exchange.custody.door import LedgerDoor
from exchange.custody.families import Built, build
from exchange.custody.memory.world import MemoryWorld
from exchange.custody.port import Chain, Purpose
from exchange.custody.rpc import Rpc
from exchange.custody.signer.folder import Folder, Wallet, read_public
from exchange.custody.status import ChainStatus
from exchange.custody.store import Store
from exchange.custody.treasury.cold import cold_addresses
from exchange.sequencer import Sequencer
from exchange.settings import Settings, SettingsError

CUSTODY: Final = "custody.db"
SIGNER: Final = "signer"
"""The signer's folder in a data folder."""
_MILLI: Final = 1_000


class Line(msgspec.Struct, frozen=True):
    """One chain and all that serves it."""

    settings: ChainSettings
    chain: Chain
    pool: Pool
    follower: Follower
    rpcs: tuple[Rpc, ...] = ()
    """Connections to its nodes, closed with custody."""

    @property
    def status(self) -> ChainStatus:
        """How it is."""
        return self.follower.watcher.status


class Custody:
    """The chains of one data folder. Nothing is asked of a node before `run`."""

    def __init__(
        self,
        store: Store,
        ledger: LedgerDoor,
        lines: Mapping[str, Line],
        wallets: Mapping[str, Wallet],
        clock: Clock,
    ) -> None:
        """`lines` and `wallets` by the chain's name."""
        self._wallets = wallets
        self._clock = clock
        self.store = store
        self.ledger = ledger
        self.lines = lines

    async def run(self) -> None:
        """Follow every chain and tell the ledger, for ever. Needs a running sequencer. Raises what the disk raises."""
        for line in self.lines.values():
            await self._take_wallets(line)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.ledger.run)
            for line in self.lines.values():
                nursery.start_soon(line.follower.run)

    def cold(self, chain: str) -> str:
        """Where too much of a chain's coins goes for keeping; "" where the signer knows no such place."""
        wallet = self._wallets.get(chain)
        return cold_addresses(wallet.form, wallet.cold[0], 1)[0] if wallet is not None and wallet.cold else ""

    async def _take_wallets(self, line: Line) -> None:
        """The public keys that the signer's folder tells; a chain that it does not know has those it had before."""
        name = line.chain.name
        wallet = self._wallets.get(name)
        if wallet is None:
            await line.pool.fill()
            return
        if wallet.identity != line.chain.identity:
            why = f"the wallet is for a chain {wallet.identity}, and the settings name {line.chain.identity}"
            now = self._clock.now()
            await self.store.write(lambda db: chain_rows.raise_alarm(db, name, "wallet", why, now))
            return
        for purpose in (Purpose.DEPOSIT, Purpose.HOT, Purpose.CHANGE, Purpose.GAS):
            await line.pool.add_wallet(purpose, wallet.xpub(purpose))
        if wallet.cold:  # what is sent there stays ours, and is counted
            await line.pool.add_wallet(Purpose.COLD, wallet.cold[0])


@contextmanager
def open_custody(
    folder: Path,
    settings: Settings,
    sequencer: Sequencer,
    clock: Clock,
    worlds: Mapping[str, MemoryWorld] | None = None,
) -> Iterator[Custody]:
    """Open custody.db and build the chains that the settings name. Raises `SettingsError`, `CustodyDamaged`.

    `worlds` are for chains of the in-memory family, which is for demos alone.
    """
    store, lines = Store(folder / CUSTODY), dict[str, Line]()
    try:
        ledger = LedgerDoor(store, sequencer, clock)
        for name, chain in settings.chains.items():
            lines[name] = _line(name, chain, folder, store, ledger, clock, worlds or {}, demo=settings.demo)
        signer = Folder(folder / SIGNER)
        wallets = read_public(signer).wallets if signer.public.exists() else {}
        yield Custody(store, ledger, lines, wallets, clock)
    finally:
        for rpc in [rpc for line in lines.values() for rpc in line.rpcs]:
            rpc.close()
        store.close()


def _line(
    name: str,
    settings: ChainSettings,
    folder: Path,
    store: Store,
    ledger: LedgerDoor,
    clock: Clock,
    worlds: Mapping[str, MemoryWorld],
    *,
    demo: bool,
) -> Line:
    if settings.family == "memory" and not demo:
        raise SettingsError(f"chains.{name}: a chain in memory is for demos alone. Nothing was started.")
    contracts = Contracts()
    built = _built(name, settings, folder, contracts, worlds)
    pool = Pool(store, name, built.chain.key_of, built.derive, clock, settings.address_pool)
    watcher = Watcher(
        built.chain,
        store,
        pool,
        ledger,
        clock,
        reorg_limit=settings.reorg_limit_blocks,
        stale_after_seconds=settings.stale_after_seconds,
        first_block=settings.first_block,
        second=built.second,
        contracts=contracts,
    )
    follower = Follower(watcher, store, clock, settings.poll_milliseconds / _MILLI)
    return Line(settings, built.chain, pool, follower, built.rpcs)


def _built(
    name: str, settings: ChainSettings, folder: Path, contracts: Contracts, worlds: Mapping[str, MemoryWorld]
) -> Built:
    try:
        return build(name, settings, folder, contracts, worlds)
    except (KeyError, ValueError) as error:
        raise SettingsError(f"chains.{name}: {error}. Nothing was started.") from error
