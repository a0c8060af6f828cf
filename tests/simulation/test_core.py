"""The core played from seeds, with every check on; and the checks tried on planted faults."""

import os
from collections.abc import Callable

import pytest

from exchange.core import events as ev
from exchange.core import performing
from exchange.core.commands import CancelOrder, Command, WakeOrder
from exchange.core.deciding import DECIDE, Decision, decide
from exchange.core.evolving import evolve
from exchange.core.orders import ExpiryReason
from exchange.core.placing import decide_wake
from exchange.core.postings import Bucket, balance_key
from exchange.core.rejects import Reject
from exchange.core.state import State
from exchange.core.units import Amount, Micros
from tests.core.compare import digest
from tests.simulation.bazaar import Bazaar

SEEDS = 20_000 if "NIGHTLY" in os.environ else 500
SHARDS = 10
STEPS = 60

Evolve = Callable[[State, ev.Event], None]
Decide = Callable[[State, Micros, Command], Decision]


@pytest.mark.parametrize("shard", range(SHARDS))
def test_nobody_finds_fault_with_the_core(shard: int) -> None:
    """Every seed plays to its end; replaying its events gives the same state."""
    for seed in range(shard, SEEDS, SHARDS):
        bazaar = Bazaar(seed)
        last, again = bazaar.play(STEPS), State()
        for event in bazaar.state.changes.events:
            evolve(again, event)
        assert digest(again) == last, seed


def test_the_same_seed_plays_the_same() -> None:
    """To the last bit; another seed plays something else."""
    played = {seed: Bazaar(seed).play(STEPS) for seed in range(5)}
    assert {seed: Bazaar(seed).play(STEPS) for seed in range(5)} == played
    assert len(set(played.values())) == len(played)


def test_the_seeds_play_a_whole_market() -> None:
    """Between them, thirty seeds cause every kind of event, and trades in plenty."""
    kinds, trades = set(), 0
    for seed in range(30):
        bazaar = Bazaar(seed)
        bazaar.play(STEPS)
        kinds |= {type(event) for event in bazaar.state.changes.events}
        trades += bazaar.referee.trades
    assert kinds == set(ev.Event.__args__)
    assert trades > 200


def _changed(decided: Decision, change: Callable[[ev.Traded], ev.Traded]) -> Decision:
    """The same decision with other trades."""
    if isinstance(decided, Reject):
        return decided
    return type(decided)([change(event) if isinstance(event, ev.Traded) else event for event in decided])


def _nothing(decided: Decision) -> Decision:
    """No refusal, and nothing happens."""
    return decided if isinstance(decided, Reject) else type(decided)()


def fee_up(decided: Decision) -> Decision:
    """The taker's fee is rounded up."""
    return _changed(decided, _dearer)


def _dearer(event: ev.Traded) -> ev.Traded:
    fields = {name: getattr(event, name) for name in event.__struct_fields__}
    return ev.Traded(**{**fields, "taker_fee": event.taker_fee + 1})


def youngest_first(state: State, event: ev.Event) -> None:
    """Who comes to a price stands in front of those who were there."""
    evolve(state, event)
    if not isinstance(event, ev.OrderAccepted | ev.OrderBooked) or event.order not in state.orders:
        return
    order = state.orders[event.order]
    level = order.level
    if level is None or level.first is order or level.last is not order:
        return
    assert order.ahead is not None
    level.last, order.ahead.behind, order.ahead = order.ahead, None, None
    assert level.first is not None
    level.first.ahead, order.behind, level.first = order, level.first, order


def released_twice(state: State, event: ev.Event) -> None:
    """What an order that ends gives back is given back twice, if the account holds that much."""
    rules = state.books[event.market].rules if isinstance(event, ev.OrderEnded) else None
    buys = isinstance(event, ev.OrderEnded) and state.orders[event.order].side == 1
    evolve(state, event)
    if isinstance(event, ev.OrderEnded) and rules is not None:
        asset = rules.quote if buys else rules.base
        held, available = balance_key(event.account, asset, Bucket.HELD), balance_key(event.account, asset)
        if state.held(event.account, asset) >= event.released:
            state.balances[held] = Amount(state.balances[held] - event.released)
            state.balances[available] = Amount(state.balances[available] + event.released)


