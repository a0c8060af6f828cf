"""How many orders a second, now and over the last minutes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from rich.text import Text

from tui.ink import BOLD, DIM, GREEN
from tui.seen import Seen
from tui.widgets.panel import Panel

_EIGHTHS: Final = " ▁▂▃▄▅▆▇█"


def bars(figures: Sequence[int], width: int, height: int) -> list[str]:
    """A bar a figure, newest on the right, the tallest `height` lines high; what is above 0 shows a trace."""
    shown = list(figures)[-width:]
    top = max(shown, default=0)
    eighths = [-(-figure * height * 8 // top) if top else 0 for figure in shown]
    rows = []
    for line in range(height - 1, -1, -1):
        row = "".join(_EIGHTHS[min(max(tall - line * 8, 0), 8)] for tall in eighths)
        rows.append(row.rjust(width))
    return rows


class Flow(Panel):
    """The figure, the peak of what is drawn, and the drawing: a column a second."""

    title = "Orders per second"

    def lines(self, seen: Seen) -> Iterable[Text]:
        width, height = self.size
        rates = list(seen.rates)[-width:]
        now, peak = (rates[-1], max(rates)) if rates else (0, 0)
        yield Text.assemble((f"{now:,}/s", BOLD), f"   peak {peak:,}/s")
        for row in bars(rates, width, max(height - 2, 1)):
            yield Text(row, GREEN)
        yield Text(f"the last {width} s".rjust(width), DIM)
