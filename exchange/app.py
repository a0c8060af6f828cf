"""The composition root: opens every room of a data folder, connects them, and decides who may fall.

A data folder belongs to one process at a time (`lock`). The sequencer and its ledger may not fail: whatever they raise
ends the process. The doors are stopped first, so that nothing is accepted that could not be answered.
"""

from __future__ import annotations

import fcntl
import os
import shlex
import shutil
import socket
import ssl
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager, closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import msgspec
import trio

from exchange.admin.server import serve_admin
from exchange.api.catalogue import Catalogue
from exchange.api.door_tls import tls_context
from exchange.api.gateway import serve_fast_door
from exchange.api.limits import limits_of, start_of_day
from exchange.api.listen_keys import ListenKeys
from exchange.api.rooms import Rooms
from exchange.api.unfilled import Unfilled, recall
from exchange.api.web import serve_main_door
from exchange.clock import Clock
from exchange.core.units import Micros
from exchange.custody.custody import SIGNER, Custody, open_custody
from exchange.custody.desk import HOUR, Desk, Rules
from exchange.custody.memory.world import MemoryWorld
from exchange.custody.payouts.payments import Payments, open_payments
from exchange.custody.proof.reconciling import open_reconciler
from exchange.custody.signer.client import SignerClient, open_signer
from exchange.ledger.journal import Journal
from exchange.ledger.queries import Queries
from exchange.ledger.records import Records
from exchange.ledger.restore import restore
from exchange.market_data.hub import Hub
from exchange.office.approvers import Approvers
from exchange.office.db import open_office
from exchange.office.keys import KeyRing
from exchange.office.operators import Operators
from exchange.office.trail import Trail
from exchange.office.upkeep import tend
from exchange.office.vault import Vault, create_master_key, read_master_key
from exchange.sequencer import Sequencer
from exchange.settings import DEFAULT_FILE, Settings, example
from exchange.timers import Timers

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
    signer: SignerClient
    custody: Custody
    payments: Payments


class Doors(msgspec.Struct, frozen=True):
    """Where a running house can be reached."""

    http: str
    fast: str
    ws: str
    admin: str


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
    with _locked(folder), ExitStack() as opened:
        vault = Vault(read_master_key(folder / MASTER_KEY), clock)
        office = opened.enter_context(closing(open_office(folder / OFFICE)))
        journal = opened.enter_context(closing(Journal(folder / LEDGER)))
        queries = opened.enter_context(closing(Queries(folder / LEDGER)))
        records = opened.enter_context(closing(Records(folder / LEDGER)))
        state = restore(journal.connection)
        sequencer = Sequencer(
            state,
            journal,
            clock,
            queue_limit=settings.queue_limit_commands,
            batch_limit=settings.batch_limit_commands,
        )
        hub = Hub()
        # of their own, so that long readings of candles keep no order's status waiting
        candles = opened.enter_context(closing(Queries(folder / LEDGER)))
        hub.restore(state, candles)
        sequencer.subscribe(hub.consume)
        trail = Trail(office, clock, folder / TRAIL_HEAD)
        keyring = KeyRing(office, vault, clock)
        operators = Operators(office, vault, clock)
        signer = opened.enter_context(open_signer(folder / SIGNER))
        custody = opened.enter_context(open_custody(folder, settings, sequencer, clock, worlds))
        payments = open_payments(folder, settings, custody, sequencer, signer, clock)
        people = (keyring, operators, trail, Approvers(office, clock))
        yield House(folder, settings, clock, sequencer, queries, records, hub, *people, signer, custody, payments)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
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


async def serve(house: House, stop: trio.Event, ready: Callable[[Doors], None]) -> None:
    """Open all doors, call `ready`, and serve until `stop` is set; then stop accepting, drain, commit and return.

    What is still open `shutdown_limit_seconds` later is cut off; everything acknowledged is on disk either way.
    """
    settings = house.settings
    tls = tls_context(settings, house.folder)
    main = await _listen(settings.host, settings.http_port)
    try:
        fast = await _listen(settings.host, settings.fast_port)
    except OSError:
        main.close()
        raise
    rooms = _rooms(house)
    doors_stop = trio.Event()
    async with trio.open_nursery() as outer:
        await outer.start(house.sequencer.run)
        timers = Timers(house.sequencer, house.clock)
        await timers.catch_up()
        await house.payments.recover()
        async with trio.open_nursery() as doors:
            doors.start_soon(_until, doors_stop, timers.run)
            doors.start_soon(_until, doors_stop, house.custody.run)
            doors.start_soon(_until, doors_stop, house.payments.run)
            reconciler = open_reconciler(house.folder / LEDGER, house.custody, house.sequencer, house.clock)
            doors.start_soon(_until, doors_stop, reconciler.run)
            doors.start_soon(_watch_disk, house, doors_stop)
            doors.start_soon(_until, doors_stop, partial(tend, house.keyring))
            main_port, fast_port = main.getsockname()[1], fast.getsockname()[1]
            await doors.start(_start_main, rooms, main, doors_stop, tls)
            await doors.start(_start_fast, rooms, fast, doors_stop, tls)
            await doors.start(_start_admin, house, doors_stop)
            ready(_addresses(settings, main_port, fast_port, house.folder))
            await stop.wait()
            doors_stop.set()
            doors.cancel_scope.deadline = trio.current_time() + settings.shutdown_limit_seconds
        house.sequencer.close()


