"""A market's rules, and the only rounding in the house."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.core.market import fee, notional, rules_error, tick_unit
from exchange.core.units import MAX_STORED, Amount, AssetId, Ppm, Price, Quantity
from tests.core.world import rules

FEES = [
    (1_000_000, 1_000, 1_000),
    (999, 1_000, 0),  # 0.999 atoms
    (1_000, 1_000, 1),
    (1_999, 1_000, 1),  # 1.999 atoms
    (1, 999_999, 0),
    (3_333_000, 777, 2_589),  # 2,589.741 atoms
    (10**18, 1, 10**12),
    (0, 5_000, 0),
    (12_345, 0, 0),
]
REFUSED = [
    {"unit": 4},
    {"unit": 0},
    {"tick_atoms": 7, "unit": 3},
    {"tick_atoms": -6, "lot_atoms": -5},
    {"tick_atoms": 0, "unit": 0},
    {"quote": AssetId(1)},
    {"reference": Price(0)},
    {"reference": Price(1_001)},
    {"min_price": Price(0)},
    {"min_price": Price(101)},
    {"max_price": Price(2**70)},
    {"min_quantity": Quantity(0)},
    {"min_quantity": Quantity(61)},
    {"max_market_quantity": Quantity(0)},
    {"max_quantity": Quantity(MAX_STORED)},
    {"min_notional": Amount(-1)},
    {"min_notional": Amount(20_001)},
    {"max_notional": Amount(MAX_STORED)},
    {"maker_fee": Ppm(-1)},
    {"taker_fee": Ppm(1_000_000)},
    {"band_up": Ppm(-1)},
    {"band_up": Ppm(999_999)},
    {"band_down": Ppm(1_000_001)},
    {"slack": Ppm(-1)},
    {"max_orders": -1},
    {"max_algo_orders": -1},
]


@pytest.mark.parametrize(("received", "rate", "paid"), FEES)
def test_a_fee_is_rounded_down(received: int, rate: int, paid: int) -> None:
    assert fee(Amount(received), Ppm(rate)) == paid


@given(st.integers(1, MAX_STORED), st.integers(0, 999_999))
def test_a_fee_never_takes_everything_nor_more_than_its_rate(received: int, rate: int) -> None:
    paid = fee(Amount(received), Ppm(rate))
    assert 0 <= paid < received
    assert paid * 1_000_000 <= received * rate < (paid + 1) * 1_000_000


def test_a_notional_is_exact() -> None:
    """100 ticks of 6 atoms per unit, 7 lots of half a unit: 2,100 atoms."""
    assert notional(rules(), Price(100), Quantity(7)) == 2_100


def test_a_tick_and_lot_finer_than_an_atom_have_no_unit() -> None:
    assert tick_unit(6, 5, 1) == 3
    assert tick_unit(7, 5, 1) is None
    assert tick_unit(1, 1, 1) is None
    assert tick_unit(0, 5, 1) is None


def test_the_rules_of_our_tests_can_be_listed() -> None:
    assert rules_error(rules()) is None


@pytest.mark.parametrize("changed", REFUSED, ids=str)
def test_rules_that_contradict_themselves_are_refused(changed: dict[str, Any]) -> None:
    assert rules_error(rules(**changed))
