"""A progress bar on stderr: percent, pace and time left; quiet where stderr is not a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

_STEPS: Final = 500
"""Redraw at most this often: the bar must not cost what it measures."""


@contextmanager
def bar(title: str) -> Iterator[Callable[[str, int, int], None]]:
    """Yields what to call with (what is being done, how far, of how many)."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(file=sys.stderr), disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task(title, total=None)

        def advance(what: str, done: int, total: int) -> None:
            if done >= total or done % max(1, total // _STEPS) == 0:
                progress.update(task, description=what, completed=done, total=total)

        yield advance