async def _start_main(
    rooms: Rooms,
    listener: socket.socket,
    stop: trio.Event,
    tls: ssl.SSLContext | None,
    *,
    task_status: trio.TaskStatus[None],
) -> None:
    await serve_main_door(rooms, [listener], stop=stop, tls=tls, task_status=task_status)


async def _start_fast(
    rooms: Rooms,
    listener: socket.socket,
    stop: trio.Event,
    tls: ssl.SSLContext | None,
    *,
    task_status: trio.TaskStatus[None],
) -> None:
    await serve_fast_door(rooms, [listener], stop=stop, tls=tls, task_status=task_status)


async def _start_admin(house: House, stop: trio.Event, *, task_status: trio.TaskStatus[None]) -> None:
    await serve_admin(house, house.folder / SOCKET, stop=stop, task_status=task_status)


def _rooms(house: House) -> Rooms:
    """What the doors may know of the house."""
    settings = house.settings
    catalogue = Catalogue()
    catalogue.restore(house.sequencer.state.assets.values(), house.sequencer.state.books)
    house.sequencer.subscribe(catalogue.consume)
    limits = limits_of(settings)
    if settings.weight_limit_per_minute:
        now = house.clock.now()
        recall(limits, house.queries.deeds_since(house.sequencer.state.books, start_of_day(now)), now)
        house.sequencer.subscribe(Unfilled(limits, house.sequencer.state.orders.values()).consume)
    return Rooms(
        sequencer=house.sequencer,
        queries=house.queries,
        records=house.records,
        hub=house.hub,
        keyring=house.keyring,
        clock=house.clock,
        limits=limits,
        catalogue=catalogue,
        listen_keys=ListenKeys(house.clock, house.keyring),
        settings=settings,
        desk=_desk(house),
    )


def _desk(house: House) -> Desk:
    """Custody's front, by the rules that the settings give."""
    settings, custody = house.settings, house.custody
    rules = Rules(
        allow_list=settings.withdrawal_allow_list,
        address_wait=Micros(settings.new_address_wait_hours * HOUR),
        key_wait=Micros(settings.new_key_wait_hours * HOUR),
    )
    return Desk(custody.store, house.sequencer, custody.lines, house.payments.withdrawals, house.clock, rules)


def _addresses(settings: Settings, main_port: int, fast_port: int, folder: Path) -> Doors:
    host, secure = _shown(settings.host), "s" if settings.tls_certificate else ""
    fast = f"{host}:{fast_port}"
    return Doors(
        f"http{secure}://{host}:{main_port}",
        f"http{secure}://{fast}",
        f"ws{secure}://{fast}",
        str(folder.resolve() / SOCKET),
    )


def _shown(host: str) -> str:
    """The host as a URL writes it."""
    return f"[{host}]" if ":" in host else host


def dashboard_command(folder: Path) -> str:
    """What opens the dashboard on `folder`, by the name this program was called by: paste it, and it is found."""
    called = Path(sys.argv[0])
    return shlex.join([str(called) if called.name == "exchange" else "exchange", "tui", "--dir", str(folder)])


async def _listen(host: str, port: int) -> socket.socket:
    """A bound, listening, non-blocking socket. Raises `OSError` with the address in its words."""
    try:
        listeners = await trio.open_tcp_listeners(port, host=host, backlog=1_024)
    except OSError as error:
        said = f"nothing can listen on {_shown(host)}:{port}: {error.strerror or error}. Nothing was started."
        raise OSError(said) from error
    for extra in listeners[1:]:
        await extra.aclose()
    duplicate = socket.socket(fileno=os.dup(listeners[0].socket.fileno()))
    await listeners[0].aclose()
    duplicate.setblocking(False)
    return duplicate


async def _until(stop: trio.Event, run: Callable[[], Awaitable[None]]) -> None:
    """Let something run that never ends by itself."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(run)
        await stop.wait()
        nursery.cancel_scope.cancel()


async def _watch_disk(house: House, stop: trio.Event) -> None:
    """Tell the sequencer when the disk runs full, and when there is room again; look once a second."""
    reserve = house.settings.free_disk_reserve_mib << 20
    while not stop.is_set():
        free = await trio.to_thread.run_sync(lambda: shutil.disk_usage(house.folder).free)
        house.sequencer.storage_low = free < reserve
        with trio.move_on_after(1):
            await stop.wait()
