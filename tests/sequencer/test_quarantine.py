"""Whoever fails falls alone, or with everything: a market that cannot be decided, a state that cannot evolve."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
import trio
import trio.testing

from exchange.core import commands as co
from exchange.core import deciding, evolving
from exchange.core.events import Event, MarketPhaseSet, OrderAccepted
from exchange.core.market import MarketPhase
from exchange.core.orders import OrderStatus, OrderType, Side
from exchange.core.performing import Outcome
from exchange.core.rejects import Reject
from exchange.core.state import State
from exchange.core.units import MarketId, Micros, OrderId, Price, Quantity
from tests.core.world import ACCOUNTS
from tests.ledger.busy import sequencing
from tests.sequencer.house import FIRST, SECOND, furnished, limit


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
        assert (await call(changed(stop, stop_price=Price(101)))).reject is None
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


def changed(order: co.PlaceOrder, **changes: Any) -> co.PlaceOrder:
    """The order with some fields changed."""
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


async def test_a_look_that_raises_is_its_askers_bug(tmp_path: Path) -> None:
    """He gets it back; everybody else goes on."""
    async with furnished(tmp_path) as house:
        with pytest.raises(KeyError):
            await house.sequencer.read(lambda state: state.books[MarketId(77)])
        assert (await house.sequencer.call(limit(Side.BUY, 99))).reject is None
