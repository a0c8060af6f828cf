"""Counters of the sequencer, for the dashboard and for metrics. Never part of a decision."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Final

import structlog

from exchange.ops.buckets import Buckets

_SAMPLES: Final = 4_096
_COMMIT_US: Final = (500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 64_000, 128_000, 256_000, 1_000_000, 4_000_000)
_BATCH: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000)
_log = structlog.get_logger("exchange.sequencer")


class Stats:
    """Running totals and the latest acknowledgement latencies, all times in microseconds."""

    __slots__ = (
        *("answers", "batches", "commit_us", "commits", "last_batch"),
        *("last_commit", "last_seq", "latencies", "quarantines"),
    )

    def __init__(self) -> None:
        """Nothing counted yet."""
        self.answers = 0
        self.commits = 0
        self.last_batch = 0
        self.last_commit = 0
        self.last_seq = 0
        self.quarantines = 0
        self.commit_us = Buckets(_COMMIT_US)
        self.batches = Buckets(_BATCH)
        self.latencies: deque[int] = deque(maxlen=_SAMPLES)

    def answered(self, now: int, arrivals: Sequence[int]) -> None:
        """Commands and readings that arrived then were answered (at once, where the clock was set back meanwhile)."""
        self.answers += len(arrivals)
        self.latencies.extend([now - arrived if arrived < now else 0 for arrived in arrivals])

    def committed(self, now: int, handed: int, answers: int, last_seq: int) -> None:
        """A batch of `answers` that was handed to the writer at `handed` became durable at `now`."""
        self.commits += 1
        self.last_commit = now
        self.last_batch = answers
        self.last_seq = last_seq
        self.commit_us.add(max(0, now - handed))
        self.batches.add(answers)

    def quarantined(self, error: BaseException) -> None:
        """Deciding raised. The trace goes to the log: it is a bug that somebody must see."""
        self.quarantines += 1
        _log.error("quarantined", exc_info=error)

    def percentile(self, share: int) -> int | None:
        """The latency that `share` of 100 answers did not exceed, or None before the first answer."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, len(ordered) * share // 100)] if ordered else None
