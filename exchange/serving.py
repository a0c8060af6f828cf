"""A running house: its doors, its timers, its chains, and the pages for those who watch; from the start to the drain.

The sequencer and its ledger may not fail: whatever they raise ends the process. The doors are stopped first, so that
nothing is accepted that could not be answered.
"""

from __future__ import annotations

import shutil
import socket
from collections.abc import Awaitable, Callable, Mapping
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
from exchange.api.request_log import RequestLog
from exchange.api.rooms import Rooms
from exchange.api.unfilled import Unfilled, recall
from exchange.api.web import serve_main_door
from exchange.app import LEDGER, SOCKET, House
from exchange.core.units import Micros
from exchange.custody.desk import HOUR, Desk, Rules
from exchange.custody.proof.reconciling import open_reconciler
from exchange.listening import Listeners, listening, shown
from exchange.monitoring.figures import Watched
from exchange.monitoring.pages import Monitor
from exchange.monitoring.watchdog import ping
from exchange.office.upkeep import tend
from exchange.ops.door_counts import DoorCounts
from exchange.ops.listener import serve_pages
from exchange.ops.notify import notify, watchdog_seconds
from exchange.ops.pulse import Pulse
from exchange.settings import Settings
from exchange.timers import Timers

LINGER_SECONDS: Final = 2.0
"""Where the doors' sockets stay open without us, so long a connection may be idle before it is closed at a stop: its
next request is answered, with the word that it is the last, and not lost in the closing."""


class Doors(msgspec.Struct, frozen=True):
    """Where a running house can be reached."""

    http: str
    fast: str
    ws: str
    admin: str
    ops: str


async def serve(
    house: House,
    stop: trio.Event,
    ready: Callable[[Doors], None],
    inherited: Mapping[str, socket.socket] | None = None,
) -> None:
    """Open all doors, call `ready`, and serve until `stop` is set; then stop accepting, drain, commit and return.

    What is still open `shutdown_limit_seconds` later is cut off; everything acknowledged is on disk either way. The
    doors' sockets may be `inherited`, by name, from whoever keeps them open for the next process too.
    """
    watchdog = watchdog_seconds()
    counts, pulse = DoorCounts(), Pulse()
    monitor = Monitor(Watched(house, counts, pulse, house.clock.now()))
    with listening(house.settings, dict(inherited or {})) as listeners:
        pages = trio.SocketListener(trio.socket.from_stdlib_socket(listeners.ops))
        async with trio.open_nursery() as watching:
            await watching.start(serve_pages, monitor.pages, pages)
            watching.start_soon(pulse.run)
            async with trio.open_nursery() as outer:
                await outer.start(house.sequencer.run)
                await _serve(house, stop, ready, listeners, monitor, counts, watchdog)
                house.sequencer.close()
            watching.cancel_scope.cancel()


async def _serve(
    house: House,
    stop: trio.Event,
    ready: Callable[[Doors], None],
    listeners: Listeners,
    monitor: Monitor,
    counts: DoorCounts,
    watchdog: float | None,
) -> None:
    """Everything but sequencer and pages, until it is over."""
    settings = house.settings
    tls = tls_context(settings, house.folder)
    rooms = rooms_of(house, counts)
    timers = Timers(house.sequencer, house.clock)
    await timers.catch_up()
    await house.payments.recover()
    reconciler = open_reconciler(house.folder / LEDGER, house.custody, house.sequencer, house.clock)
    linger = min(LINGER_SECONDS, settings.shutdown_limit_seconds / 2) if listeners.kept else 0.0
    doors_stop = trio.Event()
    told = _addresses(settings, listeners, house.folder)
    async with trio.open_nursery() as doors:
        money = (timers.run, house.custody.run, house.payments.run, reconciler.run)
        for work in (*money, partial(tend, house.keyring), house.keeper.run):
            doors.start_soon(_until, doors_stop, work)
        doors.start_soon(_watch_disk, house, doors_stop)
        if watchdog is not None:
            doors.start_soon(_until, doors_stop, partial(ping, house.sequencer, watchdog))
        main, fast = [listeners.main], [listeners.fast]
        await doors.start(partial(serve_main_door, rooms, main, stop=doors_stop, tls=tls, linger=linger))
        await doors.start(partial(serve_fast_door, rooms, fast, stop=doors_stop, tls=tls, linger=linger))
        await doors.start(partial(serve_admin, house, house.folder / SOCKET, stop=doors_stop))
        monitor.opened = True
        ready(told)
        notify(f"READY=1\nSTATUS=main door {told.http}, fast door {told.fast}, metrics {told.ops}/metrics")
        await stop.wait()
        notify("STOPPING=1\nSTATUS=answering what was begun")
        monitor.opened = False
        doors_stop.set()
        doors.cancel_scope.deadline = trio.current_time() + settings.shutdown_limit_seconds


def rooms_of(house: House, counts: DoorCounts | None = None) -> Rooms:
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
        requests=RequestLog(counts, settings.slow_request_milliseconds * 1_000),
    )


def _desk(house: House) -> Desk:
    """Custody's front, by the rules that the settings give."""
    settings, custody = house.settings, house.custody
    rules = Rules(
        allow_list=settings.withdrawal_allow_list,
        address_wait=Micros(settings.new_address_wait_hours * HOUR),
        key_wait=Micros(settings.new_key_wait_hours * HOUR),
    )
    explorers = {name: chain.explorer_url for name, chain in settings.chains.items() if chain.explorer_url}
    paying = (house.sequencer, custody.lines, house.payments.withdrawals, house.clock)
    return Desk(custody.store, *paying, rules, explorers)


def _addresses(settings: Settings, listeners: Listeners, folder: Path) -> Doors:
    secure = "s" if settings.tls_certificate else ""
    main, fast, ops = (_place(one) for one in (listeners.main, listeners.fast, listeners.ops))
    return Doors(
        f"http{secure}://{main}",
        f"http{secure}://{fast}",
        f"ws{secure}://{fast}",
        str(folder.resolve() / SOCKET),
        f"http://{ops}",
    )


def _place(listener: socket.socket) -> str:
    host, port, *_ = listener.getsockname()
    return f"{shown(host)}:{port}"


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
