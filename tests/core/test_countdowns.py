"""Dead man's switches: what they cancel, when, and what a halt does to them."""

from __future__ import annotations

from exchange.core import commands as co
from exchange.core.events import CountdownFired, OrderEnded, SessionEnded
from exchange.core.market import MarketPhase
from exchange.core.orders import OrderType, Side
from exchange.core.performing import perform
from exchange.core.state import State
from exchange.core.units import AccountId, MarketId, Micros, Price, Quantity
from tests.core.world import furnished

ANN, BEN, FIRST, SECOND = AccountId(100), AccountId(101), MarketId(1), MarketId(2)
STOP = co.PlaceOrder(ANN, FIRST, Side.SELL, OrderType.STOP_LOSS, Quantity(10), stop_price=Price(90))


def order(account: AccountId, market: MarketId) -> co.PlaceOrder:
    return co.PlaceOrder(account, market, Side.SELL, OrderType.LIMIT, Quantity(10), Price(110))


def traders() -> State:
    """Ann has two orders in the first market, one asleep, and one in the second; Ben has one."""
    return furnished([order(ANN, FIRST), STOP, order(ANN, SECOND), order(BEN, FIRST)])


def open_in(state: State) -> list[tuple[int, int]]:
    return [(one.account, one.market) for one in state.orders.values()]


def do(state: State, command: co.Command, now: int = 10) -> list[type]:
    outcome = perform(state, Micros(now), command)
    assert outcome.reject is None, outcome
    return [type(event) for event in outcome.events]


def test_a_countdown_that_is_through_cancels_what_is_open_in_its_market() -> None:
    state = traders()
    do(state, co.SetCountdown(ANN, FIRST, Micros(5)))
    assert do(state, co.FireCountdown(ANN, FIRST), 14) == []
    assert do(state, co.FireCountdown(ANN, FIRST), 15) == [CountdownFired, OrderEnded, OrderEnded]
    assert open_in(state) == [(ANN, SECOND), (BEN, FIRST)]
    assert do(state, co.FireCountdown(ANN, FIRST), 99) == []


def test_a_countdown_set_anew_begins_anew_and_with_nothing_ends() -> None:
    state = traders()
    do(state, co.SetCountdown(ANN, FIRST, Micros(5)))
    do(state, co.SetCountdown(ANN, FIRST, Micros(5)), 14)
    assert do(state, co.FireCountdown(ANN, FIRST), 18) == []
    do(state, co.SetCountdown(ANN, FIRST, Micros(0)), 18)
    assert do(state, co.FireCountdown(ANN, FIRST), 99) == []
    assert do(state, co.SetCountdown(ANN, FIRST, Micros(0)), 18) == []


def test_a_countdown_of_a_halted_market_waits_for_the_end_of_the_halt() -> None:
    state = traders()
    do(state, co.SetCountdown(ANN, FIRST, Micros(5)))
    do(state, co.SetMarketPhase(FIRST, MarketPhase.HALTED, "test"))
    assert perform(state, Micros(99), co.FireCountdown(ANN, FIRST)).reject is not None
    do(state, co.SetMarketPhase(FIRST, MarketPhase.CANCEL_ONLY, "test"))
    assert len(do(state, co.FireCountdown(ANN, FIRST), 99)) == 3


def test_the_end_of_a_connection_cancels_what_it_was_armed_for() -> None:
    state = traders()
    do(state, co.ArmSession(ANN, "a", (SECOND,)))
    do(state, co.ArmSession(ANN, "b", ()))
    assert do(state, co.EndSession(ANN, "a")) == [SessionEnded, OrderEnded]
    assert open_in(state) == [(ANN, FIRST), (ANN, FIRST), (BEN, FIRST)]
    assert do(state, co.EndSession(ANN, "b")) == [SessionEnded, OrderEnded, OrderEnded]
    assert open_in(state) == [(BEN, FIRST)]


def test_a_disarmed_connection_cancels_nothing() -> None:
    state = traders()
    do(state, co.ArmSession(ANN, "a", ()))
    assert do(state, co.EndSession(ANN, "a", disarm=True)) == [SessionEnded]
    assert not state.sessions


def test_what_a_lost_connection_leaves_in_a_halted_market_is_due_at_once() -> None:
    """And goes as soon as the halt is over, though the client may be back by then."""
    state = traders()
    do(state, co.ArmSession(ANN, "a", ()))
    do(state, co.SetMarketPhase(FIRST, MarketPhase.HALTED, "test"))
    do(state, co.EndSession(ANN, "a"))
    assert state.countdowns == {(ANN, FIRST): 10}
    do(state, co.SetMarketPhase(FIRST, MarketPhase.OPEN, "test"))
    assert len(do(state, co.FireCountdown(ANN, FIRST))) == 3
