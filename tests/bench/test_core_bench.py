"""The measurements of the core measure what they say. No times are asserted."""

from __future__ import annotations

from collections import Counter

import pytest

from bench import core, workload
from bench.__main__ import main, measurements
from exchange.core.performing import perform
from exchange.core.units import Micros, OrderId


def test_the_flow_is_the_same_each_time_and_mixed_as_promised() -> None:
    load = workload.make(20_000)
    assert load.operations == workload.make(20_000).operations
    shares = [load.kinds[kind] / 20_000 for kind in (workload.ADD, workload.CANCEL, workload.CROSS)]
    assert shares == pytest.approx([0.60, 0.35, 0.05], abs=0.02)


def test_core_and_both_books_end_with_the_same_orders() -> None:
    operations = workload.make(3_000).operations
    plain, book = core.plain_alone(operations), core.book_alone(operations)
    depth = Counter({(level.side, level.price): level.quantity for half in (book.bids, book.asks) for level in half})
    assert depth == {(lv.side, lv.price): lv.lots for side in plain.sides for lv in side.values()}
    state = core.furnished()
    for command in core.commands(operations):
        assert perform(state, Micros(1), command).reject is None
    assert state.orders.keys() == {OrderId(order) for order in plain.orders}


def test_the_core_is_measured_at_any_size() -> None:
    figures = {figure.name: figure for figure in core.measure(0.0005)}
    assert figures["operations"].value == 500
    assert all(figure.value > 0 for figure in figures.values())


def test_bench_lists_its_measurements(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--list"])
    assert "core: " in capsys.readouterr().out
    assert "core" in measurements()


def test_bench_refuses_a_name_it_does_not_know() -> None:
    with pytest.raises(SystemExit):
        main(["nonsense"])
