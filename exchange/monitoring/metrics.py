"""The page of metrics: what is told under which name, in the format that Prometheus reads.

Every name stands in docs/operations.md, and a test compares. Labels take their values from what operators set up
(chains, assets, doors) or from fixed lists (states, codes), never from traders.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from exchange.ops.buckets import Buckets

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_MICRO: Final = 1_000_000
_PREFIX: Final = "exchange_"


class Exposition:
    """Collects one page's figures; `page` writes them, and those of the process itself."""

    def __init__(self) -> None:
        """Nothing is told yet."""
        self._metrics: list[Metric] = []

    def count(self, name: str, about: str, value: float) -> None:
        """A total that only grows; its name gets `_total`."""
        self._metrics.append(CounterMetricFamily(_PREFIX + name, about, value=value))

    def counts(self, name: str, about: str, label: str, values: Mapping[str, float]) -> None:
        """Totals by one label."""
        metric = CounterMetricFamily(_PREFIX + name, about, labels=[label])
        for said, value in values.items():
            metric.add_metric([said], value)
        self._metrics.append(metric)

    def gauge(self, name: str, about: str, value: float) -> None:
        """How it is now."""
        self._metrics.append(GaugeMetricFamily(_PREFIX + name, about, value=value))

    def gauges(self, name: str, about: str, label: str, values: Mapping[str, float]) -> None:
        """The same by one label."""
        metric = GaugeMetricFamily(_PREFIX + name, about, labels=[label])
        for said, value in values.items():
            metric.add_metric([said], value)
        self._metrics.append(metric)

    def grid(self, name: str, about: str, labels: tuple[str, str], values: Mapping[tuple[str, str], float]) -> None:
        """The same by two labels."""
        metric = GaugeMetricFamily(_PREFIX + name, about, labels=labels)
        for said, value in values.items():
            metric.add_metric(said, value)
        self._metrics.append(metric)

    def histogram(self, name: str, about: str, buckets: Buckets, unit: int = 1) -> None:
        """How often which values came; those of `buckets` are so many times the unit that is told."""
        counts, running = [], 0
        for bound, count in zip((*buckets.bounds, None), buckets.counts, strict=True):
            running += count
            counts.append(("+Inf" if bound is None else str(bound / unit), running))
        family = HistogramMetricFamily(_PREFIX + name, about, buckets=counts, sum_value=buckets.total / unit)
        self._metrics.append(family)

    def times(self, name: str, about: str, buckets: Buckets) -> None:
        """A histogram of microseconds, told in seconds."""
        self.histogram(name, about, buckets, _MICRO)

    def collect(self) -> Iterable[Metric]:
        """For the registry."""
        return self._metrics

    def page(self) -> bytes:
        """The whole page."""
        registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        registry.register(self)
        return generate_latest(registry)
