"""Histograms: what falls where, and how a page tells it; and the pulse that fills one."""

from __future__ import annotations

import trio
import trio.testing
from prometheus_client.parser import text_string_to_metric_families

from exchange.monitoring.metrics import Exposition
from exchange.ops.buckets import Buckets
from exchange.ops.pulse import BEAT, Pulse


def test_a_value_falls_below_the_first_bound_that_it_does_not_exceed() -> None:
    buckets = Buckets((10, 20))
    for value in (0, 10, 11, 20, 21, 1_000):
        buckets.add(value)
    assert (buckets.counts, buckets.total) == ([2, 2, 2], 1_062)


def test_a_page_tells_a_histogram_with_counts_that_add_up() -> None:
    """In seconds, each bound with all that lies below it."""
    buckets = Buckets((500_000, 1_000_000))
    for value in (1, 600_000, 700_000, 5_000_000):
        buckets.add(value)
    told = Exposition()
    told.times("wait_seconds", "How long.", buckets)
    families = {one.name: one for one in text_string_to_metric_families(told.page().decode())}
    samples = families["exchange_wait_seconds"].samples
    below = {one.labels["le"]: one.value for one in samples if one.name.endswith("_bucket")}
    assert below == {"0.5": 1, "1.0": 3, "+Inf": 4}
    assert {one.name.rpartition("_")[2]: one.value for one in samples if not one.labels} == {
        "count": 4,
        "sum": 6.300001,
    }


async def test_the_pulse_notes_by_how_much_the_loop_was_held_up(autojump_clock: trio.testing.MockClock) -> None:
    """Nothing while it turns freely."""
    pulse = Pulse()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(pulse.run)
        await trio.sleep(4.5 * BEAT)
        assert (sum(pulse.late_us.counts), pulse.late_us.total) == (4, 0)
        autojump_clock.jump(2 * BEAT)
        await trio.testing.wait_all_tasks_blocked()
        assert pulse.late_us.total == int(1.5 * BEAT * 1_000_000)
        nursery.cancel_scope.cancel()
