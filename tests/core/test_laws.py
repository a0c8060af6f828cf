"""Laws that hold whatever is asked in whatever order."""

import os
import random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.core import audit
from exchange.core import commands as co
from exchange.core.deciding import decide
from exchange.core.events import Event, MatchPrevented, OrderAccepted, OrderBooked, Traded
from exchange.core.evolving import evolve
from exchange.core.orders import OrderStatus, OrderType, SelfTrade, Side, TimeInForce
from exchange.core.performing import UndecidedError, perform
from exchange.core.postings import FIRST_TRADER, Bucket, split_key
from exchange.core.state import State
from exchange.core.units import AccountId, Amount, MarketId, Micros, Price, Quantity
from tests.core.compare import book_of, digest, fingerprint
from tests.core.world import ACCOUNTS, Dice, furnishing, run

NIGHTLY = "NIGHTLY" in os.environ


@st.composite
def histories(draw: st.DrawFn) -> list[co.Command]:
    """Up to 50 commands, of which Hypothesis may leave out any."""
    dice = Dice(random.Random(draw(st.integers(0, 2**32))))
    made = []
    for number in range(draw(st.integers(1, 50))):
        dice.newest_order = 1 + number // 2
        made.append(dice.command())
    left_out = draw(st.sets(st.integers(0, len(made)), max_size=10))
    return [command for number, command in enumerate(made) if number not in left_out]


def lived(history: list[co.Command]) -> State:
    """The state after a history, with all its changes still to be taken."""
    state = State()
    for command in [*furnishing(), *history]:
        run(state, command)
    return state


@given(histories())
def test_money_is_conserved_and_nobody_has_less_than_nothing(history: list[co.Command]) -> None:
    """Per asset all balances add up to 0, and only the house and debts fall below it."""
    state = lived(history)
    sums: dict[int, int] = {}
    for key, amount in state.balances.items():
        account, asset, bucket = split_key(key)
        sums[asset] = sums.get(asset, 0) + amount
        assert amount >= 0 or account < FIRST_TRADER or bucket == Bucket.RECEIVABLE
    assert set(sums.values()) <= {0}
    assert list(audit.violations(state)) == []


@given(histories())
def test_postings_explain_every_balance(history: list[co.Command]) -> None:
    """Each posting moves a positive amount within one asset, and all of them add up to the balances."""
    state, balances = lived(history), dict[int, int]()
    for seq, debit, credit, amount in state.changes.postings:
        assert amount > 0
        assert 0 < seq <= state.seq
        assert split_key(debit)[1] == split_key(credit)[1]
        balances[debit] = balances.get(debit, 0) - amount
        balances[credit] = balances.get(credit, 0) + amount
    assert {key: amount for key, amount in balances.items() if amount} == fingerprint(state)["balances"]


@given(histories())
def test_the_events_alone_rebuild_the_state(history: list[co.Command]) -> None:
    """Folding the events over a fresh state gives the same orders, books, balances and counters."""
    state, again = lived(history), State()
    for event in state.changes.events:
        evolve(again, event)
    assert fingerprint(again) == fingerprint(state)
    assert digest(again) == digest(state)


@given(histories())
def test_events_survive_the_journal(history: list[co.Command]) -> None:
    """Every event is the same after MessagePack, and so is the state that it rebuilds."""
    state, again = lived(history), State()
    encoder, decoder = msgspec.msgpack.Encoder(), msgspec.msgpack.Decoder(Event)
    for event in state.changes.events:
        back = decoder.decode(encoder.encode(event))
        assert back == event
        assert type(back) is type(event)
        evolve(again, back)
    assert digest(again) == digest(state)


@given(histories())
def test_deciding_reads_only(history: list[co.Command]) -> None:
    """A decision leaves the state, balances of 0 and changes included, as it was."""
    state = lived([])
    for command in history:
        before = fingerprint(state), dict(state.balances), len(state.changes.events), state.seq
        touched = {number: list(book.touched) for number, book in state.books.items()}
        asked = command.command if isinstance(command, co.Keyed) else command
        halves = (asked.cancel, asked.place) if isinstance(asked, co.CancelReplace) else (asked,)
        for half in halves:
            decide(state, Micros(1), half)
        assert before == (fingerprint(state), dict(state.balances), len(state.changes.events), state.seq)
        assert touched == {number: list(book.touched) for number, book in state.books.items()}
        run(state, command)


@given(histories())
def test_a_refusal_changes_nothing(history: list[co.Command]) -> None:
    """Whoever is refused leaves no trace."""
    state = lived([])
    for command in history:
        before = digest(state)
        outcome, woken = run(state, command)
        if outcome.reject is not None and outcome.replaced is None:
            assert (digest(state), woken, outcome.events) == (before, [], ())


@given(histories())
def test_price_comes_before_time_and_time_before_the_rest(history: list[co.Command]) -> None:
    """Each fill is with the first order of the best price; own orders that were in the way have expired by then."""
    state, again = lived(history), State()
    for event in state.changes.events:
        if isinstance(event, Traded):
            side = Side.SELL if event.taker_side == Side.BUY else Side.BUY
            price, first, _, visible = book_of(again, event.market, side)[0]
            assert (event.price, event.maker_order) == (price, first)
            assert 0 < event.quantity <= visible
            taker = again.orders[event.taker_order]
            assert not taker.price or (price <= taker.price if taker.side == Side.BUY else price >= taker.price)
        evolve(again, event)


