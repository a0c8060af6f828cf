"""R11: the drill of a large ledger. By night it is grown to 1 GiB (`RESTORE_MIB`), and told how long that takes."""

from __future__ import annotations

import os
import random
import resource
import sys
import time
from pathlib import Path

import pytest
import trio

from exchange.app import init_folder, offline
from exchange.backup.key import create_backup_key
from exchange.clock import SystemClock
from exchange.core import commands as co
from exchange.core.market import Market, MarketPhase
from exchange.core.orders import OrderType, Side
from exchange.core.units import AccountId, Amount, Price, Quantity
from exchange.furnish import list_presets, read_presets
from exchange.ledger.fingerprint import read_fingerprint
from exchange.sequencer import Sequencer
from exchange.settings import Settings
from tests.backup.furnished import verified
from tests.ledger.busy import pour

pytestmark = pytest.mark.nightly

MIB = int(os.environ.get("RESTORE_MIB", "1024"))
TRADERS = 200
ROUND = 2_000
OPEN_ORDERS = 20_000
"""Once there are so many, everybody cancels all of his."""
MOST_MEMORY_MIB = 300


async def furnish(sequencer: Sequencer) -> tuple[Market, list[AccountId]]:
    """The presets' markets open, and people with more money than they can spend."""
    await list_presets(sequencer, read_presets(Path(__file__).parents[2] / "config" / "markets.toml"))
    market = sequencer.state.books[sequencer.state.symbols["BTCUSDT"]].rules
    assert (await sequencer.call(co.SetMarketPhase(market.id, MarketPhase.OPEN, "to trade"))).reject is None
    await pour(sequencer, [co.OpenAccount(f"trader{number}") for number in range(TRADERS)])
    traders = [number for number in sequencer.state.accounts if number >= 100]
    money = [(trader, asset) for trader in traders for asset in (market.base, market.quote)]
    await pour(sequencer, [co.Credit(*who, Amount(10**16), f"{who}") for who in money])
    return market, traders


async def grow(folder: Path, size: int) -> None:
    """Trade until the ledger has so many bytes."""
    dice, ledger = random.Random(11), folder / "ledger.db"
    async with offline(folder, Settings(demo=True), SystemClock()) as house:
        market, traders = await furnish(house.sequencer)
        while (await trio.Path(ledger).stat()).st_size < size:
            orders: list[co.Command] = [
                co.PlaceOrder(
                    dice.choice(traders),
                    market.id,
                    dice.choice([Side.BUY, Side.SELL]),
                    OrderType.LIMIT,
                    Quantity(dice.randint(100, 5_000)),
                    price=Price(market.reference + dice.randint(-300, 300)),
                )
                for _ in range(ROUND)
            ]
            outcomes = await pour(house.sequencer, orders)
            assert any(outcome.reject is None for outcome in outcomes)
            if len(house.sequencer.state.orders) > OPEN_ORDERS:
                await pour(house.sequencer, [co.CancelAll(trader, market.id) for trader in traders])


async def exchange(*argv: str) -> str:
    """Run a command; how long it took, in words. It must succeed."""
    begun = time.monotonic()
    done = await trio.run_process([sys.executable, "-m", "exchange", *argv], capture_stderr=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return f"{argv[0]}: {(time.monotonic() - begun) / 60:.1f} min"


async def test_a_large_ledger_is_restored_with_equal_books_and_sums(tmp_path: Path) -> None:
    """In memory that does not grow with it, but for the replay's own."""
    folder, backups, key = tmp_path / "data", tmp_path / "backups", tmp_path / "key"
    create_backup_key(key, SystemClock())
    init_folder(folder, SystemClock())
    await grow(folder, MIB << 20)
    before = read_fingerprint(folder / "ledger.db")
    took = [await exchange("backup", "--dir", str(folder), "--to", str(backups), "--key-file", str(key))]
    copying = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss >> 10
    [backup] = backups.iterdir()
    new = tmp_path / "new"
    took.append(await exchange("restore", "--from", str(backup), "--key-file", str(key), "--dir", str(new)))
    most = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss >> 10
    after = read_fingerprint(new / "ledger.db")
    print(f"R11: {MIB} MiB, {before.seq:,} events; {'; '.join(took)}; backup {copying} MiB, restore {most} MiB at most")
    assert (after.books, after.sums, after.seq) == (before.books, before.sums, before.seq + 1)
    assert verified(new).events == after.seq
    assert copying < MOST_MEMORY_MIB
