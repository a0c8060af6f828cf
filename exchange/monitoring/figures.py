"""The figures of a running house, gathered when somebody asks; nothing here is counted on an order's way."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

import trio

from exchange.core.market import MarketPhase
from exchange.core.state import State
from exchange.core.transfers import WithdrawalState
from exchange.custody.deposits import chain_rows
from exchange.custody.payouts import withdrawal_rows
from exchange.custody.proof import reconcile_rows
from exchange.custody.status import Following
from exchange.monitoring.house import House
from exchange.monitoring.metrics import Exposition
from exchange.monitoring.readiness import ANSWER_SECONDS, Ready
from exchange.ops import clock_sync
from exchange.ops.door_counts import DoorCounts
from exchange.ops.pulse import Pulse

T = TypeVar("T")
_MICRO: Final = 1_000_000
_QUANTILES: Final = {"0.5": 50, "0.99": 99}
_WAL: Final = "ledger.db-wal"


@dataclass(frozen=True, slots=True)
class Watched:
    """Where the figures come from."""

    house: House
    doors: DoorCounts
    pulse: Pulse
    started: int


async def figures(watched: Watched, ready: Ready) -> Exposition:
    """All of them, as of now."""
    told = Exposition()
    _standing(told, watched, ready)
    _sequencer(told, watched.house)
    await _ledger(told, watched.house)
    await _storage(told, watched.house.folder)
    _backups(told, watched.house)
    _doors(told, watched.doors)
    told.times(
        "loop_lag_seconds", "By how much the loop came late, looked at four times a second.", watched.pulse.late_us
    )
    await _money(told, watched.house)
    return told


def _standing(told: Exposition, watched: Watched, ready: Ready) -> None:
    told.gauge("ready", "1 while orders can be taken; /ready says what is missing.", ready.ready)
    checks = {name: float(said == "ok") for name, said in ready.checks.items()}
    told.gauges("check_ok", "1 for each check of /ready that is well.", "check", checks)
    told.gauge("start_time_seconds", "When this process opened its folder.", watched.started / _MICRO)
    synchronised = clock_sync.synchronised()
    if synchronised is not None:
        told.gauge("clock_synchronised", "1 while the kernel says that its clock is kept by NTP.", synchronised)


def _sequencer(told: Exposition, house: House) -> None:
    sequencer, stats = house.sequencer, house.sequencer.stats
    told.count("acknowledgements", "Commands and readings answered, refusals too.", stats.answers)
    told.count("commits", "Batches that became durable.", stats.commits)
    told.times("commit_latency_seconds", "From the writer's getting a batch to its being on disk.", stats.commit_us)
    told.histogram("batch_size", "Commands and readings answered by one commit.", stats.batches)
    delays = {quantile: (stats.percentile(share) or 0) / _MICRO for quantile, share in _QUANTILES.items()}
    about = "From arrival to answer, of the newest 4,096."
    told.gauges("acknowledgement_latency_seconds", about, "quantile", delays)
    told.gauge("queue_depth", "Commands and readings that wait to be decided.", sequencer.waiting)
    told.gauge("queue_limit", "So many may wait.", house.settings.queue_limit_commands)
    told.gauge("last_commit_time_seconds", "When the newest batch became durable.", stats.last_commit / _MICRO)
    told.count("quarantines", "Times that deciding failed and a market was stopped for it.", stats.quarantines)
    told.gauge("storage_low", "1 while orders are refused for want of disk space.", sequencer.storage_low)


async def _ledger(told: Exposition, house: House) -> None:
    """What only the sequencer may look at; left out while it does not answer, which `check_ok` tells."""
    counted = await _looked(house, _counted)
    if counted is None:
        return
    events, orders, resting, accounts, phases = counted
    told.count("events", "Events of the journal.", events)
    told.count("orders", "Orders that were accepted, since the ledger was made.", orders)
    told.gauge("open_orders", "Orders that are open.", resting)
    told.gauge("accounts", "Accounts.", accounts)
    by_phase = {phase.name.lower(): float(phases[phase]) for phase in MarketPhase}
    told.gauges("markets", "Markets by phase.", "phase", by_phase)


async def _looked(house: House, look: Callable[[State], T]) -> T | None:
    """What `look` sees; None where the sequencer does not answer in time, or no more."""
    try:
        with trio.fail_after(ANSWER_SECONDS):
            return await house.sequencer.read(look)
    except (trio.TooSlowError, trio.ClosedResourceError):
        return None


def _counted(state: State) -> tuple[int, int, int, int, Counter[MarketPhase]]:
    phases = Counter(book.phase for book in state.books.values())
    return state.seq, state.next_order - 1, len(state.orders), len(state.accounts), phases


async def _storage(told: Exposition, folder: Path) -> None:
    free, total, wal = await trio.to_thread.run_sync(_measured, folder)
    told.gauge("disk_free_bytes", "Free space of the data folder's file system.", free)
    told.gauge("disk_size_bytes", "Its size.", total)
    told.gauge("wal_bytes", "Size of the ledger's write-ahead log.", wal)


def _backups(told: Exposition, house: House) -> None:
    """As the schedule saw them at its last look."""
    standing = house.keeper.standing
    newest = standing.listing.newest if standing is not None else None
    made = newest.made / _MICRO if newest is not None else 0
    told.gauge("backup_time_seconds", "When the newest full backup was made; 0: never.", made)
    saved = standing.saved / _MICRO if standing is not None else 0
    told.gauge("journal_saved_time_seconds", "Until when the journal is in a backup or segment; 0: never.", saved)
    good = standing.last_good if standing is not None else None
    drilled = good.time / _MICRO if good is not None else 0
    told.gauge("drill_time_seconds", "When a backup was last restored and found equal; 0: never.", drilled)
    alarms = len(standing.alarms) if standing is not None else 0
    told.gauge("backup_alarms", "Sentences that the dashboard has about backups.", alarms)


def _measured(folder: Path) -> tuple[int, int, int]:
    usage = shutil.disk_usage(folder)
    try:
        wal = (folder / _WAL).stat().st_size
    except FileNotFoundError:
        wal = 0
    return usage.free, usage.total, wal


def _doors(told: Exposition, doors: DoorCounts) -> None:
    refused = {str(code): float(count) for code, count in sorted(doors.refused.items())}
    told.counts("refusals", "Requests refused, by the dialect's code.", "code", refused)
    told.count("failures", "Requests that met a bug of ours.", doors.failed)
    told.count("slow_requests", "Requests that took longer than slow_request_milliseconds.", doors.slow)
    sockets = {door: float(count()) for door, count in doors.sockets.items()}
    told.gauges("open_sockets", "Connections at each door.", "door", sockets)
    readers = {kind: float(count()) for kind, count in doors.readers.items()}
    told.gauges("websockets", "WebSockets, of streams and of the WebSocket API.", "kind", readers)


async def _money(told: Exposition, house: House) -> None:
    """Chains, payouts, reserves: from custody.db, by the names that the settings give."""
    lines, db = house.custody.lines, house.custody.store.reader
    statuses = [line.status for line in lines.values()]
    told.gauges("chain_height", "The newest block that was read.", "chain", {s.name: s.height for s in statuses})
    told.gauges("chain_tip", "The newest block that the node has.", "chain", {s.name: s.tip for s in statuses})
    told.gauges("chain_lag_blocks", "Blocks not read yet.", "chain", {s.name: s.tip - s.height for s in statuses})
    following = {(s.name, one.value): float(s.following is one) for s in statuses for one in Following}
    told.grid("chain_state", "1 for what the chain's watcher is doing.", ("chain", "state"), following)
    alarms = {name: float(sum(1 for _ in chain_rows.alarms(db, name))) for name in lines}
    told.gauges("chain_alarms", "Open alarms of the chain (at most 100).", "chain", alarms)
    stopped = {name: float(withdrawal_rows.stop_of(db, name) is not None) for name in lines}
    told.gauges("payouts_stopped", "1 while nothing is paid on the chain.", "chain", stopped)
    alive = withdrawal_rows.alive(db)
    states = [state for state in WithdrawalState if state < WithdrawalState.FINAL]
    counts = {state.name.lower(): float(alive.get(int(state), 0)) for state in states}
    told.gauges("withdrawals", "Withdrawals under way, by state.", "state", counts)
    await _reserves(told, house)


async def _reserves(told: Exposition, house: House) -> None:
    assets = await _looked(house, lambda state: {one.id: one.code for one in state.assets.values()}) or {}
    newest = reconcile_rows.newest(house.custody.store.reader)
    named = [(assets[row.asset], row.chain, row) for row in newest if row.asset in assets]
    differs = {(asset, chain): float(bool(row.verdict)) for asset, chain, row in named}
    about = "1 where node, books and ledger did not agree at the last comparison."
    told.grid("reserves_mismatch", about, ("asset", "chain"), differs)
    times = {(asset, chain): row.time / _MICRO for asset, chain, row in named}
    told.grid("reserves_compared_time_seconds", "When they were compared last.", ("asset", "chain"), times)
