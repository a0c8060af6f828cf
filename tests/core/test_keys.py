"""Idempotency keys: the same again is answered as the first time and done once; keys die, and memory is bounded."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from exchange.core import commands as co
from exchange.core import deciding, keys
from exchange.core.events import Event, KeyUsed
from exchange.core.orders import OrderStatus, OrderType, Side
from exchange.core.performing import Outcome, UndecidedError, first_outcome, perform
from exchange.core.rejects import Reject
from exchange.core.state import State
from exchange.core.units import AccountId, MarketId, Micros, OrderId, Price, Quantity, Seq
from tests.core.world import furnished

ANN, BEN, MARKET = AccountId(100), AccountId(101), MarketId(1)
DAY = 86_400_000_000


def order(side: Side = Side.BUY, price: int = 100, account: AccountId = ANN) -> co.PlaceOrder:
    return co.PlaceOrder(account, MARKET, side, OrderType.LIMIT, Quantity(10), Price(price))


def keyed(command: co.PlaceOrder | co.CancelReplace, key: str = "k", digest: bytes = b"same") -> co.Keyed:
    account = command.account if isinstance(command, co.PlaceOrder) else command.place.account
    return co.Keyed(account, MARKET, key, digest, command)


def remembered(state: State, before: Iterable[Event] = ()) -> Outcome:
    """What the last `KeyUsed` of the state's changes stands for."""
    events = (*before, *state.changes.events)
    place = max(n for n, event in enumerate(events) if isinstance(event, KeyUsed))
    last = events[place]
    assert isinstance(last, KeyUsed)
    return first_outcome(last.answer, events[:place])


def test_the_same_again_is_done_once_and_its_first_answer_is_remembered() -> None:
    """Also when the order has long been filled."""
    state = furnished()
    first = perform(state, Micros(1), keyed(order()))
    assert remembered(state) == first
    perform(state, Micros(2), order(Side.SELL, account=BEN))
    assert not state.orders
    again = perform(state, Micros(3), keyed(order()))
    assert again == Outcome(None, repeats=True)
    assert first.orders[0].status is OrderStatus.NEW


def test_fills_of_the_first_answer_are_remembered() -> None:
    state = furnished([order(Side.SELL, account=BEN)])
    first = perform(state, Micros(1), keyed(order()))
    assert len(first.events) == 2
    assert remembered(state) == first


def test_the_same_key_of_somebody_else_is_another_key() -> None:
    state = furnished()
    perform(state, Micros(1), keyed(order()))
    other = perform(state, Micros(1), keyed(order(account=BEN), digest=b"other"))
    assert other.orders


def test_both_halves_of_a_cancel_replace_are_remembered() -> None:
    """Whatever became of each, as long as one of them changed something."""
    state = furnished([order()])
    cancel = co.CancelOrder(ANN, MARKET, OrderId(1))
    done = perform(state, Micros(1), keyed(co.CancelReplace(cancel, order(price=99))))
    assert remembered(state) == done
    half = perform(state, Micros(1), keyed(co.CancelReplace(cancel, order(price=98), even_if_cancel_fails=True), "l"))
    assert half.reject is Reject.UNKNOWN_ORDER
    assert remembered(state) == half


def test_a_refusal_is_not_remembered() -> None:
    """Nothing was changed, so the same may be tried anew, and something else too."""
    state = furnished()
    poor = co.PlaceOrder(ANN, MARKET, Side.BUY, OrderType.LIMIT, Quantity(60), Price(110))
    perform(state, Micros(1), poor)
    assert perform(state, Micros(1), keyed(poor)).reject is Reject.INSUFFICIENT_FUNDS
    assert perform(state, Micros(1), keyed(order(), digest=b"other")).reject is None


def test_half_of_a_cancel_replace_is_remembered_when_deciding_the_rest_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its answer is an inner error, and asking again gives the same answer, not another order."""
    state = furnished([order()])
    monkeypatch.setitem(deciding.DECIDE, co.PlaceOrder, lambda *_: 1 // 0)
    asked = keyed(co.CancelReplace(co.CancelOrder(ANN, MARKET, OrderId(1)), order()))
    with pytest.raises(UndecidedError) as caught:
        perform(state, Micros(1), asked)
    assert remembered(state) == caught.value.happened
    assert perform(state, Micros(1), asked).repeats


def test_a_key_dies_after_twenty_five_hours_and_not_before() -> None:
    state = furnished()
    perform(state, Micros(5), keyed(order()))
    assert perform(state, Micros(5 + 25 * DAY // 24 - 1), keyed(order())).repeats
    anew = perform(state, Micros(5 + 25 * DAY // 24), keyed(order(), digest=b"other"))
    assert anew.orders
    assert len(state.keys) == 1


def test_dead_keys_make_way_for_new_ones_a_few_at_a_time() -> None:
    state = furnished()
    for n in range(5):
        state.keys.remember(ANN, f"old{n}", keys.Used(state.seq, Micros(n), b""))
    state.take_changes()
    perform(state, Micros(2 * DAY), keyed(order()))
    assert state.changes.keys_dropped == [(ANN, "old0"), (ANN, "old1")]
    assert len(state.keys) == 4


@pytest.mark.parametrize(("limit", "most"), [("MAX_KEYS", 3), ("MAX_KEYS_PER_ACCOUNT", 2)])
def test_more_keys_than_there_is_room_for_are_refused(monkeypatch: pytest.MonkeyPatch, limit: str, most: int) -> None:
    """Until the oldest is dead. An order without a key is always welcome."""
    monkeypatch.setattr(keys, limit, most)
    state = furnished()
    for n in range(2):
        assert perform(state, Micros(n), keyed(order(), f"k{n}")).reject is None
    assert perform(state, Micros(9), keyed(order(), "k2")).reject is Reject.TOO_MANY_KEYS
    assert perform(state, Micros(9), keyed(order(), "k1")).repeats
    assert perform(state, Micros(9), order()).reject is None
    assert perform(state, Micros(2 * DAY), keyed(order(), "k2")).reject is None
    assert len(state.keys) <= 2


def test_greedy_accounts_leave_keys_to_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many of them take all that they can get, whoever has few keys gets another."""
    monkeypatch.setattr(keys, "MAX_KEYS", 120)
    living, greedy = keys.Keys(), [AccountId(200 + n) for n in range(5)]
    for n in range(120):
        for account in greedy:
            if not living.full(account, Micros(1)):
                living.remember(account, f"k{n}", keys.Used(Seq(1), Micros(1), b""))
    assert len(living) == 100
    for n in range(10):
        assert not living.full(ANN, Micros(1))
        living.remember(ANN, f"k{n}", keys.Used(Seq(1), Micros(1), b""))


def test_the_queue_of_keys_is_no_longer_than_the_keys_and_those_used_anew() -> None:
    """Round and round the same few names for a year."""
    living = keys.Keys()
    for day in range(0, 365 * 2, 2):
        for n in range(10):
            living.remember(ANN, f"k{n * 7 % 10}", keys.Used(furnished([]).seq, Micros(day * DAY + n), b""))
    assert len(living) == 10
    assert len(living._queue) <= 20
