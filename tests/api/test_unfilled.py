"""What is remembered of orders that have not traded yet goes when they do, and when they end, in whatever way."""

from __future__ import annotations

import pytest

from exchange.api.limits import Limits
from exchange.api.unfilled import Unfilled
from exchange.core import commands as co
from exchange.core.committed import Committed
from exchange.core.orders import OrderType, SelfTrade, Side
from exchange.core.state import State
from exchange.core.units import AccountId, MarketId, Micros, Price, Quantity
from tests.core.world import Dice, furnished, run

ANN, HERE = AccountId(100), MarketId(1)


def tell(unfilled: Unfilled, state: State) -> None:
    """Hand over what has happened since last time, as the sequencer would."""
    events = tuple(state.take_changes().events)
    unfilled.consume(Committed(state.seq, state.seq, Micros(1), events, (), ()))


def untraded(state: State) -> int:
    return sum(not order.filled for order in state.orders.values())


@pytest.mark.parametrize("mode", [SelfTrade.EXPIRE_TAKER, SelfTrade.EXPIRE_MAKER, SelfTrade.EXPIRE_BOTH])
def test_orders_that_a_prevented_self_trade_ends_are_forgotten(mode: SelfTrade) -> None:
    """They end without a word of their own: a trader could else have grown our memory for ever."""
    state = furnished()
    unfilled = Unfilled(Limits(), state.orders.values())
    for _ in range(3):
        for side in (Side.SELL, Side.BUY):
            order = co.PlaceOrder(ANN, HERE, side, OrderType.LIMIT, Quantity(5), Price(100), self_trade=mode)
            assert run(state, order)[0].reject is None
    assert state.orders or mode is SelfTrade.EXPIRE_BOTH
    tell(unfilled, state)
    assert len(unfilled) == len(state.orders)


@pytest.mark.parametrize("seed", range(8))
def test_just_the_open_orders_that_have_not_traded_are_remembered(seed: int) -> None:
    state, dice = furnished(), Dice(seed)
    unfilled = Unfilled(Limits(), state.orders.values())
    for _ in range(400):
        run(state, dice.command())
        tell(unfilled, state)
        assert len(unfilled) == untraded(state)
