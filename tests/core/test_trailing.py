"""Orders that follow the price: however they join, leave and move, each wakes when its own arithmetic says so."""

import random
from fractions import Fraction

import pytest

from exchange.core.orders import Order, Side
from exchange.core.trailing import Trail
from exchange.core.units import OrderId, Price
from tests.core.test_triggers import sleeper


def follower(number: int, side: Side, delta: int) -> Order:
    order = sleeper(number, 0, side)
    order.trailing_delta = delta
    return order


def bound(side: Side, best: int, delta: int) -> Fraction:
    """What wakes an order, in so many words."""
    return best * (1 + Fraction(delta, 10_000) * (1 if side == Side.BUY else -1))


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize("seed", range(40))
def test_a_trail_wakes_whom_plain_arithmetic_wakes(side: Side, seed: int) -> None:
    """Against a dictionary that is gone through order by order at every trade."""
    dice, trail = random.Random(seed), Trail(1 if side == Side.SELL else -1)
    known: dict[int, tuple[Order, int]] = {}
    last = 1_000
    for number in range(1, 300):
        if dice.random() < 0.5:
            order = follower(number, side, dice.choice([10, 50, 100, 100, 700]))
            known[number] = (order, last)
            trail.add(order, last)
        elif known and dice.random() < 0.2:
            trail.remove(known.pop(dice.choice(list(known)))[0])
        else:
            last = max(1, last + dice.randint(-12, 12))
            woken = [int(order.id) for _, _, order, _ in trail.reach(last)]
            assert sorted(woken) == _expected(known, side, last)
        assert len(trail) == len(known)
        assert dict(_shown(trail)) == {one: best for one, (_, best) in known.items()}


def _expected(known: dict[int, tuple[Order, int]], side: Side, price: int) -> list[int]:
    """Bring the dictionary up to date; those who wake leave it."""
    woken = []
    for number, (order, best) in list(known.items()):
        better = min(best, price) if side == Side.BUY else max(best, price)
        known[number] = (order, better)
        wall = bound(side, better, order.trailing_delta)
        if price >= wall if side == Side.BUY else price <= wall:
            woken.append(number)
            del known[number]
    return woken


def _shown(trail: Trail) -> list[tuple[int, int]]:
    return [(int(order), best) for best, orders in trail.shown() for order in orders]


def test_the_nearest_price_comes_first_and_at_one_price_the_oldest() -> None:
    """At the trade that wakes them all."""
    trail = Trail(1)
    for number, delta in ((1, 300), (2, 100), (3, 200), (4, 100)):
        trail.add(follower(number, Side.SELL, delta), 1_000)
    woken = sorted(trail.reach(900), key=lambda one: one[:2])
    assert [(order.id, best) for _, _, order, best in woken] == [
        (OrderId(number), Price(1_000)) for number in (2, 4, 3, 1)
    ]


def test_a_whole_pack_moves_at_once() -> None:
    """A thousand who follow one price cost no more than one, trade by trade."""
    trail = Trail(1)
    for number in range(1_000):
        trail.add(follower(number, Side.SELL, 100 + number % 50), 1_000)
    for price in range(1_001, 1_500):
        assert trail.reach(price) == []
        assert len(trail._packs) == 1
