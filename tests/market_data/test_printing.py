"""Numbers on their way out."""

import pytest

from exchange.market_data.printing import average_text, notional_text, percent_text, price_text, quantity_text
from tests.market_data.market import RULES


def test_ticks_lots_and_atoms_leave_as_plain_decimals_with_all_places() -> None:
    assert price_text(RULES, 3_000_001) == "30000.01000000"
    assert quantity_text(RULES, 1) == "0.00001000"
    assert notional_text(RULES, 1) == "0.00000001"
    assert price_text(RULES, 0) == "0.00000000"
    assert price_text(RULES, -5) == "-0.05000000"


@pytest.mark.parametrize(
    ("before", "after", "text"),
    [
        (1_000, 1_010, "1.000"),
        (1_000, 990, "-1.000"),
        (3, 4, "33.333"),
        (3, 2, "-33.333"),
        (7, 7, "0.000"),
        (0, 5, "0.000"),
        (100_000, 99_999, "-0.001"),
        (72_181_09, 73_369_84, "1.647"),
        (3, 5, "66.667"),
        (200_000, 199_999, "-0.001"),
        (200_000, 200_001, "0.001"),
        (1_000_000, 999_999, "0.000"),
    ],
)
def test_a_change_in_percent_has_three_places_and_is_rounded_halves_up(before: int, after: int, text: str) -> None:
    assert percent_text(before, after) == text


def test_an_average_is_weighted_by_quantity_and_rounded_halves_up() -> None:
    notional = (1_000 * 1 + 1_001 * 2) * RULES.unit
    assert average_text(RULES, 3, notional) == "10.00666667"
    assert average_text(RULES, 0, 0, otherwise=1_000) == "10.00000000"
    assert average_text(RULES, 0, 0) == "0.00000000"
