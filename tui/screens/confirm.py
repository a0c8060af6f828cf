"""Confirmation of what another operator asked for: all of it is shown, and only then yes or no."""

from __future__ import annotations

from typing import ClassVar

import msgspec
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from exchange.admin.wire import ActRow, ConfirmAct
from tui.ink import BOLD, BUTTON
from tui.text import at, plain


class ConfirmDialog(ModalScreen[ConfirmAct | None]):
    """Ends with what is to be asked of the server, or with None. What is confirmed is what was shown."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,n", "no", show=False),
        Binding("y", "yes", show=False),
    ]

    def __init__(self, row: ActRow, who: str) -> None:
        super().__init__()
        self._row = row
        self._who = plain(who)

    def compose(self) -> ComposeResult:
        """A box with the whole act, and the question."""
        with Vertical(id="dialog") as box:
            box.border_title = Text(f"Confirm act {self._row.number}: {plain(self._row.method)}")
            yield Static(self._said(), id="said")
            question = Text.assemble((" y ", BUTTON), " yes, have it done     ", (" n ", BUTTON), " or Esc: do nothing")
            yield Static(question, id="hint")

    def _said(self) -> Text:
        row = self._row
        said = Text(f"{plain(row.operator)} asked for it, {at(row.asked)}:\n\n")
        for name, value in msgspec.json.decode(row.params, type=dict[str, object]).items():
            said.append(f"{plain(name):<16} ", BOLD).append(f"{plain(str(value))}\n")
        return said.append(f"\nIt is done in {plain(row.operator)}'s name, and confirmed by {self._who}.\n")

    def action_yes(self) -> None:
        self.dismiss(ConfirmAct(number=self._row.number, digest=self._row.digest))

    def action_no(self) -> None:
        self.dismiss(None)
