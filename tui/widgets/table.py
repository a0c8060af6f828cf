"""A list to walk through with the keys: aligned columns, a cursor that keeps its row, and a filter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, NamedTuple

from rich.style import Style
from rich.text import Text
from textual.binding import Binding, BindingType
from textual.events import Click, MouseScrollDown, MouseScrollUp
from textual.message import Message
from textual.widget import Widget

from tui.ink import BOLD, NORMAL
from tui.text import fit


class Column(NamedTuple):
    """A heading, its least width in cells, on which side words stand, and whether it takes the width left over."""

    title: str
    width: int
    right: bool = False
    wide: bool = False


class Row(NamedTuple):
    """What identifies a row, what its cells say (harmless text), and a style for the whole of it."""

    key: str
    cells: tuple[str, ...]
    style: Style = NORMAL


class Table(Widget, can_focus=True):
    """Shows the rows it is given, as many as fit around the cursor."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", show=False),
        Binding("down,j", "move(1)", show=False),
        Binding("pageup", "page(-1)", show=False),
        Binding("pagedown", "page(1)", show=False),
        Binding("home", "move(-1000000)", show=False),
        Binding("end", "move(1000000)", show=False),
    ]

    newest_first: ClassVar[bool] = False
    """Whether the cursor stays on top, where the newest row comes, for as long as nobody walks the list."""

    class Moved(Message):
        """The cursor stands on another row now."""

        def __init__(self, table: Table, key: str) -> None:
            super().__init__()
            self.table = table
            self.key = key

    def __init__(self, name: str, columns: Sequence[Column], empty: str) -> None:
        """`name` heads the list and its exports; `empty` is said when there is nothing to list."""
        super().__init__(id=name.lower().replace(" ", "-"))
        self.title = name
        self.columns = tuple(columns)
        self.cursor = ""
        self._empty = empty
        self._all: tuple[Row, ...] = ()
        self._rows: list[Row] = []
        self._sought = ""
        self._top = 0
        self.border_title = name

    @property
    def rows(self) -> list[Row]:
        """The rows that the filter lets through, in order."""
        return self._rows

    @property
    def sought(self) -> str:
        return self._sought

    def header(self) -> tuple[str, ...]:
        """The columns' titles, for an export."""
        return tuple(column.title for column in self.columns)

    def records(self) -> list[tuple[str, ...]]:
        """The rows that the filter lets through, for an export."""
        return [row.cells for row in self._rows]

    def show(self, rows: Sequence[Row]) -> None:
        """List these rows from now on. The cursor stays on its row, or goes to the first where that is gone."""
        self._all = tuple(rows)
        self._filter()

    def seek(self, words: str) -> None:
        """List only rows that contain these words, in any cell and any case."""
        self._sought = words
        self._filter()

    def _filter(self) -> None:
        sought = self._sought.casefold()
        self._rows = [row for row in self._all if sought in " ".join(row.cells).casefold()]
        found = f"{self.title}: “{self._sought}” {len(self._rows)} of {len(self._all)}"
        self.border_title = Text(found if sought else self.title)
        if self._rows and (self._place() is None or (self.newest_first and not self.has_focus)):
            self._stand_on(0)
        self.refresh()

    def _place(self) -> int | None:
        return next((i for i, row in enumerate(self._rows) if row.key == self.cursor), None)

    def _stand_on(self, place: int) -> None:
        key = self._rows[place].key
        if key != self.cursor:
            self.cursor = key
            self.post_message(self.Moved(self, key))
        self.refresh()

    def point(self, key: str) -> None:
        """Put the cursor on this row without a word; where it is not listed, the next `show` finds another."""
        self.cursor = key
        self.refresh()

    def action_move(self, rows: int) -> None:
        if self._rows:
            self._stand_on(min(max((self._place() or 0) + rows, 0), len(self._rows) - 1))

    def action_page(self, pages: int) -> None:
        self.action_move(pages * max(self.size.height - 2, 1))

    def on_click(self, event: Click) -> None:
        place = self._top + event.y - 2
        if 0 <= place < len(self._rows) and event.y >= 2:
            self._stand_on(place)

    def on_mouse_scroll_up(self, _event: MouseScrollUp) -> None:
        self.action_move(-1)

    def on_mouse_scroll_down(self, _event: MouseScrollDown) -> None:
        self.action_move(1)

    def render(self) -> Text:
        """The heading and a window of rows around the cursor, in exactly the cells at hand."""
        widths = self._widths()
        lines = [self._line("  ", tuple(column.title for column in self.columns), widths, BOLD)]
        if not self._rows:
            lines.append(Text(f"  {'Nothing found; Esc ends the search.' if self._sought else self._empty}"))
        room = max(self.size.height - 1, 1)
        place = self._place() or 0
        self._top = min(max(self._top, place - room + 1, 0), place, max(len(self._rows) - room, 0))
        for row in self._rows[self._top : self._top + room]:
            here = row.key == self.cursor
            style = row.style + Style(reverse=here and self.has_focus, bold=here)
            lines.append(self._line("▸ " if here else "  ", row.cells, widths, style))
        return Text("\n", no_wrap=True, overflow="crop").join(lines)

    def _line(self, mark: str, cells: Sequence[str], widths: list[int], style: Style) -> Text:
        parts = [fit(cell, width, right=c.right) for cell, width, c in zip(cells, widths, self.columns, strict=True)]
        return Text(fit(mark + " ".join(parts), self.size.width), style=style)

    def _widths(self) -> list[int]:
        """Each column's cells: what a wide one gains, or must give up, makes the line fill the list."""
        widths = [
            max(column.width, *(len(row.cells[i]) for row in self._rows), 0) if not column.wide else column.width
            for i, column in enumerate(self.columns)
        ]
        spare = self.size.width - 2 - sum(widths) - (len(widths) - 1)
        for i, column in enumerate(self.columns):
            if column.wide:
                widths[i] = max(column.width + spare, 0)
        return widths
