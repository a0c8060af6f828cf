"""Decimal strings in and out: exact, or refused with the reason."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.core.decimals import Malformed, parse, render
from exchange.core.units import MAX_STORED

READ = [
    ("0", 8, 0),
    ("1", 0, 1),
    ("1.5", 8, 150_000_000),
    ("0.00000001", 8, 1),
    ("00.10", 2, 10),
    ("1.50000000000", 8, 150_000_000),
    ("92233720368.54775807", 8, MAX_STORED),
    ("1.000", 0, 1),
]
REFUSED = [
    *(
        (text, Malformed.SYNTAX)
        for text in ("", " 1", "1 ", "+1", "-1", "-0", ".5", "1.", "1e3", "1E-3", "1,5", "1_000")
    ),
    *((text, Malformed.SYNTAX) for text in ("NaN", "nan", "Infinity", "inf", "0x10", "1.2.3", "1\n", "²", "١", "1.٢")),
    ("9" * 21, Malformed.SYNTAX),
    ("0." + "0" * 31, Malformed.SYNTAX),
    ("0.000000001", Malformed.TOO_PRECISE),
    ("1.123456789", Malformed.TOO_PRECISE),
    ("92233720368.54775808", Malformed.TOO_LARGE),
    ("99999999999999999999", Malformed.TOO_LARGE),
]
WRITTEN = [
    (0, 8, "0.00000000"),
    (1, 8, "0.00000001"),
    (-1, 8, "-0.00000001"),
    (150_000_000, 8, "1.50000000"),
    (-150_000_000, 8, "-1.50000000"),
    (7, 0, "7"),
    (-7, 0, "-7"),
    (5, 1, "0.5"),
]


@pytest.mark.parametrize(("text", "places", "value"), READ)
def test_a_plain_number_is_read_exactly(text: str, places: int, value: int) -> None:
    assert parse(text, places) == value


@pytest.mark.parametrize(("text", "reason"), REFUSED)
def test_anything_else_is_refused_with_the_reason(text: str, reason: Malformed) -> None:
    assert parse(text, 8) is reason


@pytest.mark.parametrize(("value", "places", "text"), WRITTEN)
def test_a_value_is_written_with_all_its_places(value: int, places: int, text: str) -> None:
    assert render(value, places) == text


@given(st.integers(0, MAX_STORED), st.integers(0, 18))
def test_what_is_written_is_read_again(value: int, places: int) -> None:
    assert parse(render(value, places), places) == value


@given(st.text())
def test_no_text_breaks_the_reader(text: str) -> None:
    """Whatever comes in, the answer is a whole number of units that can be stored, or a reason."""
    value = parse(text, 8)
    assert isinstance(value, Malformed) or 0 <= value <= MAX_STORED
