"""The composition root: opens every room of a data folder and connects them.

A data folder belongs to one process at a time (`lock`). What is done with an open house is `serving`'s.
"""

from __future__ import annotations

import fcntl
import os
import shlex
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import trio

from exchange.backup.keeping import Keeper
from exchange.clock import Clock
from exchange.custody.custody import CUSTODY, SIGNER, Custody, open_custody
from exchange.custody.memory.world import MemoryWorld
from exchange.custody.payouts.payments import Payments, open_payments
from exchange.custody.signer.client import SignerClient, open_signer
from exchange.custody.store import CustodyDamaged
from exchange.ledger.db import LedgerDamaged, readable
from exchange.ledger.journal import Journal
from exchange.ledger.queries import Queries
from exchange.ledger.records import Records
from exchange.ledger.restore import restore
from exchange.market_data.hub import Hub
from exchange.office.approvers import Approvers
from exchange.office.db import OfficeDamaged, open_office
from exchange.office.keys import KeyRing
from exchange.office.operators import Operators
from exchange.office.pending_acts import PendingActs
from exchange.office.trail import Trail
from exchange.office.vault import Vault, create_master_key, read_master_key
from exchange.sequencer import Sequencer
from exchange.settings import DEFAULT_FILE, Settings, example

LEDGER: Final = "ledger.db"
OFFICE: Final = "office.db"
SOCKET: Final = "admin.sock"
LOCK: Final = "lock"
MASTER_KEY: Final = Path("keystore") / "master.key"
TRAIL_HEAD: Final = "trail.head"


class FolderBusy(Exception):
    """Another process owns the data folder."""


class FolderMissing(Exception):
    """The folder is not a data folder, or is one already where a new one was asked for."""


@dataclass(frozen=True, slots=True)
class House:
    """Every room of an opened data folder."""

    folder: Path
    settings: Settings
    clock: Clock
    sequencer: Sequencer
    queries: Queries
    records: Records
    hub: Hub
    keyring: KeyRing
    operators: Operators
    trail: Trail
    approvers: Approvers
    pending_acts: PendingActs
    signer: SignerClient
    custody: Custody
    payments: Payments
    keeper: Keeper


def init_folder(folder: Path, clock: Clock, settings: str | None = None) -> None:
    """Make a new data folder: `settings` (or every one as a comment), master key, empty ledger and office.

    Raises `FolderMissing`. A folder with no more than settings and key is one whose making was cut short: nothing was
    sealed with that key yet.
    """
    if any((folder / name).exists() for name in (LEDGER, OFFICE)):
        raise FolderMissing(f"{folder} is a data folder already. Nothing was changed.")
    if not folder.exists():
        folder.mkdir(parents=True)
        folder.chmod(0o711)  # operators of other uids reach the socket; every file has its own lock
    if not (folder / DEFAULT_FILE).exists():
        (folder / DEFAULT_FILE).write_text(example() if settings is None else settings, encoding="utf-8")
    if not (folder / MASTER_KEY).exists():
        create_master_key(folder / MASTER_KEY, clock)
    Journal(folder / LEDGER).close()
    open_office(folder / OFFICE).close()


@contextmanager
def open_house(
    folder: Path, settings: Settings, clock: Clock, worlds: Mapping[str, MemoryWorld] | None = None
) -> Iterator[House]:
    """Own `folder` and open its rooms; the sequencer is not running yet. `worlds`: chains in memory, of a demo.

    Raises `FolderMissing`, `FolderBusy`, or what a damaged room raises; then nothing was changed.
    """
    if not (folder / LEDGER).exists() or not (folder / MASTER_KEY).exists():
        raise FolderMissing(
            f"{folder} is not a data folder. Nothing was changed. `exchange init --dir {folder}` makes one."
        )
    with locked(folder), ExitStack() as opened:
        vault = Vault(read_master_key(folder / MASTER_KEY), clock)
        with readable(folder / OFFICE, OfficeDamaged):
            office = opened.enter_context(closing(open_office(folder / OFFICE)))
            trail = Trail(office, clock, folder / TRAIL_HEAD)
            keyring, operators = KeyRing(office, vault, clock), Operators(office, vault, clock)
        with readable(folder / LEDGER, LedgerDamaged):
            journal = opened.enter_context(closing(Journal(folder / LEDGER)))
            queries = opened.enter_context(closing(Queries(folder / LEDGER)))
            records = opened.enter_context(closing(Records(folder / LEDGER)))
            # of their own, so that long readings of candles keep no order's status waiting
            candles = opened.enter_context(closing(Queries(folder / LEDGER)))
            state, hub = restore(journal.connection), Hub()
            hub.restore(state, candles)
        sequencer = Sequencer(
            state,
            journal,
            clock,
            queue_limit=settings.queue_limit_commands,
            batch_limit=settings.batch_limit_commands,
        )
        sequencer.subscribe(hub.consume)
        service = Path(settings.signer_socket) if settings.signer_socket else None
        signer = opened.enter_context(open_signer(folder / SIGNER, service))
        with readable(folder / CUSTODY, CustodyDamaged):
            custody = opened.enter_context(open_custody(folder, settings, sequencer, clock, worlds))
        payments = open_payments(folder, settings, custody, sequencer, signer, clock)
        people = (keyring, operators, trail, Approvers(office, clock), PendingActs(office, clock))
        money = (signer, custody, payments)
        keeper = Keeper(folder, settings, clock)
        yield House(folder, settings, clock, sequencer, queries, records, hub, *people, *money, keeper)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the folder's lock, which the kernel drops when this process ends, however it ends."""
    handle = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            owner = os.pread(handle, 32, 0).decode(errors="replace").strip()
            raise FolderBusy(
                f"{folder} is in use by process {owner}. Nothing was changed. Ask it, or stop it."
            ) from error
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(handle)


@asynccontextmanager
async def offline(folder: Path, settings: Settings, clock: Clock) -> AsyncIterator[House]:
    """A house without doors, its sequencer running: for commands on a stopped server's folder."""
    with open_house(folder, settings, clock) as house:
        async with trio.open_nursery() as nursery:
            await nursery.start(house.sequencer.run)
            try:
                yield house
            finally:
                house.sequencer.close()


def dashboard_command(folder: Path) -> str:
    """What opens the dashboard on `folder`, by the name this program was called by: paste it, and it is found."""
    called = Path(sys.argv[0])
    return shlex.join([str(called) if called.name == "exchange" else "exchange", "tui", "--dir", str(folder)])
