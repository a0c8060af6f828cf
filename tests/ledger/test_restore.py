"""Restored is what lived: every order in its place, every balance, every counter."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest

from exchange.core import audit, deciding
from exchange.core import commands as co
from exchange.core.committed import take_levels
from exchange.core.market import MarketPhase
from exchange.core.orders import OrderStatus, OrderType, Side
from exchange.core.state import State
from exchange.core.units import MarketId, Price, Quantity
from exchange.ledger.journal import Journal
from exchange.ledger.reconcile import verify
from exchange.ledger.restore import restore
from tests.core.compare import fingerprint
from tests.core.world import ACCOUNTS, Dice, furnishing
from tests.ledger import busy

SEEDS = range(200 if "NIGHTLY" in os.environ else 6)
MARKET = MarketId(1)


def restored(path: Path) -> State:
    journal = Journal(path)
    state = restore(journal.connection)
    assert journal.last_seq == state.seq
    journal.close()
    return state


@pytest.mark.parametrize("seed", SEEDS)
async def test_what_is_restored_is_what_lived(tmp_path: Path, seed: int) -> None:
    """Random histories through a real sequencer; then everything is compared, queues and sleepers in order."""
    path = tmp_path / "ledger.db"
    lived = await busy.live(path, seed, 250)
    state = restored(path)
    assert fingerprint(state) == fingerprint(lived)
    assert list(audit.violations(state)) == []
    assert state.changes.events == []
    assert take_levels(state) == ()


@pytest.mark.parametrize("seed", SEEDS)
async def test_both_go_on_alike(tmp_path: Path, seed: int) -> None:
    """A history with restarts in the middle ends as the same history without."""
    whole, parts = tmp_path / "whole.db", tmp_path / "parts.db"
    dice = Dice(seed)
    commands = [*furnishing(), *(dice.command() for _ in range(200))]
    async with busy.sequencing(whole, busy.Ticking(step=0)) as sequencer:
        await busy.pour(sequencer, commands)
        expected = fingerprint(sequencer.state)
    for start in range(0, len(commands), 60):
        async with busy.sequencing(parts, busy.Ticking(step=0)) as sequencer:
            await busy.pour(sequencer, commands[start : start + 60])
    assert fingerprint(restored(parts)) == expected


def order(who: int, side: Side, price: int, lots: int, **more: object) -> co.PlaceOrder:
    plain = co.PlaceOrder(ACCOUNTS[who], MARKET, side, OrderType.LIMIT, Quantity(lots), Price(price))
    return msgspec.structs.replace(plain, **more)


async def test_partly_filled_and_woken_orders_keep_their_place_in_the_queue(tmp_path: Path) -> None:
    """A fill leaves an order where it was; a woken one stands behind those who came before it woke, old as it is."""
    path = tmp_path / "ledger.db"
    async with busy.sequencing(path) as sequencer:
        await busy.pour(sequencer, furnishing())
        sleeper = order(0, Side.BUY, 101, 5, type=OrderType.STOP_LOSS_LIMIT, stop_price=Price(101))
        steps = [
            sleeper,
            order(1, Side.SELL, 101, 10),
            order(2, Side.BUY, 101, 10, client_id="waker"),
            order(2, Side.SELL, 102, 12, client_id="first"),
            order(3, Side.SELL, 102, 12, client_id="second"),
            order(1, Side.BUY, 102, 5),
        ]
        for step in steps:
            outcome = await sequencer.call(step)
            assert outcome.reject is None, (step, outcome)
        lived = fingerprint(sequencer.state)
        woken = next(iter(sequencer.state.orders.values()))
        assert (woken.type, woken.working, woken.status) == (OrderType.STOP_LOSS_LIMIT, True, OrderStatus.NEW)
    state = restored(path)
    assert fingerprint(state) == lived
    best = state.books[MARKET].asks.best
    assert best is not None
    assert best.first is not None
    assert (best.first.client_id, best.first.status) == ("first", OrderStatus.PARTIALLY_FILLED)
    async with busy.sequencing(path) as sequencer:
        await sequencer.call(order(1, Side.BUY, 102, 12))
        left = {one.client_id: one.filled for one in sequencer.state.orders.values() if one.side is Side.SELL}
        assert left == {"second": 5}


async def test_a_market_halted_while_sleepers_were_due_wakes_them_after_a_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Quarantine keeps them asleep; opening the market, in another life, wakes them."""
    path = tmp_path / "ledger.db"
    async with busy.sequencing(path) as sequencer:
        await busy.pour(sequencer, furnishing())
        await sequencer.call(order(0, Side.BUY, 105, 5, type=OrderType.STOP_LOSS_LIMIT, stop_price=Price(101)))
        await sequencer.call(order(1, Side.SELL, 101, 10))

        def broken(*_: object) -> None:
            raise ZeroDivisionError("a bug")

        monkeypatch.setitem(deciding.DECIDE, co.WakeOrder, broken)
        await sequencer.call(order(2, Side.BUY, 101, 10))
        monkeypatch.undo()
        lived = fingerprint(sequencer.state)
    assert fingerprint(restored(path)) == lived
    async with busy.sequencing(path) as sequencer:
        await sequencer.call(co.SetMarketPhase(MARKET, MarketPhase.OPEN, "mended"))
        assert [one.working for one in sequencer.state.orders.values()] == [True]
    verify(path, lambda done, total: None)


def test_an_empty_ledger_is_an_empty_exchange(tmp_path: Path) -> None:
    """Nothing listed, nobody there, numbers from the first."""
    assert fingerprint(restored(tmp_path / "ledger.db")) == fingerprint(State())
