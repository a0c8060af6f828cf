"""The queue, its limits and its end; what is published, and to whom."""

from __future__ import annotations

from pathlib import Path

import pytest
import trio
import trio.testing

from exchange.core import commands as co
from exchange.core.committed import Committed
from exchange.core.events import OrderAccepted, Traded
from exchange.core.market import MarketPhase
from exchange.core.orders import OrderStatus, Side
from exchange.core.rejects import Reject
from exchange.core.state import State
from exchange.core.units import MarketId, OrderId
from exchange.ledger.restore import restore
from exchange.sequencer import Sequencer
from tests.core.compare import fingerprint
from tests.core.world import ACCOUNTS
from tests.ledger.busy import Ticking, pour
from tests.sequencer.house import FIRST, Held, furnished, limit


async def test_a_full_queue_refuses_orders_first_and_cancels_last(tmp_path: Path) -> None:
    """Of 20 places the last two are not for orders; a refused command leaves no trace and readings find a place."""
    async with furnished(tmp_path, queue_limit=20) as house:
        taken = [house.ask(limit(Side.BUY, 99, client_id=f"n{number}")) for number in range(19)]
        assert taken == [True] * 18 + [False]
        cancel = co.CancelOrder(ACCOUNTS[0], FIRST, client_id="n0")
        assert [house.ask(cancel), house.ask(cancel), house.ask(cancel)] == [True, True, False]
        assert (await house.sequencer.call(cancel)).reject is Reject.QUEUE_FULL
        ids = await house.sequencer.read(lambda state: len(state.orders))
        assert ids <= 18
        assert len(house.answers) == 20


async def test_a_watched_account_is_reported_on_until_it_is_unwatched_as_often(tmp_path: Path) -> None:
    """Reports carry the order and the balances as they stood right after the event."""
    async with furnished(tmp_path) as house:
        commits: list[Committed] = []
        house.sequencer.subscribe(commits.append)
        house.sequencer.watch(ACCOUNTS[0])
        house.sequencer.watch(ACCOUNTS[0])
        await house.sequencer.call(limit(Side.BUY, 99))
        await house.sequencer.call(limit(Side.SELL, 99, who=1))
        house.sequencer.unwatch(ACCOUNTS[0])
        await house.sequencer.call(limit(Side.BUY, 98))
        house.sequencer.unwatch(ACCOUNTS[0])
        await house.sequencer.call(limit(Side.BUY, 97))
    reports = [list(commit.reports) for commit in commits]
    assert [[type(report.event) for report in part] for part in reports] == [
        [OrderAccepted],
        [Traded],
        [OrderAccepted],
        [],
    ]
    accepted, traded = reports[0][0], reports[1][0]
    assert {report.account for part in reports for report in part} == {ACCOUNTS[0]}
    assert accepted.order is not None
    assert accepted.order.status is OrderStatus.NEW
    assert accepted.balances == ((1, 3_000, 0), (2, 30_000 - 2_970, 2_970))
    assert traded.order is not None
    assert traded.order.status is OrderStatus.FILLED
    fee = 50 * 12_345 // 1_000_000
    assert traded.balances == ((1, 3_050 - fee, 0), (2, 30_000 - 2_970, 0))


async def test_events_are_published_in_order_and_without_gaps(tmp_path: Path) -> None:
    """Each commit begins right after the last one's end, whatever the size of the batches."""
    async with furnished(tmp_path) as house:
        commits: list[Committed] = []
        house.sequencer.subscribe(commits.append)
        first = house.sequencer.state.seq + 1
        await pour(house.sequencer, [limit(Side.BUY, 80 + n % 30, who=n % 4) for n in range(200)])
    for commit in commits:
        assert commit.first == first
        assert commit.last == commit.first + len(commit.events) - 1
        first = commit.last + 1


async def test_closing_drains_what_waits_and_takes_nothing_more(tmp_path: Path) -> None:
    """Whoever was queued is answered, and durably; later ones are refused at once."""
    journal = Held(tmp_path / "ledger.db")
    sequencer = Sequencer(State(), journal, Ticking(), queue_limit=100, batch_limit=2)
    told: list[object] = []
    async with trio.open_nursery() as nursery:
        await nursery.start(sequencer.run)
        for name in ("AAA", "BBB", "CCC", "DDD", "EEE"):
            assert sequencer.submit(co.ListAsset(name, 1), told.append)
        sequencer.close()
        assert not sequencer.submit(co.ListAsset("FFF", 1), told.append)
    assert len(told) == 5
    assert restore(journal.connection).seq == 5
    with pytest.raises(trio.ClosedResourceError):
        await sequencer.read(lambda state: None)
    assert (await sequencer.call(co.ListAsset("GGG", 1))).reject is Reject.QUEUE_FULL
    journal.close()


async def test_when_the_disk_runs_full_orders_are_refused_and_cancels_work(tmp_path: Path) -> None:
    """And orders again once there is room."""
    async with furnished(tmp_path) as house:
        call = house.sequencer.call
        placed = await call(limit(Side.BUY, 99))
        house.sequencer.storage_low = True
        cancel = co.CancelOrder(ACCOUNTS[0], FIRST, placed.orders[0].id)
        assert (await call(limit(Side.BUY, 98))).reject is Reject.STORAGE_LOW
        assert (await call(co.CancelReplace(cancel, limit(Side.BUY, 98)))).reject is Reject.STORAGE_LOW
        assert (await call(cancel)).reject is None
        house.sequencer.storage_low = False
        assert (await call(limit(Side.BUY, 98))).reject is None


async def test_commands_for_unknown_markets_are_refused(tmp_path: Path) -> None:
    """Of every kind that names one."""
    nowhere = MarketId(77)
    async with furnished(tmp_path) as house:
        cancel = co.CancelOrder(ACCOUNTS[0], nowhere, OrderId(1))
        order = limit(Side.BUY, 99, market=nowhere)
        asked: list[co.Command] = [order, cancel, co.CancelAll(ACCOUNTS[0], nowhere), co.CancelReplace(cancel, order)]
        asked += [co.SetMarketPhase(nowhere, MarketPhase.OPEN, ""), co.CancelReplace(cancel, order, True)]
        before = fingerprint(house.sequencer.state)
        for command in asked:
            assert (await house.sequencer.call(command)).reject is Reject.UNKNOWN_MARKET
        assert fingerprint(house.sequencer.state) == before
