"""Overview: how the exchange is, on one screen."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal

from tui.screens.board import SCREENS, Board
from tui.seen import Seen
from tui.widgets.flow import Flow
from tui.widgets.house import House
from tui.widgets.invariants import Invariants
from tui.widgets.keybar import Key
from tui.widgets.lists import MarketTable
from tui.widgets.panel import Panel
from tui.widgets.pulse import Pulse


class Overview(Board):
    """Speed above, the invariants in the middle, the markets below."""

    here = "Overview"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "market", show=False)]

    def panels(self) -> ComposeResult:
        """Three panels side by side, two across."""
        with Horizontal(id="figures"):
            yield Flow()
            yield Pulse()
            yield House()
        yield Invariants()
        yield MarketTable()

    def keys(self, _seen: Seen) -> Iterable[Key]:
        """To the other screen; `enter` takes the market under the cursor along."""
        return (*SCREENS, Key("Enter", "Show market"))

    def fill(self, seen: Seen) -> None:
        """Every panel and the list."""
        for panel in self.query(Panel):
            panel.show(seen)
        for table in self.query(MarketTable):
            table.show_seen(seen)

    def action_market(self) -> None:
        """Look at the market under the cursor."""
        self.dashboard.choose(self.query_one(MarketTable).cursor)
        self.dashboard.action_board("markets")
