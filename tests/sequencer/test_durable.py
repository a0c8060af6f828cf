"""Nothing is said before it is durable, and all of it in order."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing

from exchange.core import commands as co
from exchange.core.committed import Committed
from exchange.core.orders import Side
from exchange.core.performing import Outcome
from exchange.core.rejects import Reject
from exchange.core.state import State
from exchange.core.units import OrderId
from exchange.ledger.restore import restore
from exchange.sequencer import Sequencer
from tests.core.world import ACCOUNTS
from tests.ledger.busy import Ticking, sequencing
from tests.sequencer.house import FIRST, Held, House, furnished, limit, settle


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
    with pytest.RaisesGroup(pytest.RaisesExc(OSError, match="the disk is gone")):
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
