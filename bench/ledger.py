"""Core and ledger together, durable: commands decided, frozen and committed in batches, as the sequencer does it.

Every batch is one transaction with `synchronous=FULL`. Then the file is verified and restored.
"""

from __future__ import annotations

import gc
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bench import workload
from bench.core import commands, furnish
from bench.figures import Figure
from exchange.core.committed import take_levels
from exchange.core.performing import perform
from exchange.core.units import Micros
from exchange.ledger.journal import Journal
from exchange.ledger.reconcile import verify
from exchange.ledger.restore import restore
from exchange.ledger.rows import Frozen, freeze

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bench.workload import Operation
    from exchange.core.state import State

SIZE: Final = 200_000
BATCHES: Final = (100, 500)
OPEN_ORDERS: Final = 100_000


def measure(scale: float) -> Iterator[Figure]:
    """Orders per processor second at two batch sizes, the ledger's share, verify, and a start with many open orders."""
    operations = workload.make(max(1_000, int(SIZE * scale))).operations
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for batch in BATCHES:
            whole, ledger = durable(folder / f"{batch}.db", operations, batch)
            yield Figure(f"durable, batches of {batch}", len(operations) / whole, "/cpu-s", 40_000)
            yield Figure(f"of that, the ledger alone (batches of {batch})", ledger / whole * 100, "%")
        begun = time.process_time()
        events = verify(folder / f"{BATCHES[0]}.db", lambda _done, _total: None).events
        yield Figure("verify", events / (time.process_time() - begun), "events/s", 50_000)
        yield from restart(folder / "open.db", int(OPEN_ORDERS * scale))


def durable(path: Path, operations: Sequence[Operation], size: int) -> tuple[float, float]:
    """Processor seconds for the operations through core and ledger, and how many of them the ledger took."""
    journal = Journal(path)
    state = restore(journal.connection)
    furnish(state)
    journal.commit(_freeze(state, 0))
    gc.collect()
    gc.freeze()
    spent = writing = 0.0
    for start in range(0, len(operations), size):
        batch = commands(operations[start : start + size])
        now = Micros(start + 1)
        begun = time.process_time()
        for command in batch:
            perform(state, now, command)
        frozen = _freeze(state, now)
        decided = time.process_time()
        journal.commit(frozen)
        done = time.process_time()
        spent += done - begun
        writing += done - decided
    journal.close()
    gc.unfreeze()
    return spent, writing


def _freeze(state: State, now: int) -> Frozen:
    levels = take_levels(state)
    frozen = freeze(state.take_changes(), state, Micros(now), levels)
    assert frozen is not None
    return frozen


_START: Final = """
import sys, time
begun = time.perf_counter()
from pathlib import Path
from exchange.ledger.journal import Journal
from exchange.ledger.queries import Queries
from exchange.ledger.restore import restore
from exchange.market_data.hub import Hub
path = Path(sys.argv[1])
state = restore(Journal(path).connection)
Hub().restore(state, Queries(path))
most = next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1]
print(len(state.orders), time.perf_counter() - begun, most)
"""


def restart(path: Path, orders: int) -> Iterator[Figure]:
    """A fresh process reads a ledger with that many open orders and rebuilds books and market data."""
    operations = [one for one in workload.make(orders * 2).operations if one.kind == workload.ADD][:orders]
    renumbered = [one._replace(order=type(one.order)(number)) for number, one in enumerate(operations, 1)]
    durable(path, renumbered, 1_000)
    start = [sys.executable, "-c", _START, str(path)]
    done = subprocess.run(start, capture_output=True, text=True, check=True)  # our own interpreter
    count, seconds, kib = done.stdout.split()
    yield Figure("open orders at the restart", int(count), "")
    yield Figure("restart, imports included", float(seconds), "s", 3, at_most=True)
    yield Figure("memory then", int(kib) / 1024, "MiB", 300, at_most=True)
