"""Acts that wait for a second operator; while there are none the list takes no room."""

from __future__ import annotations

from exchange.admin.wire import ActRow
from tui.ink import BOLD, NORMAL
from tui.seen import Seen
from tui.text import at, plain
from tui.widgets.table import Column, Row, Table


class ActTable(Table):
    """Who asked for what; what you may confirm stands out."""

    def __init__(self) -> None:
        columns = [
            Column("Act", 4, right=True),
            Column("Asked by", 8),
            Column("What", 16),
            Column("You", 11),
            Column("Exactly", 0, wide=True),
        ]
        super().__init__("Acts", columns, "none wait")
        self.display = False

    def show_seen(self, seen: Seen) -> None:
        """List them all."""
        self.display = bool(seen.acts)
        self.show([_act(row) for row in seen.acts])


def _act(row: ActRow) -> Row:
    you = "asked" if row.yours else "may confirm" if row.may else ""
    cells = (str(row.number), plain(row.operator), plain(row.method), you, f"{plain(row.params)}, {at(row.asked)}")
    return Row(str(row.number), cells, BOLD if row.may else NORMAL)
