"""The line in which a search is typed; it narrows its list with each letter."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widgets import Input

from tui.widgets.table import Table


class Search(Input):
    """Hidden until opened. Enter keeps what was found and goes back to the list, Esc ends the search."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "stop", show=False)]

    def __init__(self) -> None:
        super().__init__(id="search", compact=True, max_length=40, select_on_focus=False)
        self.display = False
        self._table: Table | None = None

    def open(self, table: Table) -> None:
        """Search this list from now on."""
        self._table = table
        self.placeholder = f"find in {table.title.lower()} · Enter keeps, Esc ends"
        self.value = table.sought
        self.display = True
        self.focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        if self._table is not None and self.display:
            self._table.seek(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self._back()

    def action_stop(self) -> None:
        """Show the whole list again."""
        if self._table is not None:
            self._table.seek("")
        self._back()

    def _back(self) -> None:
        self.display = False
        if self._table is not None:
            self._table.focus()
