"""Asks for the operator's one-time code."""

from __future__ import annotations

from typing import ClassVar, Final

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from tui.ink import WRONG

DIGITS: Final = 6


class CodePrompt(ModalScreen[str | None]):
    """Ends with six digits, or with None if the operator would rather not now."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "later", show=False)]

    def __init__(self, text: str) -> None:
        """`text`: what was wrong with the last one, or ""."""
        super().__init__()
        self._text = text

    def compose(self) -> ComposeResult:
        """A box with room for six digits."""
        with Vertical(id="dialog") as box:
            box.border_title = "Who are you?"
            yield Static(Text("The six digits that your authenticator shows for this exchange:"))
            yield Input(id="code", restrict=r"[0-9]*", max_length=DIGITS, placeholder="000000")
            yield Static(Text(self._text, WRONG), id="hint")
            yield Static(Text("Enter attaches; a code works once. Esc closes this, and a brings it back."))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Six digits or nothing."""
        if len(event.value) == DIGITS:
            self.dismiss(event.value)
        else:
            self.query_one("#hint", Static).update(Text("A code has six digits.", WRONG))

    def action_later(self) -> None:
        self.dismiss(None)
