"""The audit notices each kind of damage, and says what it is."""

from collections.abc import Callable

import pytest

from exchange.core import audit
from exchange.core import commands as co
from exchange.core.book import Book
from exchange.core.orders import Order, OrderType, Side
from exchange.core.postings import GENESIS, Bucket, balance_key
from exchange.core.state import State
from exchange.core.units import Amount, AssetId, MarketId, OrderId, Price, Quantity
from tests.core.ways import NET
from tests.core.world import ACCOUNTS, furnished

ANN, BASE, QUOTE, MARKET = ACCOUNTS[0], AssetId(1), AssetId(2), MarketId(1)


def place(side: Side, price: int, stop_price: int = 0, client_id: str = "") -> co.PlaceOrder:
    kind = OrderType.STOP_LOSS_LIMIT if stop_price else OrderType.LIMIT
    return co.PlaceOrder(
        ANN, MARKET, side, kind, Quantity(5), Price(price), client_id=client_id, stop_price=Price(stop_price)
    )


def healthy() -> State:
    """Two asks at one price, one dearer, one bid, one sleeper; a withdrawal underway."""
    return furnished(
        [
            place(Side.SELL, 101, client_id="first"),
            place(Side.SELL, 101),
            place(Side.SELL, 102),
            place(Side.BUY, 99),
            place(Side.BUY, 106, 105),
            co.RequestWithdrawal("w", ANN, BASE, Amount(7), NET),
        ],
    )


def book(state: State) -> Book:
    return state.books[MARKET]


def order(state: State, number: int) -> Order:
    return state.orders[OrderId(number)]


def _money_from_nowhere(state: State) -> None:
    state.balances[balance_key(ANN, BASE)] = Amount(state.available(ANN, BASE) + 1)


def _less_than_nothing(state: State) -> None:
    taken = state.available(ANN, BASE) + 1
    state.balances[balance_key(ANN, BASE)] = Amount(-1)
    genesis = balance_key(GENESIS, BASE)
    state.balances[genesis] = Amount(state.balances[genesis] + taken)


def _held_for_nothing(state: State) -> None:
    available, held = balance_key(ANN, QUOTE), balance_key(ANN, QUOTE, Bucket.HELD)
    state.balances[available] = Amount(state.balances[available] - 1)
    state.balances[held] = Amount(state.balances[held] + 1)


def _hold_of_a_sale(state: State) -> None:
    order(state, 1).hold = Amount(24)


def _hold_of_a_purchase(state: State) -> None:
    order(state, 4).hold = Amount(1)


def _withdrawal_forgotten(state: State) -> None:
    del state.withdrawals["w"]


def _crossed(state: State) -> None:
    level = book(state).bids.best
    assert level is not None
    assert level.first is not None
    level.price = level.first.price = Price(101)


def _wrong_best(state: State) -> None:
    book(state).asks.best = book(state).asks.worse(1)


def _out_of_turn(state: State) -> None:
    first, second = order(state, 1), order(state, 2)
    first.booked, second.booked = second.booked, first.booked


def _wrong_sum(state: State) -> None:
    level = book(state).asks.best
    assert level is not None
    level.quantity += 1


def _not_with_its_account(state: State) -> None:
    del state.accounts[ANN].open_by_market[MARKET][OrderId(1)]


def _not_by_its_name(state: State) -> None:
    del state.accounts[ANN].open_by_client["first"]


def _neither_here_nor_there(state: State) -> None:
    order(state, 5).working = True


def _sleeper_lost(state: State) -> None:
    book(state).triggers.remove(order(state, 5))


DAMAGE: list[tuple[Callable[[State], None], str]] = [
    (_money_from_nowhere, "asset 1: balances add up to 1, not 0"),
    (_less_than_nothing, "is -1"),
    (_held_for_nothing, "but orders and withdrawals hold"),
    (_hold_of_a_sale, "order 1 holds 24 for 5 lots to sell"),
    (_hold_of_a_purchase, "order 4 holds 1 for 5 lots to buy at 99"),
    (_withdrawal_forgotten, "but orders and withdrawals hold"),
    (_crossed, "the book is crossed, 101 against 101"),
    (_wrong_best, "the best level is not the first"),
    (_out_of_turn, "order 2 is out of place at 101"),
    (_wrong_sum, "level 101 counts 11 in 2, holds 10 in 2"),
    (_not_with_its_account, "order 1 is not among its account's open orders"),
    (_not_by_its_name, "order 1 is not found by its client id"),
    (_neither_here_nor_there, "order 5 is neither on the book nor asleep, or both"),
    (_sleeper_lost, "5 open orders, 5 under accounts, 4 resting, 0 asleep and 0 pending"),
]


def test_a_healthy_state_breaks_no_rule() -> None:
    assert list(audit.violations(healthy())) == []


@pytest.mark.parametrize(("damage", "words"), DAMAGE)
def test_damage_is_noticed(damage: Callable[[State], None], words: str) -> None:
    state = healthy()
    damage(state)
    assert any(words in sentence for sentence in audit.violations(state)), list(audit.violations(state))
