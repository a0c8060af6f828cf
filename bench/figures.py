"""What a measurement yields: named figures, each beside its budget, and how they are printed."""

from __future__ import annotations

import gc
import time
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class Figure(msgspec.Struct, frozen=True):
    """One measured value. `budget` is what it should reach (or stay below, if `at_most`); None: for information."""

    name: str
    value: float
    unit: str
    budget: float | None = None
    at_most: bool = False

    @property
    def met(self) -> bool:
        """Whether the value is within its budget, if it has one."""
        if self.budget is None:
            return True
        return self.value <= self.budget if self.at_most else self.value >= self.budget


def show(figures: Iterable[Figure]) -> None:
    """Print the figures as they come, one a line."""
    for figure in figures:
        verdict = ""
        if figure.budget is not None:
            limit = f"{'at most' if figure.at_most else 'at least'} {_plain(figure.budget)}"
            verdict = f"{limit:<20}{'met' if figure.met else 'MISSED'}"
        print(f"  {figure.name:<52}{_plain(figure.value):>12} {figure.unit:<8}{verdict}", flush=True)


def best_of(times: int, prepare: Callable[[], Callable[[], object]]) -> float:
    """The least processor seconds that what `prepare` returns takes in `times` tries, each freshly prepared.

    What stands in memory before a try is kept from the garbage collector, as the server keeps its restored state.
    """
    best = float("inf")
    for _ in range(times):
        measured = prepare()
        gc.collect()
        gc.freeze()
        begun = time.process_time()
        measured()
        best = min(best, time.process_time() - begun)
        gc.unfreeze()
    return best


def _plain(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.2f}"
