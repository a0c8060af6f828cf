"""Figures as words: times, counts, bars, ladders."""

from __future__ import annotations

import pytest

from tests.tui.server import book
from tui.text import ago, at, counted, fit, lasted, uptime
from tui.widgets.flow import bars
from tui.widgets.ladder import rows, spread
from tui.widgets.pulse import fill_percent


@pytest.mark.parametrize(
    ("micros", "words"),
    [(None, "–"), (0, "0 µs"), (999, "999 µs"), (1_000, "1.0 ms"), (12_345, "12.3 ms"), (1_234_567, "1.23 s")],
)
def test_spans_keep_three_figures(micros: int | None, words: str) -> None:
    assert lasted(micros) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(-5, "0.0 s"), (0.4, "0.4 s"), (12, "12 s"), (240, "4 min"), (11_520, "3 h 12 min"), (439_200, "5 d 2 h")],
)
def test_ages_grow_coarser(seconds: float, words: str) -> None:
    assert ago(int(seconds * 1_000_000)) == words


def test_days_stand_before_hours() -> None:
    assert (uptime(59), uptime(183_906)) == ("00:00:59", "2 d 03:05")


def test_the_time_of_day_is_utc() -> None:
    assert at(1_780_000_000_000_000) == "20:26:40"


def test_one_is_singular() -> None:
    assert (counted(1, "order"), counted(12_345, "order"), counted(0, "order")) == (
        "1 order",
        "12,345 orders",
        "0 orders",
    )


@pytest.mark.parametrize(
    ("words", "width", "shown"),
    [("abc", 5, "abc  "), ("abcdef", 4, "abc…"), ("東京都", 4, "東 …"), ("abc", 0, ""), ("", 2, "  ")],
)
def test_words_fit_their_cells_exactly(words: str, width: int, shown: str) -> None:
    assert fit(words, width) == shown


def test_the_tallest_bar_fills_the_height_and_the_least_leaves_a_trace() -> None:
    assert bars([0, 1, 8, 16], 5, 2) == ["    █", "  ▁██"]


def test_no_orders_draw_no_bars() -> None:
    assert bars([0, 0], 3, 1) == ["   "]
    assert bars([], 3, 1) == ["   "]


def test_the_queue_is_full_at_its_limit_and_not_before() -> None:
    assert (fill_percent(0, 4_096), fill_percent(1, 4_096), fill_percent(4_095, 4_096)) == (0, 1, 100)


def test_a_ladder_runs_from_the_highest_price_down_and_adds_up_from_the_middle() -> None:
    shown = [(side, level.price, str(depth)) for side, level, depth in rows(book("BTCUSDT"), 2)]
    assert shown == [
        ("ask", "30000.04", "2.04000"),
        ("ask", "30000.03", "1.01500"),
        ("bid", "29999.99", "0.01000"),
        ("bid", "29999.98", "0.03000"),
    ]


def test_the_spread_is_exact() -> None:
    assert spread(book("BTCUSDT")) == "0.04"
