"""The single writer: nothing is said before it is durable, in order; whoever fails falls alone or with everything."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing

from exchange.core import commands as co
from exchange.core import deciding, evolving
from exchange.core.committed import Committed
from exchange.core.events import Event, MarketPhaseSet, OrderAccepted, Traded
from exchange.core.market import MarketPhase
from exchange.core.orders import OrderStatus, OrderType, Side
from exchange.core.performing import Outcome
from exchange.core.rejects import Reject
from exchange.core.state import State
from exchange.core.units import MarketId, Micros, OrderId, Price, Quantity
from exchange.ledger.journal import Journal
from exchange.ledger.restore import restore
from exchange.ledger.rows import Frozen
from exchange.sequencer import Sequencer
from tests.core.compare import fingerprint
from tests.core.world import ACCOUNTS, furnishing
from tests.ledger.busy import Ticking, pour, sequencing

FIRST, SECOND = MarketId(1), MarketId(2)


class Held(Journal):
    """A real journal whose commits wait, in their thread, until they are let through; or fail."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.gate = threading.Semaphore(10**9)
        self.committed: list[int] = []
        self.failure: Exception | None = None

    def hold(self) -> None:
        """From here on no commit gets through by itself."""
        self.gate = threading.Semaphore(0)

    def commit(self, frozen: Frozen) -> None:
        gate = self.gate
        gate.acquire()
        if self.failure is not None:
            raise self.failure
        super().commit(frozen)
        self.committed.append(frozen.committed.last)


class House:
    """A running sequencer on a held journal, furnished."""

    def __init__(self, sequencer: Sequencer, journal: Held) -> None:
        self.sequencer = sequencer
        self.journal = journal
        self.answers: list[object] = []

    def ask(self, command: co.Command, name: object = None) -> bool:
        """Submit; `answers` gets the name, or the outcome."""
        return self.sequencer.submit(command, lambda outcome: self.answers.append(name or outcome))


@asynccontextmanager
async def furnished(path: Path, queue_limit: int = 1_000, clock: Ticking | None = None) -> AsyncIterator[House]:
    journal = Held(path / "ledger.db")
    clock = clock or Ticking()
    sequencer = Sequencer(restore(journal.connection), journal, clock, queue_limit=queue_limit, batch_limit=50)
    try:
        async with trio.open_nursery() as nursery:
            await nursery.start(sequencer.run)
            for command in furnishing():
                assert (await sequencer.call(command)).reject is None
            try:
                yield House(sequencer, journal)
            finally:
                journal.gate.release(10**6)
                sequencer.close()
    finally:
        journal.close()


def limit(side: Side, price: int, lots: int = 10, who: int = 0, market: MarketId = FIRST, **more: Any) -> co.PlaceOrder:
    return co.PlaceOrder(ACCOUNTS[who], market, side, OrderType.LIMIT, Quantity(lots), Price(price), **more)


async def settle() -> None:
    """Let every task run that can."""
    await trio.testing.wait_all_tasks_blocked()


async def test_nothing_is_answered_or_published_before_its_commit_returned(tmp_path: Path) -> None:
    """Not the order, nor the refusal and the reading that were decided beside it."""
    async with furnished(tmp_path) as house:
        published: list[Committed] = []
        house.sequencer.subscribe(published.append)
        house.journal.hold()
        house.ask(limit(Side.BUY, 99))
        house.ask(limit(Side.BUY, 0))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(read_into, house, lambda state: len(state.orders))
            await settle()
            assert (house.answers, published) == ([], [])
            house.journal.gate.release(2)
        assert len(published) == 1
        assert [type(answer) for answer in house.answers] == [Outcome, Outcome, int]


async def read_into(house: House, look: Any) -> None:
    house.answers.append(await house.sequencer.read(look))