def cancel_lost(state: State, now: Micros, command: Command) -> Decision:
    """A cancel is acknowledged and forgotten."""
    decided = decide(state, now, command)
    return _nothing(decided) if isinstance(command, CancelOrder) else decided


def cancelled_order_stays(state: State, event: ev.Event) -> None:
    """A cancelled order's place in the book is not cleared."""
    level = state.orders[event.order].level if isinstance(event, ev.OrderEnded) else None
    evolve(state, event)
    if level is not None:
        level.quantity += 1
        level.count += 1


def nobody_wakes(state: State, now: Micros, command: Command) -> Decision:
    """Stops sleep for ever."""
    decided = decide(state, now, command)
    return _nothing(decided) if isinstance(command, WakeOrder) else decided


def worse_price(decided: Decision) -> Decision:
    """The buyer pays one tick more than the maker asked."""
    return _changed(decided, _worse)


def _worse(event: ev.Traded) -> ev.Traded:
    fields = {name: getattr(event, name) for name in event.__struct_fields__}
    return ev.Traded(**{**fields, "price": event.price + 1})


def _without(decided: Decision, unwanted: Callable[[ev.Event], bool]) -> Decision:
    if isinstance(decided, Reject):
        return decided
    return type(decided)([event for event in decided if not unwanted(event)])


def rival_lives(decided: Decision) -> Decision:
    """Of a pair one trades, and the other stays."""
    return _without(decided, lambda e: isinstance(e, ev.OrderEnded) and e.reason == ExpiryReason.OCO_TRIGGER)


def never_done(decided: Decision) -> Decision:
    """A list of which nothing is left stays open."""
    return _without(decided, lambda e: isinstance(e, ev.OrderListDone))


def money_not_taken_over(decided: Decision) -> Decision:
    """A woken stop does not take over what the other of its pair held."""
    if isinstance(decided, Reject):
        return decided
    return type(decided)([_poor(event) if isinstance(event, ev.OrderTriggered) else event for event in decided])


def _poor(event: ev.OrderTriggered) -> ev.OrderTriggered:
    fields = {name: getattr(event, name) for name in event.__struct_fields__}
    return ev.OrderTriggered(**{**fields, "hold": Amount(0)})


def pending_forgotten(state: State, now: Micros, command: Command) -> Decision:
    """The working order of a list is filled, and nobody places the others."""
    return decide_wake(state, now, command) if isinstance(command, WakeOrder) else decide(state, now, command)


def deciding(bad: Callable[[Decision], Decision]) -> Decide:
    return lambda state, now, command: bad(decide(state, now, command))


PLANTED: list[tuple[str, Callable[..., object]]] = [
    ("DECIDE", deciding(fee_up)),
    ("DECIDE", deciding(worse_price)),
    ("DECIDE", cancel_lost),
    ("DECIDE", nobody_wakes),
    ("DECIDE", deciding(rival_lives)),
    ("DECIDE", deciding(never_done)),
    ("DECIDE", deciding(money_not_taken_over)),
    ("DECIDE", pending_forgotten),
    ("evolve", youngest_first),
    ("evolve", released_twice),
    ("evolve", cancelled_order_stays),
]
NAMES = [
    "fee up",
    "worse price",
    "cancel lost",
    "nobody wakes",
    "rival lives",
    "never done",
    "money not taken over",
    "pending forgotten",
    "youngest first",
    "released twice",
    "order stays",
]


@pytest.mark.parametrize(("where", "fault"), PLANTED, ids=NAMES)
def test_a_planted_fault_is_found(monkeypatch: pytest.MonkeyPatch, where: str, fault: Callable[..., object]) -> None:
    """Within twenty seeds, by the referee, by the audit, or by the core's own asserts."""
    planted = dict.fromkeys(DECIDE, fault) if where == "DECIDE" else fault
    monkeypatch.setattr(performing, where, planted)
    found = 0
    for seed in range(20):
        try:
            Bazaar(seed).play(STEPS)
        except Exception:  # noqa: BLE001  # whoever notices, and however: it was noticed
            found += 1
    assert found