@given(histories())
def test_the_book_is_never_crossed(history: list[co.Command]) -> None:
    """Not after any command is done, and not even between an order's being booked and the next event."""
    state, again = lived(history), State()
    for event in state.changes.events:
        evolve(again, event)
        if isinstance(event, OrderAccepted | OrderBooked):
            book = again.books[event.market]
            bid, ask = book.bids.best, book.asks.best
            assert bid is None or ask is None or bid.price < ask.price


@given(histories())
def test_each_account_numbers_its_events_without_gaps(history: list[co.Command]) -> None:
    """From 1 on; of a trade with itself an account has two."""
    state = lived(history)
    seen: dict[int, list[int]] = {}
    for event in state.changes.events:
        if isinstance(event, Traded):
            seen.setdefault(event.maker, []).append(event.maker_seq)
            seen.setdefault(event.taker, []).append(event.taker_seq)
        elif isinstance(event, MatchPrevented):
            seen.setdefault(event.account, []).extend(filter(None, (event.maker_seq, event.taker_seq)))
        elif (number := getattr(event, "account_seq", None)) is not None:
            seen.setdefault(getattr(event, "account", 0), []).append(number)
    for account, numbers in seen.items():
        assert numbers == list(range(1, len(numbers) + 1))
        assert state.accounts[AccountId(account)].seq == len(numbers)


@given(histories())
def test_what_changed_is_what_the_events_named(history: list[co.Command]) -> None:
    """`changes` holds every order that an event named, as the ledger must write its row, and whom a trade made due."""
    state = lived(history)
    named: set[int] = set()
    for event in state.changes.events:
        if isinstance(event, Traded):
            named |= {event.maker_order, event.taker_order}
        elif isinstance(event, MatchPrevented):
            lost = ((event.maker_lots, event.maker_order), (event.taker_lots, event.taker_order))
            named |= {order for lots, order in lost if lots}
        elif isinstance(order := getattr(event, "order", None), int):
            named.add(order)
    changed = {**state.changes.fresh, **state.changes.orders}
    assert {order.id for order in changed.values()} == named
    assert state.changes.special.keys() <= changed.keys()
    for order in changed.values():
        assert (order.status <= OrderStatus.PARTIALLY_FILLED) == (order.id in state.orders)


def limit(account: AccountId, side: Side, price: int) -> co.PlaceOrder:
    return co.PlaceOrder(account, MarketId(1), side, OrderType.LIMIT, Quantity(9), Price(price))


HUGE = [0, 1, -1, 2**31, 2**63 - 1, 2**63, 2**70, -(2**70)]


@settings(max_examples=200 if not NIGHTLY else 5_000)
@given(
    st.builds(
        co.PlaceOrder,
        account=st.sampled_from([*ACCOUNTS, AccountId(0), AccountId(1), AccountId(-1), AccountId(2**70)]),
        market=st.sampled_from([MarketId(1), MarketId(2), MarketId(0), MarketId(-1)]),
        quantity=st.sampled_from(list(map(Quantity, [*HUGE, 5, 10]))),
        price=st.sampled_from(list(map(Price, [*HUGE, 99, 100, 101]))),
        stop_price=st.sampled_from(list(map(Price, [0, 0, 0, *HUGE, 95, 105]))),
        quote_quantity=st.sampled_from(list(map(Amount, [0, 0, 0, *HUGE, 1_000]))),
        client_id=st.text(max_size=40) | st.just(""),
        time_in_force=st.sampled_from(TimeInForce),
        self_trade=st.sampled_from(SelfTrade),
    ),
)
def test_absurd_orders_are_refused_or_honoured_and_never_break_anything(order: co.PlaceOrder) -> None:
    """Whatever numbers come in, nothing raises, every invariant holds, and the journal can store it."""
    quotes = [(Side.BUY, 99), (Side.SELL, 101)]
    state = lived([limit(ACCOUNTS[1], side, price) for side, price in quotes])
    outcome, _ = run(state, order)
    assert list(audit.violations(state)) == []
    for event in outcome.events:
        assert msgspec.msgpack.decode(msgspec.msgpack.encode(event), type=Event) == event


def test_a_decision_that_raises_has_changed_nothing() -> None:
    """What cannot be decided is `UndecidedError`, names its market, and leaves the state as it was."""
    state = lived([])
    state.books[MarketId(1)].rules = None  # type: ignore[assignment]
    before = digest(state)
    with pytest.raises(UndecidedError) as caught:
        perform(state, Micros(1), limit(ACCOUNTS[0], Side.BUY, 99))
    assert caught.value.market == 1
    assert digest(state) == before


def test_the_fingerprint_covers_the_whole_state() -> None:
    """A new attribute of `State` must be compared too."""
    assert set(fingerprint(State())) == set(State.__slots__) - {"changes"}