async def test_one_batch_is_decided_while_another_is_written_and_never_two(tmp_path: Path) -> None:
    """All that comes meanwhile waits for one second commit."""
    async with furnished(tmp_path) as house:
        house.journal.hold()
        before = len(house.journal.committed)
        for price in range(90, 95):
            house.ask(limit(Side.BUY, price, 60 - price // 2), price)
            await settle()
        assert house.answers == []
        house.journal.gate.release()
        while len(house.answers) < 1:
            await trio.lowlevel.checkpoint()
        await settle()
        assert house.answers == [90]
        house.journal.gate.release()
        while len(house.answers) < 5:
            await trio.lowlevel.checkpoint()
        assert len(house.journal.committed) == before + 2


async def test_replies_come_in_the_order_of_the_commands(tmp_path: Path) -> None:
    """Accepted, refused and read alike, over many batches."""
    async with furnished(tmp_path) as house:
        for number in range(1, 301):
            house.ask(limit(Side.BUY, 0 if number % 3 else 99, who=number % 4), number)
        await house.sequencer.read(lambda state: None)
        assert house.answers == list(range(1, 301))


async def test_a_refusal_waits_for_the_state_that_it_was_decided_on(tmp_path: Path) -> None:
    """A duplicate client id is refused only once the order that has it is on the disk."""
    async with furnished(tmp_path) as house:
        house.journal.hold()
        house.ask(limit(Side.BUY, 99, client_id="mine"))
        await settle()
        house.ask(limit(Side.BUY, 98, client_id="mine"))
        await settle()
        assert house.answers == []
        house.journal.gate.release(2)
        await house.sequencer.read(lambda state: None)
        first, second = house.answers
        assert isinstance(first, Outcome)
        assert isinstance(second, Outcome)
        assert (first.reject, second.reject) == (None, Reject.DUPLICATE_CLIENT_ID)


async def test_a_commit_that_fails_answers_nobody_and_ends_the_sequencer(tmp_path: Path) -> None:
    """Neither its own batch nor the next, and nothing of either is published."""
    journal = Held(tmp_path / "ledger.db")
    sequencer = Sequencer(State(), journal, Ticking(), queue_limit=100, batch_limit=10)
    told: list[object] = []
    sequencer.subscribe(told.append)
    journal.hold()
    journal.failure = OSError("the disk is gone")
    with pytest.RaisesGroup(pytest.RaisesGroup(pytest.RaisesExc(OSError, match="the disk is gone"))):
        async with trio.open_nursery() as nursery:
            await nursery.start(sequencer.run)
            sequencer.submit(co.ListAsset("AAA", 1), told.append)
            await settle()
            sequencer.submit(co.ListAsset("BBB", 1), told.append)
            await settle()
            journal.gate.release()
            await trio.sleep_forever()
    assert told == []
    assert restore(journal.connection).seq == 0
    journal.close()


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


def breaks(monkeypatch: pytest.MonkeyPatch, kind: type, wrong: Any) -> None:
    """From here on deciding a command of this kind raises where `wrong` says so."""
    decide = deciding.DECIDE[kind]

    def broken(state: State, now: Micros, command: Any) -> Any:
        if wrong(command):
            raise ZeroDivisionError("a bug")
        return decide(state, now, command)

    monkeypatch.setitem(deciding.DECIDE, kind, broken)


async def test_a_market_that_cannot_be_decided_is_halted_and_the_others_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its caller is told of an error; the halt is journaled; no order is cancelled; the next market knows nothing."""
    async with furnished(tmp_path) as house:
        call = house.sequencer.call
        assert (await call(limit(Side.BUY, 99))).reject is None
        breaks(monkeypatch, co.PlaceOrder, lambda order: order.quantity == 13)
        events: list[Event] = []
        house.sequencer.subscribe(lambda committed: events.extend(committed.events))
        assert (await call(limit(Side.BUY, 98, 13))).reject is Reject.INTERNAL
        assert [type(event) for event in events] == [MarketPhaseSet]
        assert house.sequencer.stats.quarantines == 1
        assert (await call(limit(Side.BUY, 98))).reject is Reject.MARKET_NOT_OPEN
        assert (await call(limit(Side.BUY, 100, who=1, market=SECOND))).reject is None
        assert await house.sequencer.read(lambda state: len(state.orders)) == 2
    async with sequencing(tmp_path / "ledger.db") as again:
        phases = await again.read(lambda state: [book.phase for book in state.books.values()])
        assert phases == [MarketPhase.HALTED, MarketPhase.OPEN]


async def test_a_halted_market_is_not_halted_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each further failure is answered and counted, and the journal stays quiet."""
    async with furnished(tmp_path) as house:
        breaks(monkeypatch, co.CancelOrder, lambda cancel: True)
        for _ in range(3):
            outcome = await house.sequencer.call(co.CancelOrder(ACCOUNTS[0], FIRST, OrderId(1)))
            assert outcome.reject is Reject.INTERNAL
        assert house.sequencer.stats.quarantines == 3
        last = house.journal.committed[-3:]
        assert len(set(last)) == len(last)


async def test_what_stood_before_the_second_half_failed_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cancel-replace whose new order cannot be decided has cancelled the old one, and says so."""
    async with furnished(tmp_path) as house:
        placed = await house.sequencer.call(limit(Side.BUY, 99))
        breaks(monkeypatch, co.PlaceOrder, lambda order: True)
        cancel = co.CancelOrder(ACCOUNTS[0], FIRST, placed.orders[0].id)
        outcome = await house.sequencer.call(co.CancelReplace(cancel, limit(Side.BUY, 98)))
        assert outcome.reject is None
        assert outcome.orders[0].status is OrderStatus.CANCELED
        assert outcome.replaced == Outcome(Reject.INTERNAL)


async def test_a_failure_while_waking_others_leaves_the_commands_own_outcome(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The order traded; that a sleeper could not be woken halts the market and is nobody's refusal."""
    async with furnished(tmp_path) as house:
        call = house.sequencer.call
        stop = co.PlaceOrder(ACCOUNTS[2], FIRST, Side.BUY, OrderType.STOP_LOSS_LIMIT, Quantity(10), Price(105))
        assert (await call(performing_replace(stop, stop_price=Price(101)))).reject is None
        assert (await call(limit(Side.SELL, 101, who=1))).reject is None
        breaks(monkeypatch, co.WakeOrder, lambda wake: True)
        outcome = await call(limit(Side.BUY, 101))
        assert outcome.reject is None
        assert outcome.orders[0].status is OrderStatus.FILLED
        assert await house.sequencer.read(lambda state: state.books[FIRST].phase) is MarketPhase.HALTED
        monkeypatch.undo()
        assert (await call(co.SetMarketPhase(FIRST, MarketPhase.OPEN, "mended"))).reject is None
        woken = await house.sequencer.read(lambda state: [order.working for order in state.orders.values()])
        assert woken == [True]


def performing_replace(order: co.PlaceOrder, **changes: Any) -> co.PlaceOrder:
    """The order with some fields changed."""
    import msgspec

    return msgspec.structs.replace(order, **changes)


async def test_an_exception_while_evolving_ends_the_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory and disk may differ from there on: nobody is answered, and what was on the disk before stays."""
    answers: list[object] = []

    def broken(state: State, event: Event) -> None:
        raise ZeroDivisionError("a bug")

    async def go_on_until_it_breaks() -> None:
        async with furnished(tmp_path) as house:
            answers.append(house.sequencer.state.seq)
            monkeypatch.setitem(evolving._EVOLVE, OrderAccepted, broken)
            house.sequencer.submit(limit(Side.BUY, 99), answers.append)
            await trio.sleep_forever()

    with pytest.raises(ExceptionGroup) as caught:
        await go_on_until_it_breaks()
    assert caught.group_contains(ZeroDivisionError)
    monkeypatch.undo()
    async with sequencing(tmp_path / "ledger.db") as again:
        assert [again.state.seq] == answers


async def test_a_caller_who_leaves_changes_nothing(tmp_path: Path) -> None:
    """The order stands, and its client id finds it."""
    async with furnished(tmp_path) as house:
        house.journal.hold()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(house.sequencer.call, limit(Side.BUY, 99, client_id="left"))
            await settle()
            nursery.cancel_scope.cancel()
        house.journal.gate.release(10)
        found = await house.sequencer.read(lambda state: state.find_open(ACCOUNTS[0], FIRST, OrderId(0), "left"))
        assert found is not None


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


async def test_time_never_runs_backwards(tmp_path: Path) -> None:
    """Not while the clock jumps back an hour, and not after a restart with such a clock."""
    clock = Ticking()
    async with furnished(tmp_path, clock=clock) as house:
        clock.time -= 3_600_000_000
        placed = await house.sequencer.call(limit(Side.BUY, 99))
        assert placed.orders[0].created == house.journal.last_time > clock.time
        last = house.journal.last_time
    async with sequencing(tmp_path / "ledger.db", Ticking(1_000)) as again:
        later = await again.call(limit(Side.BUY, 98))
        assert later.orders[0].created == last


async def test_a_look_that_raises_is_its_askers_bug(tmp_path: Path) -> None:
    """He gets it back; everybody else goes on."""
    async with furnished(tmp_path) as house:
        with pytest.raises(KeyError):
            await house.sequencer.read(lambda state: state.books[MarketId(77)])
        assert (await house.sequencer.call(limit(Side.BUY, 99))).reject is None


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
