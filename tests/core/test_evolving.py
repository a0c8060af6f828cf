"""`evolve` never refuses: an event that cannot be is a bug or a damaged journal, and raises."""

import pytest

from exchange.core import commands as co
from exchange.core import events as ev
from exchange.core.evolving import Overdrawn, evolve
from exchange.core.orders import OrderStatus, OrderType, Side
from exchange.core.transfers import DepositState, WithdrawalState
from exchange.core.units import Amount, AssetId, MarketId, Micros, OrderId, Price, Quantity
from tests.core.world import ACCOUNTS, PURSE, furnished

ANN, MARKET, BASE = ACCOUNTS[0], MarketId(1), AssetId(1)
ORDER = co.PlaceOrder(ANN, MARKET, Side.SELL, OrderType.LIMIT, Quantity(5), Price(101))


def test_nobody_pays_more_than_there_is() -> None:
    state = furnished()
    seq = state.accounts[ANN].seq + 1
    too_much = Amount(PURSE[BASE] + 1)
    with pytest.raises(Overdrawn):
        evolve(state, ev.WithdrawalMoved(Micros(1), "w", ANN, seq, BASE, too_much, WithdrawalState.REQUESTED))


@pytest.mark.parametrize("step", [0, 2, -1])
def test_an_account_misses_and_repeats_no_event(step: int) -> None:
    state = furnished()
    seq = state.accounts[ANN].seq + step
    with pytest.raises(AssertionError):
        evolve(state, ev.AccountTierSet(Micros(1), ANN, seq, 1))


@pytest.mark.parametrize("released", [0, 24])
def test_no_order_ends_while_it_holds_something(released: int) -> None:
    state = furnished([ORDER])
    seq, order = state.accounts[ANN].seq + 1, OrderId(1)
    event = ev.OrderEnded(Micros(1), order, ANN, seq, MARKET, OrderStatus.CANCELED, Amount(released), "")
    with pytest.raises(AssertionError):
        evolve(state, event)


def test_no_step_of_a_transfer_that_its_table_does_not_know() -> None:
    state = furnished()
    seq = state.accounts[ANN].seq + 1
    event = ev.DepositMoved(Micros(1), "d", ANN, seq, BASE, Amount(1), DepositState.SWEPT, Amount(0))
    with pytest.raises(KeyError):
        evolve(state, event)


def test_what_the_sequencer_must_store_is_handed_over_once() -> None:
    """`take_changes` gives what was touched since the last time, and then nothing."""
    state = furnished()
    for event in [ev.AccountTierSet(Micros(1), ANN, state.accounts[ANN].seq + 1, 1)]:
        evolve(state, event)
    taken = state.take_changes()
    assert (taken.events, list(taken.accounts)) == ([event], [ANN])
    assert (state.changes.events, state.changes.accounts) == ([], {})
