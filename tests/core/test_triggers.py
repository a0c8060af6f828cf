"""Who waits for which price, who wakes first, and what a market that is not open does with them."""

import pytest

from exchange.core import commands as co
from exchange.core.events import OrderTriggered
from exchange.core.market import MarketPhase
from exchange.core.orders import Order, OrderStatus, OrderType, SelfTrade, Side, TimeInForce
from exchange.core.performing import perform, wake
from exchange.core.state import Account
from exchange.core.triggers import Triggers, reached, wakes_rising
from exchange.core.units import AccountId, Amount, MarketId, Micros, OrderId, Price, Quantity, Seq
from tests.core.world import ACCOUNTS, furnished, run

RISES = [
    (OrderType.STOP_LOSS, Side.BUY, True),
    (OrderType.STOP_LOSS, Side.SELL, False),
    (OrderType.STOP_LOSS_LIMIT, Side.BUY, True),
    (OrderType.STOP_LOSS_LIMIT, Side.SELL, False),
    (OrderType.TAKE_PROFIT, Side.BUY, False),
    (OrderType.TAKE_PROFIT, Side.SELL, True),
    (OrderType.TAKE_PROFIT_LIMIT, Side.BUY, False),
    (OrderType.TAKE_PROFIT_LIMIT, Side.SELL, True),
]


def sleeper(number: int, stop_price: int, side: Side = Side.BUY) -> Order:
    return Order(
        Account(AccountId(100), "sleeper", 0, False, 0, Micros(0), {}, {}),
        OrderId(number),
        AccountId(100),
        MarketId(1),
        side,
        OrderType.STOP_LOSS,
        TimeInForce.GTC,
        SelfTrade.NONE,
        OrderStatus.NEW,
        Price(0),
        Price(stop_price),
        Quantity(1),
        Quantity(0),
        Amount(0),
        Amount(0),
        Amount(0),
        False,
        Seq(0),
        Micros(0),
        Micros(0),
        "",
    )


def woken(triggers: Triggers, orders: list[Order]) -> list[int]:
    """The order in which the due wake."""
    found: list[int] = []
    by_id = {order.id: order for order in orders}
    while (number := triggers.due()) is not None:
        found.append(number)
        triggers.remove(by_id[number])
    return found


@pytest.mark.parametrize(("kind", "side", "rising"), RISES)
def test_what_each_kind_waits_for(kind: OrderType, side: Side, rising: bool) -> None:
    assert wakes_rising(kind, side) is rising
    assert reached(kind, side, Price(100), Price(101)) is rising
    assert reached(kind, side, Price(100), Price(99)) is not rising
    assert reached(kind, side, Price(100), Price(100))


def test_nobody_is_due_before_a_trade() -> None:
    triggers = Triggers()
    triggers.add(sleeper(1, 100))
    assert triggers.due() is None
    assert len(triggers) == 1


def test_the_nearest_wakes_first_and_at_one_price_the_oldest() -> None:
    orders = [sleeper(4, 101), sleeper(1, 103), sleeper(3, 102), sleeper(2, 102), sleeper(5, 104)]
    triggers = Triggers()
    for order in orders:
        triggers.add(order)
    triggers.reach(Price(103))
    assert woken(triggers, orders) == [4, 2, 3, 1]
    assert len(triggers) == 1


def test_falling_prices_wake_from_above() -> None:
    orders = [sleeper(1, 95, Side.SELL), sleeper(2, 97, Side.SELL), sleeper(3, 90, Side.SELL)]
    triggers = Triggers()
    for order in orders:
        triggers.add(order)
    triggers.reach(Price(95))
    assert woken(triggers, orders) == [2, 1]


def test_whoever_was_due_stays_due_when_the_price_turns() -> None:
    order, triggers = sleeper(1, 101), Triggers()
    triggers.add(order)
    triggers.reach(Price(105))
    triggers.reach(Price(90))
    assert woken(triggers, [order]) == [1]


def test_whoever_is_cancelled_while_due_does_not_wake() -> None:
    orders = [sleeper(1, 101), sleeper(2, 102), sleeper(3, 103)]
    triggers = Triggers()
    for order in orders:
        triggers.add(order)
    triggers.reach(Price(103))
    triggers.remove(orders[1])
    assert len(triggers) == 2
    assert woken(triggers, orders) == [1, 3]
    assert len(triggers) == 0


def place(account: AccountId, side: Side, price: int, stop_price: int = 0) -> co.PlaceOrder:
    kind = OrderType.STOP_LOSS_LIMIT if stop_price else OrderType.LIMIT
    return co.PlaceOrder(
        account, MarketId(1), side, kind, Quantity(5), Price(price), stop_price=Price(stop_price), client_id="it"
    )


def test_a_halted_market_wakes_nobody_until_it_opens_again() -> None:
    """Due and not yet woken when the halt comes: asleep as long as the halt lasts, then awake."""
    state = furnished([place(ACCOUNTS[0], Side.BUY, 105, 102), place(ACCOUNTS[1], Side.SELL, 102)])
    perform(state, Micros(1), place(ACCOUNTS[2], Side.BUY, 102))
    perform(state, Micros(1), co.SetMarketPhase(MarketId(1), MarketPhase.HALTED, "now"))
    assert not wake(state, Micros(1), MarketId(1))
    _, events = run(state, co.SetMarketPhase(MarketId(1), MarketPhase.OPEN, "go on"))
    assert type(events[0]) is OrderTriggered


def test_a_due_order_can_be_cancelled_while_only_cancels_are_let_in() -> None:
    state = furnished([place(ACCOUNTS[0], Side.BUY, 105, 102), place(ACCOUNTS[1], Side.SELL, 102)])
    perform(state, Micros(1), place(ACCOUNTS[2], Side.BUY, 102))
    perform(state, Micros(1), co.SetMarketPhase(MarketId(1), MarketPhase.CANCEL_ONLY, "now"))
    assert run(state, co.CancelOrder(ACCOUNTS[0], MarketId(1), client_id="it"))[0].reject is None
    assert run(state, co.SetMarketPhase(MarketId(1), MarketPhase.OPEN, "go on"))[1] == []
    assert len(state.books[MarketId(1)].triggers) == 0
